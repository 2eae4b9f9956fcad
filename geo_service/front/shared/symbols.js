// The outlines and signs that verdicts, tiers and markers are made of. Colours and sizes come with
// the style table that each page carries.
import { makeSvg } from './dom.js';

export const VERDICTS = ['pass', 'watch', 'fail', 'unknown'];

// Outlines in a box from -10 to 10.
const SHAPES = {
  star: 'M0-10 2.9-3.6 9.8-3 4.6 1.7 6.1 8.6 0 5-6.1 8.6-4.6 1.7-9.8-3-2.9-3.6Z',
  diamond: 'M0-10 10 0 0 10-10 0Z',
  circle: 'M0-9A9 9 0 1 1 0 9 9 9 0 1 1 0-9Z',
  square: 'M-9-6.5Q-9-9-6.5-9H6.5Q9-9 9-6.5V6.5Q9 9 6.5 9H-6.5Q-9 9-9 6.5Z',
};
const SIGNS = {
  check: 'M-3.6.2-1.2 2.8 3.8-2.6',
  bang: 'M0-4.2V1M0 3.6V4',
  cross: 'M-3-3 3 3M3-3-3 3',
  question: 'M-2.2-2.4C-2.2-5.4 2.4-5.2 2.3-2.3 2.2-.6 0-.4 0 1.4M0 3.8V4.1',
  plus: 'M0-4V4M-4 0H4',
  minus: 'M-4 0H4',
  wave: 'M-4.2 1C-2.4-3 0-1.4 0 0S2.4 3 4.2-1',
  up: 'M0 4V-4M-3-1 0-4 3-1',
  down: 'M0-4V4M-3 1 0 4 3 1',
  equals: 'M-3.4-1.8H3.4M-3.4 1.8H3.4',
  dot: 'M0 0V.1',
};

/**
 * @param {string | undefined} shape one of SHAPES; any other is a circle
 * @param {import('./dom.js').Attributes} attributes
 */
export function shapePath(shape, attributes) {
  return makeSvg('path', {
    d: /** @type {Record<string, string>} */ (SHAPES)[shape ?? ''] ?? SHAPES.circle,
    ...attributes,
  });
}

/**
 * @param {string} sign one of SIGNS
 * @param {string} ink
 * @param {import('./dom.js').Attributes} [attributes]
 */
export function signPath(sign, ink, attributes) {
  return makeSvg('path', {
    d: /** @type {Record<string, string>} */ (SIGNS)[sign],
    fill: 'none',
    stroke: ink,
    'stroke-width': 2.4,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
    ...attributes,
  });
}
