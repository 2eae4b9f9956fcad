// Runs first: reads the page's settings from the island and starts the worker, so that it is ready
// when the rest is. Everything of ours hangs on `planningMap`.
'use strict';

window.planningMap = {};

(function (own) {
  own.settings = JSON.parse(document.getElementById('map-data').textContent);

  if (own.settings.sources.some((source) => source.tiles)) {
    own.tileWorker = new Worker(own.settings.tile_worker);
  }

  // Chromium keeps the shapes of words that it drew before their letters had come: an unseen bit of
  // spacing, another each time, makes it shape them anew. That takes a layout of the whole page, so
  // it is done once, when no letters have come for a moment.
  const RESPACE_AFTER_MS = 400;
  let spacing = 0;
  let waiting = null;
  document.fonts.addEventListener('loadingdone', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      spacing += 0.0001;
      document.documentElement.style.setProperty('--letter-spacing', `${spacing}px`);
    }, RESPACE_AFTER_MS);
  });
})(window.planningMap);
