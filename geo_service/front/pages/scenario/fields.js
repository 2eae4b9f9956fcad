// Fields of the forms of edits that are more than one control: where an enterprise goes, a use of
// land, a project's candidate, the columns of a new feature, one value of one feature.
import { dataText, make, shorten } from '../../shared/dom.js';
import { area, time } from '../amounts.js';
import { get } from '../api.js';
import { t, wordOf } from '../frame.js';
import { showIndustry } from '../industries.js';
import { freshId, labelled, later, radios, select } from '../parts.js';
import { Picker } from './pickers.js';

const MOST_CANDIDATES = 60;
// Which section of the catalogue has the words for a column's choices.
const SECTIONS = {
  tier: 'tier',
  status: 'status',
  rank: 'river',
  land_use_scheme: 'scheme',
};
const KINDS = { control_zones: 'zone', facilities: 'facility' };

/**
 * @param {string} layer
 * @param {string} column
 * @param {string} value
 */
export function choiceWord(layer, column, value) {
  const section =
    column === 'kind'
      ? /** @type {Record<string, string>} */ (KINDS)[layer]
      : /** @type {Record<string, string>} */ (SECTIONS)[column];
  return section ? wordOf(section, value) : value;
}

/** @param {string} name */
export function columnWord(name) {
  return wordOf('column', name);
}

// One control with its name; `read` makes a value of what is typed, undefined for nothing.
export class Plain {
  /**
   * @param {string} name
   * @param {string} label
   * @param {any} control
   * @param {{ help?: string | null, read?: (text: string) => any }} [options]
   */
  constructor(name, label, control, { help = null, read = (text) => text } = {}) {
    this.name = name;
    this.input = control;
    control.setAttribute('data-field', name);
    this.read = read;
    this.fault = make('div');
    const field = labelled(label, control, { help });
    field.append(this.fault);
    this.node = field;
  }

  get value() {
    const { value } = this.input;
    return value === '' ? undefined : this.read(value);
  }

  fill(value) {
    this.input.value = String(value);
    this.input.dispatchEvent(new Event('input'));
  }
}

/**
 * @param {string} name
 * @param {string} label
 * @param {{ isRequired?: boolean, help?: string | null }} [options]
 */
