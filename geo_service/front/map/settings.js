// What the page carries: its settings, which start.js has read, and their texts.
import { fillIn } from '../shared/format.js';

export const { settings, tileWorker } = window.planningMap;

// Whether another page of the service shows this one in a frame; a file from disk has no origin
// that could be told from another's.
export const isFramed = window.parent !== window && /^https?:$/.test(window.location.protocol);

// Lists that no page tells: a framed map of these kinds keeps its own beside it.
const OWN_LISTS = new Set(['preview', 'time', 'compare']);

export const hasOwnList = !isFramed || OWN_LISTS.has(settings.kind);

/**
 * Returns a text of the catalogue with its {fields} filled in.
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 */
export function text(key, values) {
  return fillIn(settings.texts[key] || key, values);
}
