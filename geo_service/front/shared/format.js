// Numbers, units and texts with fields, as every page writes them. Which words stand beside a
// number, each program decides by its own texts.

export const M2_PER_MU = 2000 / 3;
export const M2_PER_HA = 10_000;

/**
 * @template Value
 * @param {Value} value
 * @returns {value is NonNullable<Value>}
 */
export function hasValue(value) {
  return value !== null && value !== undefined && value !== '';
}

/**
 * Returns a text of the catalogue with its {fields} filled in; values stay values.
 * @param {string} template
 * @param {Record<string, unknown>} [values]
 */
export function fillIn(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) =>
    values && name in values ? String(values[name]) : whole,
  );
}

/**
 * Returns words as they begin a line: with a capital letter, where a script has any.
 * @param {string} words
 */
export function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * Returns the formats of numbers in a language: whole, with one or two decimals, exact to six
 * digits, and as a percentage.
 * @param {string} language
 */
export function formatsIn(language) {
  const locale = localeOf(language);
  const upTo = (/** @type {number} */ decimals) =>
    withMinus(new Intl.NumberFormat(locale, { maximumFractionDigits: decimals }));
  return {
    whole: upTo(0),
    one: upTo(1),
    two: upTo(2),
    fine: withMinus(new Intl.NumberFormat(locale, { maximumSignificantDigits: 6 })),
    share: withMinus(
      new Intl.NumberFormat(locale, {
        style: 'percent',
        minimumFractionDigits: 1,
        maximumFractionDigits: 1,
      }),
    ),
  };
}

/**
 * Writes numbers below zero with a minus sign, which is as wide as a plus, not with a hyphen.
 * @param {Intl.NumberFormat} format
 */
export function withMinus(format) {
  return { format: (/** @type {number} */ value) => format.format(value).replace('-', '−') };
}

/** @param {string} language */
export function localeOf(language) {
  return language === 'en' ? 'en-GB' : language;
}

/**
 * Returns what a language puts between the items of a list.
 * @param {string} language
 */
export function commaIn(language) {
  return language === 'en' ? ', ' : '、';
}