export function industryField(name, label, { isRequired = true, help = null } = {}) {
  const control = make('input', {
    type: 'text',
    required: isRequired,
    maxlength: 60,
    list: freshId('industries'),
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const field = new Plain(name, label, control, { help });
  field.node.append(...showIndustry(control));
  return field;
}

// Where an enterprise goes: to a park, onto a parcel, or to a floor of a building.
export class GoalField {
  constructor(own) {
    this.name = 'park_id';
    this.kinds = radios('goal', ['park', 'parcel', 'floor'], (kind) => t(`scenarios.goal_${kind}`));
    this.pickers = {
      park: new Picker({ own, layer: 'parks', name: 'park_id', label: t('scenarios.park') }),
      parcel: new Picker({
        own,
        layer: 'parcels',
        name: 'parcel_id',
        label: t('scenarios.parcel'),
      }),
      floor: new Picker({
        own,
        layer: 'buildings',
        name: 'building_id',
        label: t('scenarios.building'),
        changed: (one) => this.showFloors(one.id),
      }),
    };
    this.own = own;
    this.floor = new Plain('floor_no', t('scenarios.floor'), select([], { required: true }), {
      read: Number,
    });
    this.box = make('div', { class: 'stack-small' });
    this.node = make(
      'div',
      { class: 'stack-small' },
      make(
        'div',
        { class: 'field' },
        this.kinds.title(t('scenarios.goal'), 'label'),
        this.kinds.node,
      ),
      this.box,
    );
    this.kinds.node.addEventListener('change', () => this.show());
    this.kinds.set('park');
    this.show();
  }

  get kind() {
    return this.kinds.value();
  }

  get picker() {
    return this.pickers[this.kind];
  }

  show() {
    const isFloor = this.kind === 'floor';
    this.box.replaceChildren(this.picker.node, ...(isFloor ? [this.floor.node] : []));
  }

  async showFloors(building) {
    const parameters = { layer: 'floors', building, limit: 250 };
    const { features } = await get(`${this.own}/features`, parameters);
    this.floor.input.replaceChildren(
      ...features.map((floor) =>
        make(
          'option',
          { value: floor.floor_no },
          t('scenarios.floor_choice', {
            floor: floor.floor_no,
            vacant: Math.round(floor.vacant_m2 ?? 0),
          }),
        ),
      ),
    );
    if (this.wanted?.building === building) {
      this.floor.fill(this.wanted.floor);
    }
  }

  // A park, or a building and the number of a floor in it, as pickers know them.
  fill({ park_id: park, building_id: building, floor_no: floor }) {
    const one = building ?? park;
    if (one) {
      this.wanted = building && { building: building.id, floor };
      this.kinds.set(building ? 'floor' : 'park');
      this.show();
      this.picker.choose(one);
    }
  }

  parts() {
    return this.kind === 'floor' ? [this.picker, this.floor] : [this.picker];
  }

  takes(layer) {
    const kind = { parks: 'park', parcels: 'parcel', buildings: 'floor' }[layer];
    return Boolean(kind) && (kind === this.kind || !this.picker.value);
  }

  take(id, layer) {
    this.kinds.set({ parks: 'park', parcels: 'parcel', buildings: 'floor' }[layer]);
    this.show();
    return this.picker.take(id);
  }
}

// A use of land by its scheme's code.
export class LandUseField {
  constructor(schemes) {
    this.name = 'land_use';
    this.scheme = new Plain(
      'land_use_scheme',
      t('scenarios.scheme'),
      select(schemes.map((scheme) => [scheme, wordOf('scheme', scheme)])),
    );
    const list = freshId('land-uses');
    this.codes = make('datalist', { id: list });
    this.called = make('p', { class: 'field-help', 'aria-live': 'polite' });
    this.use = new Plain(
      'land_use',
      t('scenarios.land_use'),
      make('input', {
        type: 'text',
        required: true,
        list,
        maxlength: 200,
        autocomplete: 'off',
        spellcheck: 'false',
      }),
    );
    this.use.node.append(this.called, this.codes);
    this.node = make('div', { class: 'stack-small' }, this.scheme.node, this.use.node);
    const look = later(() => this.look(), 150);
    this.use.input.addEventListener('input', look);
    this.use.input.addEventListener('focus', look);
    this.scheme.input.addEventListener('change', look);
  }

  parts() {
    return [this.scheme, this.use];
  }

  async look() {
    const parameters = { scheme: this.scheme.value, query: this.use.input.value.trim(), limit: 50 };
    const none = { land_uses: [] };
    const { land_uses: found } = await get('/api/land-uses', parameters).catch(() => none);
    this.codes.replaceChildren(
      ...found.map((one) => make('option', { value: one.code, label: one.name })),
    );
    const same = found.find((one) => one.code === this.use.input.value.trim());
    this.called.textContent = same ? same.name : '';
  }
}

// A project on a candidate of one of the rankings that are kept.
export class CandidateField {
  constructor() {
    this.name = 'candidate_id';
    this.ranking = new Plain('ranking', t('scenarios.ranking'), select([], { required: true }));
    this.candidate = new Plain(
      'candidate_id',
      t('scenarios.candidate'),
      select([], { required: true }),
    );
    this.about = make('p', { class: 'field-help', 'aria-live': 'polite' });
    this.node = make(
      'div',
      { class: 'stack-small' },
      this.ranking.node,
      this.candidate.node,
      this.about,
    );
    this.ranking.input.addEventListener('change', () => this.open(this.ranking.input.value));
    this.candidate.input.addEventListener('change', () => this.tell());
    this.ready = this.load();
  }

  parts() {
    return [this.ranking, this.candidate];
  }

  async load() {
    const { rankings } = await get('/api/rankings', { limit: 60 });
    this.ranking.input.replaceChildren(
      make('option', { value: '' }, t('scenarios.choose_ranking')),
      ...rankings.map((one) =>
        make(
          'option',
          { value: one.ranking_id },
          `${shorten(one.project?.name ?? one.ranking_id, 40)} · ${time(one.made_at)}`,
        ),
      ),
    );
    if (!rankings.length) {
      this.about.textContent = t('scenarios.no_rankings');
    }
  }

  async open(id, candidate = null) {
    await this.ready;
    this.ranking.input.value = id;
    this.found = id ? await get(`/api/rankings/${encodeURIComponent(id)}`) : null;
    this.candidate.input.replaceChildren(
      ...(this.found?.candidates ?? [])
        .slice(0, MOST_CANDIDATES)
        .map((one) =>
          make(
            'option',
            { value: one.candidate_id },
            `${one.rank} · ${one.label ?? one.candidate_id}`,
          ),
        ),
    );
    if (candidate) {
      this.candidate.input.value = candidate;
    }
    this.tell();
  }

  tell() {
    const one = this.found?.candidates.find(
      (item) => item.candidate_id === this.candidate.input.value,
    );
    this.about.replaceChildren(
      ...(one ? [make('code', {}, dataText(one.candidate_id)), ' ', area(one.area_m2)] : []),
    );
  }

  async read() {
    const candidate = this.candidate.input.value;
    const told = { project: this.found?.project, candidate_id: candidate };
    if (!candidate.startsWith('land:')) {
      return told;
    }
    // New land has no shape in the plan: the ranking's own is sent along.
    const path = `/api/rankings/${encodeURIComponent(this.found.ranking_id)}/features`;
    const { features } = await get(path, { limit: 1000 });
    const geometry = features.find((one) => one.id === candidate)?.geometry;
    return { ...told, geometry };
  }
}

// A control for a column of a layer, by its kind; `as` is what the field is called where it is not
// the column's name.
export function columnField(layer, column, { isRequired = false, as = column.name } = {}) {
  const { kind, choices, unit } = column;
  const name = as;
  const label = `${columnWord(column.name)}${unit ? ` (${unit})` : ''}`;
  const none = /** @type {[string, string][]} */ ([['', '—']]);
  if (kind === 'boolean') {
    const answers = /** @type {[string, string][]} */ ([
      ...none,
      ['true', t('scenarios.yes')],
      ['false', t('scenarios.no')],
    ]);
    const read = (text) => text === 'true';
    return new Plain(name, label, select(answers, { required: isRequired }), { read });
  }
  if (choices.length) {
    const options = choices.map((value) => [value, choiceWord(layer, column.name, value)]);
    return new Plain(name, label, select([...none, ...options], { required: isRequired }));
  }
  if (kind === 'number' || kind === 'integer') {
    const step = kind === 'integer' ? 1 : 'any';
    const control = make('input', { type: 'number', step, required: isRequired });
    return new Plain(name, label, control, { read: Number });
  }
  const type = kind === 'date' ? 'date' : 'text';
  return new Plain(
    name,
    label,
    make('input', { type, required: isRequired, maxlength: 2000, autocomplete: 'off' }),
  );
}
