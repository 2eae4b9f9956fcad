// What the page knows of the county's layers.
import { get } from '../api.js';
import { wordOf } from '../frame.js';

export const known = {
  /** @type {any[]} */
  layers: [],
  /** @type {any} */
  elevation: null,
  // The layers that a file may be imported as.
  /** @type {any[]} */
  importable: [],

  async refresh() {
    this.layers = (await get('/api/layers')).layers;
  },
};

export function titleOf(layer) {
  return wordOf('layer', layer);
}

export function columnName(name) {
  return wordOf('column', name);
}
