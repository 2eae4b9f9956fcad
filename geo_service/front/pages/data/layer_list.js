// What the page knows of the county's layers.
import { get } from '../api.js';
import { wordOf } from '../frame.js';

export const layerList = {
  /** @type {any[]} */
  layers: [],
  // Whether what is published counts, or still the county's own files.
  isPublished: true,
  /** @type {any} */
  elevation: null,
  // The layers that a file may be imported as.
  /** @type {any[]} */
  importable: [],

  async refresh() {
    const found = await get('/api/layers');
    this.layers = found.layers;
    this.isPublished = found.is_published;
    return found;
  },
};

export function titleOf(layer) {
  return wordOf('layer', layer);
}

export function columnName(name) {
  return wordOf('column', name);
}
