// What has to wait for its moment: letters that come late, and paper.

const LONGEST_WAIT_MS = 30_000;
const LOOK_AGAIN_MS = 150;

/**
 * Has words shaped anew when letters have come. Chromium keeps the shapes of words that it drew
 * before: an unseen bit of spacing, another each time, makes it shape them again. That takes a
 * layout of the whole page, so a page of many parts waits until no letters have come for a moment.
 * @param {number} waitMs
 */
export function shapeWordsAnew(waitMs) {
  let spacing = 0;
  const respace = () => {
    spacing += 0.0001;
    document.documentElement.style.setProperty('--letter-spacing', `${spacing}px`);
  };
  let waiting = 0;
  document.fonts.addEventListener('loadingdone', () => {
    if (waitMs === 0) {
      respace();
      return;
    }
    clearTimeout(waiting);
    waiting = setTimeout(respace, waitMs);
  });
}

/**
 * Returns what a print button does: prints once everything is there, or after a while without. The
 * browser's own command cannot be held back.
 * @param {() => boolean} isReady
 */
export function printerOf(isReady) {
  let waiting = 0;
  return () => {
    clearTimeout(waiting);
    const end = Date.now() + LONGEST_WAIT_MS;
    const look = () => {
      if (isReady() || Date.now() > end) {
        window.print();
      } else {
        waiting = setTimeout(look, LOOK_AGAIN_MS);
      }
    };
    look();
  };
}
