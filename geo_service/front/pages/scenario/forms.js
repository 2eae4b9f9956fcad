// The form of one edit: its fields by kind, why it is wanted, by whom. What the service refuses
// is said at the field that it is about.
import { dataText, make } from '../../shared/dom.js';
import { ServiceError, get } from '../api.js';
import { start, t, wordOf } from '../frame.js';
import { button, select } from '../parts.js';
import {
  CandidateField,
  GoalField,
  LandUseField,
  Plain,
  columnField,
  columnWord,
  industryField,
} from './fields.js';
import { ManyPicker, Picker } from './pickers.js';
import { ShapeField } from './shape.js';
import { author, faultOf, keepAuthor } from './words.js';

// Columns that a scenario fills in by itself.
const FILLED = new Set(['source', 'illustrative']);
const SHAPES = {
  polygon: 'area',
  line: 'line',
  point: 'point',
  line_or_polygon: 'line',
  point_or_polygon: 'point',
};
const ADDED = {
  add_enterprise: 'enterprises',
  add_park: 'parks',
  add_building: 'buildings',
  add_facility: 'facilities',
  add_road: 'roads',
  add_zone: 'control_zones',
};
// What is asked of a new feature beside what it must have; the rest is folded.
const ASKED = {
  enterprises: ['industry_code', 'park_id', 'parcel_id', 'output_cny', 'land_m2', 'status'],
  parks: ['tier', 'leading_industry', 'supporting_industries', 'township_code'],
  buildings: ['name', 'park_id', 'parcel_id'],
  facilities: ['name'],
  roads: ['name', 'class', 'speed_km_h'],
  control_zones: ['name', 'grade', 'legal_basis'],
};
const VALUE_LAYERS = [
  ...['parks', 'parcels', 'enterprises', 'buildings', 'control_zones', 'facilities', 'roads'],
];

export class EditForm {
  /** @type {any} */
  of = null;
  /** @type {any} */
  column = null;
  /** @type {any} */
  set = null;
  /** @type {any} */
  drawn = null;
  /** @type {any[]} */
  columns = [];

  /**
   * @param {any} bench { store, draw(field), added(edit), closed() }
   * @param {string} op
   */
  constructor(bench, op) {
    this.bench = bench;
    this.own = bench.store.own;
    this.op = op;
    this.layer = /** @type {Record<string, string>} */ (ADDED)[op] ?? null;
    /** @type {any[]} */
    this.fields = this.layer ? this.featureFields() : this.fieldsOf(op);
    this.reason = new Plain(
      'reason',
      t('scenarios.reason'),
      make('textarea', { class: 'edit-words', required: true, maxlength: 2000 }),
      { help: t('scenarios.reason_help') },
    );
    this.author = new Plain(
      'author',
      t('scenarios.author'),
      make('input', { type: 'text', maxlength: 200, autocomplete: 'name' }),
    );
    this.author.input.value = author();
    this.fault = make('div');
    this.send = make(
      'button',
      { type: 'submit', class: 'button strong', id: 'add-edit' },
      t('scenarios.add_edit'),
    );
    this.node = make(
      'form',
      {
        class: 'form edit-form',
        id: 'edit-form',
        'data-op': op,
        'aria-labelledby': 'edit-form-title',
        submit: (event) => {
          event.preventDefault();
          this.submit();
        },
        keydown: (event) => event.key === 'Escape' && this.close(),
      },
      make('h3', { id: 'edit-form-title', tabindex: '-1' }, t(`op.${op}`)),
      make('p', { class: 'note' }, t(`op.${op}_is`)),
      this.fields.map((field) => field.node),
      this.reason.node,
      this.author.node,
      this.fault,
      make(
        'div',
        { class: 'tools form-end' },
        this.send,
        button(t('console.cancel'), () => this.close(), { kind: 'plain' }),
      ),
    );
  }

  close() {
    this.bench.draw(null);
    this.bench.closed();
  }

  pick(layer, name, label, changed) {
    return new Picker({ own: this.own, layer, name, label, changed });
  }

  // ---- fields by kind ----

  fieldsOf(op) {
    const enterprise = () => this.pick('enterprises', 'enterprise_id', t('scenarios.enterprise'));
    const park = () => this.pick('parks', 'park_id', t('scenarios.park'));
    const parcel = (changed) => this.pick('parcels', 'parcel_id', t('scenarios.parcel'), changed);
    /** @type {Record<string, () => any[]>} */
    const makers = {
      move_enterprise: () => [enterprise(), new GoalField(this.own)],
      close_enterprise: () => [enterprise()],
      close_park: () => [park()],
      set_leading_industry: () => this.industryFields(park()),
      rezone_parcel: () => {
        const use = new LandUseField(start.forms.schemes);
        // The scheme that the parcel's own use is told in.
        const of = parcel((one) => one.land_use_scheme && use.scheme.fill(one.land_use_scheme));
        return [of, use];
      },
      split_parcel: () => {
        const of = parcel((one) => this.bench.showOnMap('parcels', one.id));
        return [of, this.shape('line', 'line', t('scenarios.cut'))];
      },
      merge_parcels: () => [
        new ManyPicker({
          own: this.own,
          layer: 'parcels',
          name: 'parcel_ids',
          label: t('scenarios.parcels'),
        }),
      ],
      reshape_park: () => {
        const of = this.pick('parks', 'park_id', t('scenarios.park'), (one) =>
          this.bench.showOnMap('parks', one.id),
        );
        return [of, this.shape('area', 'geometry', t('scenarios.outline'), () => this.outline(of))];
      },
      place_project: () => [new CandidateField()],
      set_value: () => [this.valueField()],
    };
    return makers[op]();
  }

