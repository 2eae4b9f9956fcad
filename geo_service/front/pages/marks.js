// Signs of verdicts and tiers, drawn from the same table as those of the map.
import { make, makeSvg } from './dom.js';
import { start, t } from './frame.js';

export const VERDICTS = ['pass', 'watch', 'fail', 'unknown'];
export const WORST_FIRST = ['fail', 'unknown', 'watch', 'pass'];
export const TIERS = ['municipal_park', 'sme_cluster', 'building_park'];
export const SEVERITIES = ['must', 'should', 'info'];

// Outlines in a box from -10 to 10, as on the map.
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
};

function badge(shape, fill, sign, size) {
  return makeSvg(
    'svg',
    { viewBox: '-11 -11 22 22', width: size, height: size, class: 'badge', 'aria-hidden': 'true', focusable: 'false' },
    makeSvg('path', { d: SHAPES[shape] || SHAPES.circle, fill }),
    sign ? makeSvg('path', { d: SIGNS[sign], fill: 'none', stroke: '#fff', 'stroke-width': 2.4, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }) : null,
  );
}

export function verdictColour(verdict) {
  return start.symbols[`verdict.${verdict}`].stroke;
}

export function verdictBadge(verdict, size = 18) {
  return badge('circle', verdictColour(verdict), start.symbols[`verdict.${verdict}`].sign, size);
}

export function verdictMark(verdict) {
  return make('span', { class: `verdict is-${verdict}` }, verdictBadge(verdict), make('span', {}, t(`verdict.${verdict}`)));
}

export function tierBadge(tier, size = 16) {
  const symbol = start.symbols[`tier.${tier}`];
  return badge(symbol?.shape, symbol?.fill ?? '#54606b', null, size);
}

export function tierMark(tier) {
  return make('span', { class: 'tier' }, tierBadge(tier), make('span', {}, t(`tier.${tier}`)));
}

export function severityMark(severity) {
  return make('span', { class: `chip is-${severity}` }, t(`severity.${severity}`));
}

export function illustrativeMark() {
  return make('span', { class: 'chip is-illustrative', title: t('console.illustrative_hint') }, t('console.illustrative_short'));
}

// A bar of 0 to 1 with an optional mark where it should reach.
export function shareBar(value, { mark = null, colour = null } = {}) {
  const node = makeSvg('svg', { class: 'share-bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' }, makeSvg('rect', { width: 100, height: 8, class: 'share-ground' }));
  if (value !== null && value !== undefined) {
    node.append(makeSvg('rect', { width: Math.min(1, Math.max(0, value)) * 100, height: 8, class: 'share-value', fill: colour }));
  }
  if (mark !== null && mark !== undefined) node.append(makeSvg('rect', { x: mark * 100 - 0.6, width: 1.2, height: 8, class: 'share-mark' }));
  return node;
}

// Counts of verdicts as one bar of four parts.
export function verdictBar(counts) {
  const total = VERDICTS.reduce((sum, verdict) => sum + (counts[verdict] || 0), 0);
  let x = 0;
  const parts = VERDICTS.filter((verdict) => counts[verdict]).map((verdict) => {
    const width = (counts[verdict] / total) * 100;
    const part = makeSvg('rect', { x, width: Math.max(0, width - 0.5), height: 8, fill: verdictColour(verdict) });
    x += width;
    return part;
  });
  return makeSvg('svg', { class: 'verdict-bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' }, makeSvg('rect', { width: 100, height: 8, class: 'share-ground' }), parts);
}

// What the signs mean, for print and for readers who see them first.
export function legend() {
  return make('ul', { class: 'legend', 'aria-label': t('console.legend') }, VERDICTS.map((verdict) => make('li', {}, verdictMark(verdict))), TIERS.map((tier) => make('li', {}, tierMark(tier))));
}
