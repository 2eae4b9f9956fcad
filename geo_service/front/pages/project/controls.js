// The controls of a project's form, with the choices that the schema allows.
import { make } from '../../shared/dom.js';
import { freshId, select } from '../parts.js';
import { has, start, t } from '../frame.js';

export const FLOOR_NEEDS = ['floor_load_kn_m2', 'clear_height_m', 'goods_lift_t'];
export const UTILITIES = ['power_kva', 'water_m3_d', 'gas_m3_d', 'wastewater_m3_d'];
// What rules ask of a project beside what it makes: answers of yes and no, and others.
export const FLAGS = [
  'discharges_wastewater',
  'heavy_polluter',
  'hazardous_chemicals',
  'mixing_only',
  'tailings_pond',
];
export const ADMISSION = ['catalogue_class', ...FLAGS, 'energy_tce', 'energy_review_number'];

export function wordsOf(name, part, fallback) {
  return has(`sites.${name}_${part}`) ? t(`sites.${name}_${part}`) : fallback;
}

export function numberInput(attributes = {}) {
  return make('input', {
    type: 'number',
    min: 0,
    step: 'any',
    inputmode: 'decimal',
    ...attributes,
  });
}

export function controlsOf(schema, needs) {
  return { ...aboutControls(schema), ...needControls(needs), ...methodControls(schema) };
}

export function choicesOf(property) {
  return property?.enum ?? property?.anyOf?.find((item) => item.enum)?.enum ?? [];
}

function optional(property) {
  return select([['', t('sites.none')], ...choicesOf(property).map((item) => [item, item])]);
}

function aboutControls({ properties }) {
  return {
    name: make('input', { type: 'text', required: true, maxlength: 200, autocomplete: 'off' }),
    industry_code: make('input', {
      type: 'text',
      required: true,
      maxlength: 60,
      list: freshId('industries'),
      autocomplete: 'off',
      spellcheck: 'false',
    }),
    hazard_class: optional(properties.hazard_class),
    output_cny: numberInput(),
    ...admissionControls(properties),
  };
}

function admissionControls(properties) {
  /** @type {[string, string][]} */
  const answers = [
    ['', t('sites.flag_unsaid')],
    ['true', t('sites.flag_true')],
    ['false', t('sites.flag_false')],
  ];
  const classes = choicesOf(properties.catalogue_class);
  return {
    catalogue_class: select([
      ['', t('sites.flag_unsaid')],
      ...classes.map((item) => [item, t(`sites.catalogue_class_${item}`)]),
    ]),
    ...Object.fromEntries(FLAGS.map((name) => [name, select(answers)])),
    energy_tce: numberInput(),
    energy_review_number: make('input', { type: 'text', maxlength: 200, autocomplete: 'off' }),
  };
}

// Units of land, the reader's usual one first.
export function landUnits() {
  /** @type {[string, string][]} */
  const units = [
    ['mu', t('sites.unit_mu')],
    ['ha', t('sites.unit_ha')],
    ['m2', 'm²'],
  ];
  return start.lang === 'en' ? [units[1], units[0], units[2]] : units;
}

function needControls(needs) {
  return {
    land: numberInput(),
    land_unit: select(landUnits(), {
      'aria-label': t('sites.unit'),
    }),
    floor_area_m2: numberInput(),
    contiguous_floors: make('input', { type: 'checkbox', checked: true }),
    outside: make('input', { type: 'checkbox' }),
    fire_class: optional(needs.properties?.fire_class),
    ...Object.fromEntries([...FLOOR_NEEDS, ...UTILITIES].map((name) => [name, numberInput()])),
  };
}

function methodControls({ properties }) {
  const named = (property, part) =>
    choicesOf(property).map((item) => [item, wordsOf(item, part, item)]);
  return {
    method: select(named(properties.method, 'method')),
    normalisation: select([
      ['', t('sites.normalisation_own')],
      ...named(properties.normalisation, 'scaling'),
    ]),
    weights: select(
      ['given', 'equal', 'entropy'].map((item) => [item, t(`sites.weights_${item}`)]),
    ),
    unknown: select(named(properties.unknown, 'unknown')),
  };
}
