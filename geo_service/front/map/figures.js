// Writes figures in the units of a planner, with the words of the map's texts.
import { M2_PER_HA, M2_PER_MU, formatsIn } from '../shared/format.js';
import { settings, text } from './settings.js';

const { whole, two, share } = formatsIn(settings.language);

// An area in the units of a planner, the customary one first: 亩, 公顷, m²; in English ha, mu,
// m².
export function areas(value) {
  const mu = text('mu', { value: two.format(value / M2_PER_MU) });
  const hectares = text('hectares', { value: two.format(value / M2_PER_HA) });
  return [
    ...(settings.language === 'en' ? [hectares, mu] : [mu, hectares]),
    `${whole.format(value)} m²`,
  ];
}

// Land in one breath, the second unit in brackets; what is smaller than a mu in m².
function landArea(value) {
  const [first, second, squareMetres] = areas(value);
  return value < M2_PER_MU ? squareMetres : text('area_both', { first, second });
}

// What money is divided by, and the text that then names its unit.
const MONEY = {
  money: [settings.language === 'en' ? 1e6 : 1e8, 'money_big'],
  money_per_mu: [settings.language === 'en' ? 1e3 : 1e4, 'money_per_mu'],
};

function money(form) {
  const [scale, key] = MONEY[form];
  return (value) => text(key, { value: two.format(value / scale) });
}

const forms = {
  text: (value) => String(value),
  number: (value) => two.format(value),
  share: (value) => share.format(value),
  floor_m2: (value) => `${whole.format(value)} m²`,
  area_m2: landArea,
  area_ha: (value) => landArea(value * M2_PER_HA),
  money: money('money'),
  money_per_mu: money('money_per_mu'),
  grade: (value) => settings.texts[`grade_${value}`] || String(value),
  // As everywhere else on pages, of a hundred.
  score: (value) => two.format(value * 100),
};

export function write(value, form) {
  return (forms[form] || forms.text)(value);
}

// A span of figures with its unit once.
export function writeSpan(low, high, form) {
  if (low === high) {
    return write(low, form);
  }
  if (form === 'share') {
    return `${whole.format(low * 100)}–${whole.format(high * 100)}%`;
  }
  const [scale, key] = MONEY[form] ?? [1, null];
  const span = `${two.format(low / scale)}–${two.format(high / scale)}`;
  return key ? text(key, { value: span }) : span;
}

export function metres(value) {
  return value < 1000 ? `${write(value, 'number')} m` : `${write(value / 1000, 'number')} km`;
}
