// Fields of a project's form that tell something beside what is typed.
import { make } from '../../shared/dom.js';
import { M2_PER_HA, M2_PER_MU } from '../../shared/format.js';
import { squareMetres } from '../amounts.js';
import { get } from '../api.js';
import { t } from '../frame.js';
import { later } from '../parts.js';

const M2_PER_UNIT = { mu: M2_PER_MU, ha: M2_PER_HA, m2: 1 };

// Suggests industries for what is typed, and names the one whose code it is.
export function showIndustry(input) {
  const name = make('p', { class: 'field-help', 'aria-live': 'polite' });
  const codes = make('datalist', { id: input.getAttribute('list') });
  const suggest = later(async () => {
    const typed = input.value.trim();
    if (!typed) {
      return;
    }
    const none = { industries: [] };
    const asked = get('/api/industries', { query: typed, limit: 20 });
    const { industries } = await asked.catch(() => none);
    codes.replaceChildren(
      ...industries.map((item) =>
        make('option', { value: item.code, label: `${item.code} ${item.name}` }),
      ),
    );
    const same = industries.find((item) => item.code === typed);
    name.textContent = same ? `${same.code} ${same.name}` : '';
  }, 150);
  input.addEventListener('input', suggest);
  return [name, codes];
}

// An area of land in the unit chosen, with square metres beside.
export class LandField {
  constructor(amount, unit) {
    this.amount = amount;
    this.unit = unit;
    this.beside = make('p', { class: 'field-help', 'aria-live': 'polite' });
    amount.addEventListener('input', () => this.show());
    unit.addEventListener('change', () => this.show());
  }

  get factor() {
    return M2_PER_UNIT[this.unit.value];
  }

  show() {
    const value = Number(this.amount.value) * this.factor;
    this.beside.textContent =
      value > 0 ? t('sites.land_beside', { area: squareMetres(value) }) : '';
  }

  // In m², or undefined when nothing is typed.
  value() {
    const { value } = this.amount;
    return value === '' ? undefined : Number((Number(value) * this.factor).toFixed(2));
  }

  set(value) {
    this.amount.value = value ? String(Number((value / this.factor).toFixed(4))) : '';
    this.show();
  }
}
