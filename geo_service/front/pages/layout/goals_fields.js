// The plain fields of the goals' form, by the part that they belong to: each says its path.
import { start, t } from '../frame.js';
import { ChoiceField, FlagField, NumberField, SomeField, TextField, TicksField } from './fields.js';
import { termName } from './words.js';

export const PLAN = '/api/plan';
const WHOLE = { isWhole: true };
const PERCENT = { factor: 100 };

// What opens a part; a part that is not open is not told.
export function goalsFlags() {
  return {
    industries: new FlagField('industries', 'industries_open'),
    moves: new FlagField('moves', 'moves_open'),
    same: new FlagField('limits.same_industry', 'same_open'),
    front: new FlagField('front', 'front_open'),
  };
}

/** @returns {Record<string, any[]>} */
export function goalsFields(schema) {
  const number = (path, name, options) => new NumberField(schema, path, name, options);
  return {
    ...openFields(number),
    limits: [new FlagField('limits.fire_apart', 'fire_apart')],
    wanted: [
      number('wanted.within', 'within', PERCENT),
      number('wanted.chains_km', 'chains_km'),
      number('wanted.competition_km', 'competition_km'),
    ],
    ...tellingFields(number),
  };
}

function digits() {
  return ['2', '3', '4'].map((one) => [one, t('layouts.digits_of', { count: one })]);
}

function openFields(number) {
  /** @type {[string, string][]} */
  const allOrSome = [
    ['all', t('layouts.all_parks')],
    ['some', t('layouts.some_parks')],
  ];
  return {
    industries: [
      new SomeField('industries.parks', 'parks', 'open_parks', PLAN, allOrSome),
      new TicksField('industries.digits', 'digits', digits()),
      number('industries.least_share', 'least_share', PERCENT),
      new TextField('industries.also', 'also', { spellcheck: 'false' }),
      new FlagField('industries.speciality', 'speciality'),
    ],
    moves: [
      number('moves.most', 'most_moves', WHOLE),
      new SomeField('moves.who', 'enterprises', 'who', PLAN, [
        ['off_focus', t('layouts.who_off_focus')],
        ['all', t('layouts.who_all')],
        ['some', t('layouts.who_some_of')],
      ]),
      number('moves.cost.fixed_cny', 'fixed_cny'),
      number('moves.cost.per_m2_cny', 'per_m2_cny'),
    ],
    same: [
      number('limits.same_industry.most', 'same_most', WHOLE),
      new ChoiceField('limits.same_industry.digits', 'same_digits', digits()),
    ],
  };
}

// How it is solved, and what is told beside the layout.
function tellingFields(number) {
  const terms = Object.keys(start.forms.terms).map((name) => [name, termName(name)]);
  return {
    solving: [
      number('solving.time_limit_s', 'time_limit_s'),
      number('solving.gap', 'solving_gap', PERCENT),
      number('solving.seed', 'solving_seed', WHOLE),
      number('solving.nodes', 'solving_nodes', WHOLE),
    ],
    alternatives: [
      number('alternatives.count', 'alternatives_count', WHOLE),
      number('alternatives.within', 'alternatives_within', PERCENT),
      number('alternatives.parks', 'alternatives_parks', WHOLE),
    ],
    front: [
      new TicksField('front.terms', 'front_terms', terms),
      number('front.points', 'front_points', WHOLE),
      number('front.point_limit_s', 'front_limit'),
    ],
    firmness: [
      number('firmness.draws', 'firmness_draws', WHOLE),
      number('firmness.output', 'firmness_output', PERCENT),
      number('firmness.weights', 'firmness_weights', PERCENT),
      new FlagField('firmness.refusals', 'firmness_refusals'),
    ],
  };
}
