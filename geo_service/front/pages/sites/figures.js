// Figures of candidates as the tables of a ranking tell them.
import { make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { area, count, moneyPerMu, number, percent, squareMetres } from '../amounts.js';
import { t } from '../frame.js';
import { verdictMark } from '../marks.js';

const UNIT_NAMES = {
  min: 'minutes',
  enterprises: 'enterprises',
  parks: 'parks',
  '°': 'degrees',
  '%': 'percent',
};
export function rankNumber(rank) {
  return make('span', { class: `rank-no${rank === 1 ? ' is-first' : ''}` }, count(rank));
}

export function areaOf(candidate) {
  return candidate.kind === 'floors' ? squareMetres(candidate.area_m2) : area(candidate.area_m2);
}

// A criterion's value in its unit; what cannot be reached and what is missing are said.
export function raw(figures) {
  if (!figures) {
    return '—';
  }
  if (figures.is_unreachable) {
    return t('sites.unreachable');
  }
  if (!hasValue(figures.raw)) {
    return t('sites.no_data');
  }
  const { raw: value, unit } = figures;
  if (unit === 'share') {
    return percent(value);
  }
  if (unit === 'share_change') {
    return t('sites.in_points', { value: number(value * 100) });
  }
  if (unit === 'm²') {
    return squareMetres(value);
  }
  if (unit === 'CNY/mu') {
    return moneyPerMu(value);
  }
  if (unit === '1' || unit === 'grade') {
    return number(value);
  }
  const name = UNIT_NAMES[unit];
  return name
    ? t(`sites.in_${name}`, { value: number(value) })
    : `${number(value)} ${unit ?? ''}`.trim();
}

// A score between 0 and 1 on a scale of a hundred.
export function points(value) {
  return hasValue(value) ? number(value * 100) : '—';
}

export function stability(candidate) {
  const { first, in_top3: top3 } = candidate.stability ?? {};
  return hasValue(first)
    ? make(
        'span',
        {},
        percent(first),
        hasValue(top3)
          ? make('span', { class: 'under' }, t('sites.top3', { share: percent(top3) }))
          : null,
      )
    : '—';
}

export function effect(candidate) {
  const found = candidate.focus_effect;
  if (!found) {
    return '—';
  }
  return make(
    'span',
    {},
    make(
      'span',
      { class: 'amount' },
      `${percent(found.before.share)} → ${percent(found.after.share)}`,
    ),
    make('span', { class: 'under' }, verdictMark(found.after.verdict)),
  );
}