  industryFields(park) {
    return [
      park,
      industryField('leading_industry', t('scenarios.leading'), {
        help: t('scenarios.leading_help'),
      }),
      industryField('supporting_industries', t('scenarios.supporting'), {
        isRequired: false,
        help: t('scenarios.supporting_help'),
      }),
      new Plain(
        'speciality',
        t('scenarios.speciality'),
        make('input', { type: 'text', maxlength: 2000, autocomplete: 'off' }),
      ),
    ];
  }

  /**
   * @param {'point' | 'line' | 'area'} kind
   * @param {string} name
   * @param {string} label
   * @param {(() => Promise<any>) | null} [outline]
   * @param {boolean} [isRequired]
   */
  shape(kind, name, label, outline = null, isRequired = true) {
    const draw = (field) => this.bench.draw(field);
    return new ShapeField({ kind, name, label, draw, outline, isRequired });
  }

  async outline(picker) {
    if (!picker.value) {
      picker.input.focus();
      return null;
    }
    const parameters = { layer: 'parks', id: picker.value, geometry: true };
    const { features } = await get(`${this.own}/features`, parameters);
    return features[0].geometry;
  }

  // The columns of a new feature: what it must have, what is mostly asked, the rest folded.
  featureFields() {
    const { layer } = this;
    const schema = start.forms.layers[layer];
    const asked = /** @type {Record<string, string[]>} */ (ASKED)[layer];
    const isKey = (column) => schema.key[0] === column.name;
    const columns = schema.columns.filter((column) => !FILLED.has(column.name));
    const first = columns.filter(
      (column) => !isKey(column) && (column.is_required || asked.includes(column.name)),
    );
    const rest = columns.filter((column) => !first.includes(column));
    const fieldOf = (column) => this.featureField(column, isKey(column));
    const fold = rest.map(fieldOf);
    this.columns = [...first.map(fieldOf), ...fold];
    const kind = /** @type {'point' | 'line' | 'area'} */ (
      /** @type {Record<string, string>} */ (SHAPES)[schema.geometry]
    );
    this.drawn = this.shape(
      kind,
      'geometry',
      t('scenarios.place_on_map'),
      null,
      !schema.is_geometry_optional,
    );
    const more = make(
      'details',
      { class: 'fold' },
      make('summary', {}, t('scenarios.more_columns')),
      make(
        'div',
        { class: 'form' },
        fold.map((field) => field.node),
      ),
    );
    const floors = layer === 'buildings' ? this.floorFields() : [];
    return [
      ...this.columns.slice(0, first.length),
      this.drawn,
      ...floors,
      { node: more, parts: () => fold },
    ];
  }

  featureField(column, isKey) {
    const { layer } = this;
    const isYear = layer === 'enterprises' && column.name === 'year';
    if (column.name === 'park_id' && !isKey) {
      return new Picker({
        own: this.own,
        layer: 'parks',
        name: 'park_id',
        label: columnWord('park_id'),
        isRequired: false,
      });
    }
    if (['industry_code', 'leading_industry'].includes(column.name)) {
      return industryField(column.name, columnWord(column.name), { isRequired: false });
    }
    const field = columnField(layer, column, {
      isRequired: column.is_required && !isKey && !isYear,
    });
    if (isKey) {
      field.input.setAttribute('placeholder', t('scenarios.id_given'));
    }
    return field;
  }

  floorFields() {
    const number = (name) =>
      new Plain(
        name,
        t(`scenarios.${name}`),
        make('input', { type: 'number', min: 1, step: name === 'floor_count' ? 1 : 'any' }),
        { read: Number },
      );
    this.floors = { count: number('floor_count'), area: number('floor_area') };
    return [this.floors.count, this.floors.area];
  }

  feature() {
    const properties = Object.fromEntries(
      this.columns
        .map((field) => [field.name, field.value])
        .filter(([, value]) => value !== undefined),
    );
    const count = this.floors?.count.value;
    if (count) {
      const each = this.floors?.area.value;
      properties.floors = Array.from({ length: count }, (_, at) => ({
        floor_no: at + 1,
        ...(each ? { area_m2: each, vacant_m2: each } : {}),
      }));
    }
    return { type: 'Feature', properties, geometry: this.drawn.value ?? null };
  }

