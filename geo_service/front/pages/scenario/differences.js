// Values before and after: side by side, with what has become of them.
import { dataText, icon, make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { count } from '../amounts.js';
import { t } from '../frame.js';
import { verdictMark } from '../marks.js';

/**
 * Two states of a value with an arrow between them; once if they are alike.
 * @param {any} before
 * @param {any} after
 * @param {(value: any) => import('../parts.js').Child} show
 */
export function change(before, after, show) {
  if (before === after) {
    return make('span', { class: 'change is-same' }, show(after));
  }
  return make(
    'span',
    { class: 'change' },
    make('span', { class: 'was' }, show(before)),
    icon('right', 12),
    make('span', { class: 'hidden-words' }, t('scenarios.becomes')),
    make('span', { class: 'is-now' }, show(after)),
  );
}

export function verdictChange(before, after) {
  return change(before ?? null, after ?? null, (verdict) =>
    verdict ? verdictMark(verdict) : make('span', { class: 'note' }, t('scenarios.no_park')),
  );
}

/**
 * A difference with its sign; nothing for none.
 * @param {any} difference
 * @param {(value: any) => import('../parts.js').Child} [write]
 */
export function signed(difference, write = count) {
  if (!hasValue(difference) || difference === 0) {
    return null;
  }
  const sign = difference > 0 ? '+' : '−';
  return make('span', { class: 'difference' }, sign, write(Math.abs(difference)));
}

export function kindMark(kind) {
  return make('span', { class: `chip is-${kind}` }, t(`finding_kind.${kind}`));
}

export function parkName(park) {
  return [dataText(park.name ?? park.park_id), ' ', make('code', {}, dataText(park.park_id))];
}
