// Runs first: reads the page's settings from the island and starts the worker, so that it is ready
// when the rest is. Everything of ours that can be reached from outside stands in `planningMap`.
import { shapeWordsAnew } from '../shared/moments.js';

// Letters come in dozens of files; the page is laid out anew once none have come for a moment.
const RESPACE_AFTER_MS = 400;

const settings = JSON.parse(document.getElementById('map-data')?.textContent ?? '');
const hasTiles = settings.sources.some((/** @type {{ tiles?: string }} */ { tiles }) => tiles);
window.planningMap = {
  settings,
  tileWorker: hasTiles ? new Worker(settings.tile_worker) : null,
};
shapeWordsAnew(RESPACE_AFTER_MS);
