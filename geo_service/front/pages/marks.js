// Signs of verdicts and tiers, drawn from the same table as those of the map.
import { make, makeSvg } from '../shared/dom.js';
import { VERDICTS, shapePath, signPath } from '../shared/symbols.js';
import { capitalText, start, t } from './frame.js';

export const WORST_FIRST = ['fail', 'unknown', 'watch', 'pass'];
export const TIERS = ['municipal_park', 'sme_cluster', 'building_park'];
export const SEVERITIES = ['must', 'should', 'info'];

function badge(shape, fill, sign, size) {
  return makeSvg(
    'svg',
    {
      viewBox: '-11 -11 22 22',
      width: size,
      height: size,
      class: 'badge',
      'aria-hidden': 'true',
      focusable: 'false',
    },
    shapePath(shape, { fill }),
    sign ? signPath(sign, '#fff') : null,
  );
}

export function verdictColour(verdict) {
  return start.symbols[`verdict.${verdict}`].stroke;
}

export function verdictBadge(verdict, size = 18) {
  return badge('circle', verdictColour(verdict), start.symbols[`verdict.${verdict}`].sign, size);
}

/**
 * The list that a finding stands in, as tabs and the workbook's sheets count it.
 * @param {{ approval?: any, waived?: any, severity: string | null, verdict: string }} finding
 */
export function worklistOf({ approval, waived, severity, verdict }) {
  if (approval || waived) {
    return approval ? 'approved' : 'waived';
  }
  if (verdict === 'unknown') {
    return 'supplement';
  }
  return severity === 'must' && verdict === 'fail' ? 'rectify' : 'watch';
}

// The sign of each list: a cross stands for a broken binding rule and for nothing else.
export const LIST_SIGNS = { rectify: 'fail', watch: 'watch', supplement: 'unknown' };

// A finding's sign; none for one that is set aside.
export function findingBadge(finding, size) {
  const sign = LIST_SIGNS[worklistOf(finding)];
  return sign
    ? verdictBadge(sign, size)
    : make('span', { class: 'row-aside', 'aria-hidden': 'true' });
}

export function verdictMark(verdict) {
  return make(
    'span',
    { class: `verdict is-${verdict}` },
    verdictBadge(verdict),
    make('span', {}, capitalText(`verdict.${verdict}`)),
  );
}

export function tierBadge(tier, size = 16) {
  const symbol = start.symbols[`tier.${tier}`];
  return badge(symbol?.shape, symbol?.fill ?? '#54606b', null, size);
}

export function tierMark(tier) {
  return make(
    'span',
    { class: 'tier' },
    tierBadge(tier),
    make('span', {}, capitalText(`tier.${tier}`)),
  );
}

export function severityMark(severity) {
  return make('span', { class: `chip is-${severity}` }, capitalText(`severity.${severity}`));
}

export function illustrativeMark() {
  return make(
    'span',
    { class: 'chip is-illustrative', title: t('console.illustrative_hint') },
    capitalText('console.illustrative_short'),
  );
}

// A bar of 0 to 1 with an optional mark where it should reach.
export function shareBar(value, { mark = null, colour = null } = {}) {
  const node = makeSvg(
    'svg',
    {
      class: 'share-bar',
      viewBox: '0 0 100 8',
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
      focusable: 'false',
    },
    makeSvg('rect', { width: 100, height: 8, class: 'share-ground' }),
  );
  if (value !== null && value !== undefined) {
    node.append(
      makeSvg('rect', {
        width: Math.min(1, Math.max(0, value)) * 100,
        height: 8,
        class: 'share-value',
        fill: colour,
      }),
    );
  }
  if (mark !== null && mark !== undefined) {
    node.append(
      makeSvg('rect', { x: mark * 100 - 0.6, width: 1.2, height: 8, class: 'share-mark' }),
    );
  }
  return node;
}

// Counts of verdicts as one bar of four parts.
export function verdictBar(counts) {
  const total = VERDICTS.reduce((sum, verdict) => sum + (counts[verdict] || 0), 0);
  let x = 0;
  const parts = VERDICTS.filter((verdict) => counts[verdict]).map((verdict) => {
    const width = (counts[verdict] / total) * 100;
    const part = makeSvg('rect', {
      x,
      width: Math.max(0, width - 0.5),
      height: 8,
      fill: verdictColour(verdict),
    });
    x += width;
    return part;
  });
  return makeSvg(
    'svg',
    {
      class: 'verdict-bar',
      viewBox: '0 0 100 8',
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
      focusable: 'false',
    },
    makeSvg('rect', { width: 100, height: 8, class: 'share-ground' }),
    parts,
  );
}

// What the signs mean, for print and for readers who see them first.
export function legend() {
  return make(
    'ul',
    { class: 'legend', 'aria-label': t('console.legend') },
    VERDICTS.map((verdict) => make('li', {}, verdictMark(verdict))),
    TIERS.map((tier) => make('li', {}, tierMark(tier))),
  );
}