  // One value of one feature.
  valueField() {
    /** @type {[string, string][]} */
    const layers = VALUE_LAYERS.map((layer) => [layer, wordOf('layer', layer)]);
    const layer = new Plain('layer', t('scenarios.layer'), select(layers));
    const box = make('div', { class: 'stack-small' });
    const found = {
      name: 'value',
      layer,
      node: make('div', { class: 'stack-small' }, layer.node, box),
      parts: () => [layer, this.of, this.column, this.set].filter(Boolean),
      takes: (name) => this.of.takes(name),
      take: (id) => this.of.take(id),
    };
    const showValue = () => {
      const { columns } = start.forms.layers[layer.value];
      const chosen = columns.find((one) => one.name === this.column.value);
      this.set = columnField(layer.value, chosen, { as: 'value' });
      box.replaceChildren(this.of.node, this.column.node, this.set.node);
    };
    const show = () => {
      const { columns, key } = start.forms.layers[layer.value];
      this.of = this.pick(layer.value, 'id', t('scenarios.feature'));
      const open = columns.filter((one) => !key.includes(one.name) && !FILLED.has(one.name));
      const options = open.map((one) => [one.name, columnWord(one.name)]);
      this.column = new Plain('column', t('scenarios.column'), select(options));
      this.column.input.addEventListener('change', showValue);
      showValue();
    };
    layer.input.addEventListener('change', show);
    show();
    return found;
  }

  // ---- filled in from elsewhere ----

  // values: by field a feature as a picker knows it, or a value.
  fill(values) {
    for (const field of this.fields) {
      if (field instanceof GoalField) {
        field.fill(values);
        continue;
      }
      const value = values[field.name];
      if (value === undefined) {
        continue;
      }
      if (field instanceof Picker) {
        field.choose(value);
      } else if (field instanceof Plain) {
        field.fill(value);
      }
    }
    const [candidate] = this.fields;
    if (candidate instanceof CandidateField && values.ranking) {
      candidate.open(values.ranking, values.candidate);
    }
  }

  // Somebody has chosen on the map: the first field that wants such a feature takes it. True if so.
  picked(layer, id) {
    const fits = this.fields.filter((field) => field.takes?.(layer));
    const field = fits.find((one) => !hasValue(one)) ?? fits.at(-1);
    field?.take(id, layer);
    return Boolean(field);
  }

  focus() {
    const next = this.everyPart().find((field) => field.input && !field.value);
    (next?.input ?? this.reason.input).focus();
  }

  // ---- sending ----

  everyPart() {
    return this.fields.flatMap((field) => field.parts?.() ?? [field]);
  }

  async read() {
    const told = { op: this.op };
    if (this.layer) {
      return { ...told, feature: this.feature() };
    }
    const [first] = this.fields;
    if (first instanceof CandidateField) {
      return { ...told, ...(await first.read()) };
    }
    const values = this.everyPart().map((field) => [field.name, field.value]);
    if (this.op === 'set_value') {
      return { ...told, ...Object.fromEntries(values), value: this.set.value ?? null };
    }
    return { ...told, ...Object.fromEntries(values.filter(([, value]) => value !== undefined)) };
  }

  async submit() {
    this.clearFaults();
    this.send.disabled = true;
    try {
      keepAuthor(this.author.input.value);
      const edit = {
        ...(await this.read()),
        reason: this.reason.input.value,
        author: this.author.input.value,
      };
      const made = await this.bench.store.add(edit);
      this.bench.draw(null);
      this.bench.added(made);
    } catch (error) {
      this.showFaults(error);
    }
    this.send.disabled = false;
  }

  targets() {
    return [...this.everyPart(), ...this.columns, this.reason, this.author];
  }

  clearFaults() {
    this.fault.replaceChildren();
    for (const { fault, input } of this.targets()) {
      fault?.replaceChildren();
      input?.removeAttribute('aria-invalid');
    }
  }

  // Says each fault at its field; what is about none is said at the end.
  showFaults(error) {
    const faults = error instanceof ServiceError ? (error.document?.faults ?? []) : [];
    const loose = faults.filter((one) => !this.showFault(one));
    if (!faults.length || loose.length) {
      const shown = faults.length
        ? loose.map((one) =>
            make('p', { class: 'field-fault', role: 'alert' }, dataText(one.message)),
          )
        : [faultOf(error, () => this.bench.reload())];
      this.fault.replaceChildren(...shown);
    }
    const wrong = /** @type {HTMLElement | null} */ (this.node.querySelector('[aria-invalid]'));
    wrong?.focus();
  }

  showFault({ field, message }) {
    const same = { geometry: ['geometry', 'line'], line: ['line', 'geometry'] }[field] ?? [field];
    const found = this.targets().find((one) => same.includes(one.name) && one.fault);
    if (!found) {
      return false;
    }
    found.input?.setAttribute('aria-invalid', 'true');
    found.fault.replaceChildren(
      make('p', { class: 'field-fault', role: 'alert' }, dataText(message)),
    );
    return true;
  }
}

function hasValue(field) {
  return field instanceof GoalField ? Boolean(field.picker.value) : Boolean(field.value);
}
