// What is said of layouts in every place: how good one is, amounts of terms, industries.
import { dataText, make } from '../../shared/dom.js';
import { count, money, number, squareMetres } from '../amounts.js';
import { t } from '../frame.js';

// How good a layout is: proven best, found with its gap, or none.
export function statusMark(one) {
  const css = { optimal: 'is-real', infeasible: 'is-must' }[one.status] ?? 'is-changed';
  return make('span', { class: `chip ${css}`, 'data-status': one.status }, one.status_words);
}

// An amount of a term in its unit.
export function termAmount(value, unit) {
  if (unit === 'CNY') {
    return money(value);
  }
  if (unit === 'm²') {
    return squareMetres(value);
  }
  return unit === 'score' ? number(value) : count(value);
}

// Whether an amount as written names its unit.
export function saysUnit(unit) {
  return unit === 'CNY' || unit === 'm²';
}

export function termName(name) {
  return t(`layout_term.${name}`);
}

export function industry(code, name) {
  return code ? [make('code', {}, dataText(code)), ' ', name ? dataText(name) : null] : '—';
}

// Points with three decimals at most, so that small regrets can be told from none.
export function points(value) {
  return value === null || value === undefined ? '—' : String(Number(value.toFixed(3)));
}
