// Locks and bans of a layout: one line each, of a kind that says what it is about.
import { elementIn, icon, make } from '../../shared/dom.js';
import { t } from '../frame.js';
import { button, select } from '../parts.js';
import { ChoiceField, FeatureField, TextField, industryField } from './fields.js';

// The parts of each kind; an item is of the kind that has just its parts.
export const LOCKS = {
  park: ['park'],
  park_industry: ['park', 'leading_industry'],
  enterprise: ['enterprise'],
  enterprise_park: ['enterprise', 'park'],
  project_park: ['project', 'park'],
  project_candidate: ['project', 'candidate'],
};
export const BANS = {
  park: ['park'],
  industry: ['leading_industry'],
  park_industry: ['park', 'leading_industry'],
  enterprise_park: ['enterprise', 'park'],
  place: ['place'],
  project_park: ['project', 'park'],
  project_candidate: ['project', 'candidate'],
};

export class RuleRows {
  // part: `locks` or `bans`. context: { own(), projects() }
  constructor(part, kinds, context) {
    this.part = part;
    this.kinds = kinds;
    this.context = context;
    /** @type {{ kind: HTMLSelectElement, fields: any[], node: HTMLElement }[]} */
    this.rows = [];
    this.list = make('ul', { class: 'plain-list rule-rows', 'aria-label': t(`layouts.${part}`) });
    this.node = make(
      'fieldset',
      { 'data-path': part, id: part },
      make('legend', {}, t(`layouts.${part}`)),
      make('p', { class: 'field-help' }, t(`layouts.${part}_help`)),
      this.list,
      make(
        'div',
        {},
        button(t(`layouts.add_${part}`), () => this.add({}, true), {
          kind: 'plain small',
          sign: 'plus',
          'data-add': part,
        }),
      ),
    );
  }

  add(item = {}, isNew = false) {
    const names = Object.keys(item).sort().join();
    const known = Object.entries(this.kinds).find(
      ([, parts]) => [...parts].sort().join() === names,
    );
    const kind = select(
      Object.keys(this.kinds).map((name) => [name, t(`layouts.${this.part}_${name}`)]),
      { 'aria-label': t('layouts.rule_kind'), 'data-part': 'kind', change: () => fill({}) },
    );
    kind.value = known?.[0] ?? Object.keys(this.kinds)[0];
    const box = make('div', { class: 'rule-fields' });
    const row = {
      kind,
      fields: /** @type {any[]} */ ([]),
      node: make(
        'li',
        { class: 'rule-row' },
        kind,
        box,
        make(
          'button',
          {
            type: 'button',
            class: 'button quiet small',
            'aria-label': t('layouts.take_out'),
            click: () => this.remove(row),
          },
          icon('close', 16),
        ),
      ),
    };
    const fill = (values) => {
      row.fields = this.kinds[kind.value].map((part) => this.field(part));
      row.fields.forEach((field) => field.set(values[field.part]));
      box.replaceChildren(...row.fields.map((field) => field.node));
      this.number();
    };
    this.rows.push(row);
    this.list.append(row.node);
    fill(item);
    if (isNew) {
      row.fields[0]?.input.focus();
    }
  }

  field(part) {
    const own = this.context.own();
    /** @type {any} */
    const field =
      part === 'leading_industry'
        ? industryField(part, 'rule_industry')
        : part === 'project'
          ? new ChoiceField(part, 'rule_project', this.projectChoices())
          : part === 'candidate'
            ? new TextField(part, 'rule_candidate', { maxlength: 2000 })
            : new FeatureField(
                part,
                { park: 'parks', enterprise: 'enterprises', place: 'parcels' }[part],
                `rule_${part}`,
                own,
              );
    field.part = part;
    return field;
  }

  projectChoices() {
    return this.context.projects().map((name) => [name, name]);
  }

  // Names of projects that were added or taken out since.
  refreshProjects() {
    for (const field of this.rows.flatMap((row) => row.fields)) {
      if (field.part === 'project') {
        const { value } = field;
        const options = this.projectChoices();
        field.input.replaceChildren(
          ...options.map(([key, label]) => make('option', { value: key }, label)),
        );
        field.set(value);
      }
    }
  }

  remove(row) {
    this.rows = this.rows.filter((one) => one !== row);
    row.node.remove();
    this.number();
    elementIn(this.node, 'button[data-add]')?.focus();
  }

  // Where each line stands in the goals, so that a fault finds its field.
  number() {
    this.rows.forEach((row, at) => {
      row.node.setAttribute('data-path', `${this.part}.${at}`);
      for (const field of row.fields) {
        field.node.setAttribute('data-path', `${this.part}.${at}.${field.part}`);
      }
    });
  }

  follow(own) {
    for (const field of this.rows.flatMap((row) => row.fields)) {
      if (field.picker) {
        field.picker.own = own;
      }
    }
  }

  read() {
    return this.rows.map((row) =>
      Object.fromEntries(
        row.fields.map((field) => [field.part, field.value]).filter(([, value]) => value),
      ),
    );
  }

  fill(items) {
    this.rows = [];
    this.list.replaceChildren();
    (items ?? []).forEach((item) => this.add(item));
  }
}
