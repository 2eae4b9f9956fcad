// Fields of a project's form that tell something beside what is typed.
import { make } from '../../shared/dom.js';
import { M2_PER_HA, M2_PER_MU } from '../../shared/format.js';
import { squareMetres } from '../amounts.js';
import { t } from '../frame.js';

const M2_PER_UNIT = { mu: M2_PER_MU, ha: M2_PER_HA, m2: 1 };

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
