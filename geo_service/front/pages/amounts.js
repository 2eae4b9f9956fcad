// Numbers, units and days as planners write them: 亩 with 公顷 beside, 万元; in English
// hectares with mu beside, millions of CNY.
import { make } from '../shared/dom.js';
import {
  M2_PER_HA,
  M2_PER_MU,
  formatsIn,
  hasValue,
  localeOf,
  withMinus,
} from '../shared/format.js';
import { isWithheld, start, t } from './frame.js';

const locale = localeOf(start.lang);
const isEnglish = start.lang === 'en';
// Where no enterprise may be told of, a figure that is not there is withheld, not unknown.
const NONE = isWithheld('enterprises') ? t('withheld.word') : '—';
const { whole, one, two, fine, share } = formatsIn(start.lang);

/**
 * @param {(value: any) => string} write
 * @returns {(value: any) => string}
 */
const orDash = (write) => (value) => (hasValue(value) ? write(value) : NONE);

export const count = orDash((value) => whole.format(value));
const compact = withMinus(
  new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }),
);
// A count where there is little room: 16,155 as 1.6万 or 16.2K.
export const short = orDash((value) =>
  value < 1000 ? whole.format(value) : compact.format(value),
);
const oneSigned = withMinus(
  new Intl.NumberFormat(locale, { maximumFractionDigits: 1, signDisplay: 'exceptZero' }),
);
export const signed = orDash((value) => oneSigned.format(value));
export const number = orDash((value) => two.format(value));
export const exact = orDash((value) =>
  typeof value === 'number' ? fine.format(value) : String(value),
);
export const percent = orDash((value) => share.format(value));
export const squareMetres = orDash((value) => `${whole.format(value)} m²`);
export const mu = orDash((value) => t('console.mu', { value: one.format(value / M2_PER_MU) }));
export const hectares = orDash((value) =>
  t('console.ha', { value: two.format(value / M2_PER_HA) }),
);
export const tenThousand = orDash((value) =>
  isEnglish ? whole.format(value / 1e4) : one.format(value / 1e4),
);

// Money in one breath: 万元, from one 亿 on 亿元.
export const money = orDash((value) => {
  if (isEnglish) {
    return Math.abs(value) >= 1e9
      ? t('console.money_billion', { value: two.format(value / 1e9) })
      : t('console.money_million', { value: one.format(value / 1e6) });
  }
  return Math.abs(value) >= 1e8
    ? t('console.money_yi', { value: two.format(value / 1e8) })
    : t('console.money_wan', { value: one.format(value / 1e4) });
});

export const moneyPerMu = orDash((value) => {
  if (!isEnglish) {
    return t('console.wan_per_mu', { value: one.format(value / 1e4) });
  }
  return Math.abs(value) >= 1e6 ? `${money(value)}/mu` : `CNY ${whole.format(value)}/mu`;
});

// An area with the other unit beside it, as an element.
export function area(value) {
  if (!hasValue(value)) {
    return make('span', {}, NONE);
  }
  const [first, second] = isEnglish ? [hectares(value), mu(value)] : [mu(value), hectares(value)];
  return make('span', { class: 'amount' }, first, ' ', make('span', { class: 'beside' }, second));
}

export function amount(value, basis) {
  if (!hasValue(value)) {
    return NONE;
  }
  if (basis === 'output') {
    return money(value);
  }
  if (basis === 'enterprises') {
    return t('console.enterprises', { value: count(value) });
  }
  if (basis === 'floor_area') {
    return squareMetres(value);
  }
  return isEnglish ? hectares(value) : mu(value);
}

export const day = orDash((value) =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(new Date(value)),
);
export const time = orDash((value) =>
  new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'short',
    hourCycle: 'h23',
  }).format(new Date(value)),
);
