// Between the controls of a project's form and the project as the service takes it.
import { hasValue } from '../../shared/format.js';
import { ADMISSION, FLAGS, FLOOR_NEEDS, UTILITIES } from './controls.js';

const CNY_PER_10_000 = 1e4;

function amountOf(control) {
  return control.value === '' ? undefined : Number(control.value);
}

function amountsOf(controls, names) {
  return Object.fromEntries(names.map((name) => [name, amountOf(controls[name])]));
}

// What rules ask of the project beside what it makes; what is left blank is not said.
function admission(controls) {
  const text = (name) => controls[name].value.trim() || undefined;
  const flag = (name) => ({ true: true, false: false })[controls[name].value];
  return {
    catalogue_class: text('catalogue_class'),
    ...Object.fromEntries(FLAGS.map((name) => [name, flag(name)])),
    energy_tce: amountOf(controls.energy_tce),
    energy_review_number: text('energy_review_number'),
  };
}

// What the plain controls say.
export function project(controls, { isLand, land_m2 }) {
  const output = amountOf(controls.output_cny);
  const wanted = isLand
    ? { land_m2 }
    : {
        floor_area_m2: amountOf(controls.floor_area_m2),
        contiguous_floors: controls.contiguous_floors.checked,
        fire_class: controls.fire_class.value || undefined,
        ...amountsOf(controls, FLOOR_NEEDS),
      };
  return {
    name: controls.name.value,
    industry_code: controls.industry_code.value.trim(),
    hazard_class: controls.hazard_class.value || undefined,
    output_cny: output === undefined ? undefined : output * CNY_PER_10_000,
    ...admission(controls),
    needs: { ...wanted, ...amountsOf(controls, UTILITIES) },
    method: controls.method.value,
    normalisation: controls.normalisation.value || undefined,
    unknown: controls.unknown.value,
  };
}

// Puts a project into the plain controls.
export function put(controls, filled, needs) {
  const output = filled.output_cny;
  const values = {
    name: filled.name,
    industry_code: filled.industry_code,
    hazard_class: filled.hazard_class,
    ...Object.fromEntries(ADMISSION.map((name) => [name, filled[name]])),
    output_cny: hasValue(output) ? output / CNY_PER_10_000 : '',
    floor_area_m2: needs.floor_area_m2,
    fire_class: needs.fire_class,
    ...Object.fromEntries([...FLOOR_NEEDS, ...UTILITIES].map((name) => [name, needs[name]])),
    method: filled.method ?? 'weighted_sum',
    normalisation: filled.normalisation,
    weights: filled.weights?.method ?? 'given',
    unknown: filled.unknown ?? 'keep',
  };
  for (const [name, value] of Object.entries(values)) {
    controls[name].value = String(value ?? '');
  }
  controls.contiguous_floors.checked = needs.contiguous_floors ?? true;
}
