// Limits and targets that are lists: least shares of parks, amounts of groups, complying parks.
import { icon, make } from '../../shared/dom.js';
import { start, t } from '../frame.js';
import { button } from '../parts.js';
import { ChoiceField, FlagField, NumberField, SomeField } from './fields.js';

const PERCENT = { factor: 100 };

class Rows {
  constructor(path, name) {
    this.path = path;
    /** @type {{ fields: any[], node: HTMLElement }[]} */
    this.rows = [];
    this.list = make('ul', { class: 'plain-list rule-rows' });
    this.node = make(
      'div',
      { class: 'stack-small', 'data-path': path },
      make('span', { class: 'label' }, t(`layouts.${name}`)),
      this.list,
      make(
        'div',
        {},
        button(t(`layouts.add_${name}`), () => this.add({}), {
          kind: 'plain small',
          sign: 'plus',
          'data-add': name,
        }),
      ),
    );
  }

  // The fields of a line; each has a `part`.
  /** @returns {any[]} */
  make() {
    return [];
  }

  add(item) {
    const fields = this.make();
    const row = {
      fields,
      node: make(
        'li',
        { class: 'rule-row' },
        make(
          'div',
          { class: 'rule-fields' },
          fields.map((field) => field.node),
        ),
        make(
          'button',
          {
            type: 'button',
            class: 'button quiet small',
            'aria-label': t('layouts.take_out'),
            click: () => {
              this.rows = this.rows.filter((one) => one !== row);
              row.node.remove();
              this.number();
            },
          },
          icon('close', 16),
        ),
      ),
    };
    fields.forEach((field) => field.set(item[field.part] ?? field.usual));
    this.rows.push(row);
    this.list.append(row.node);
    this.number();
  }

  number() {
    this.rows.forEach((row, at) => {
      row.node.setAttribute('data-path', `${this.path}.${at}`);
      for (const field of row.fields) {
        field.node.setAttribute('data-path', `${this.path}.${at}.${field.part}`);
      }
    });
  }

  read() {
    return this.rows.map((row) =>
      Object.fromEntries(row.fields.map((field) => [field.part, field.value])),
    );
  }

  fill(items) {
    this.rows = [];
    this.list.replaceChildren();
    (items ?? []).forEach((item) => this.add(item));
  }
}

/** @param {any} [usual] */
function as(part, field, usual = undefined) {
  return Object.assign(field, { part, usual });
}

// The least share of the leading industry, of all parks or some.
export class ShareRows extends Rows {
  constructor(schema, context) {
    super('limits.focus_share', 'focus_share');
    this.schema = schema;
    this.context = context;
  }

  make() {
    return [
      as('share', new NumberField(this.schema, 'none', 'share', PERCENT)),
      as(
        'parks',
        new SomeField('parks', 'parks', 'share_parks', this.context.own(), [
          ['all', t('layouts.all_parks')],
          ['some', t('layouts.some_parks')],
        ]),
        'all',
      ),
    ];
  }

  follow(own) {
    for (const row of this.rows) {
      row.fields[1].picker.picker.own = own;
    }
  }
}

class GroupRows extends Rows {
  constructor(schema) {
    super('targets.groups', 'group_amounts');
    this.schema = schema;
  }

  make() {
    const groups = start.forms.groups.map((one) => [one.id, one.name]);
    return [
      as('group', new ChoiceField('group', 'group', groups), groups[0]?.[0]),
      as('least', new NumberField(this.schema, 'none', 'group_least')),
    ];
  }
}

// What must be reached.
export class TargetRows {
  constructor(schema) {
    this.isOpen = new FlagField('targets.complying_parks', 'complying_open');
    this.least = new NumberField(schema, 'targets.complying_parks.least', 'complying_least', {
      isWhole: true,
    });
    this.share = new NumberField(
      schema,
      'targets.complying_parks.share',
      'complying_share',
      PERCENT,
    );
    this.groups = new GroupRows(schema);
    this.box = make('div', { class: 'two' }, this.least.node, this.share.node);
    this.isOpen.input.addEventListener('change', () => this.show());
    this.node = make('div', { class: 'form' }, this.isOpen.node, this.box, this.groups.node);
    this.show();
  }

  show() {
    this.box.hidden = !this.isOpen.value;
  }

  read() {
    return {
      complying_parks: this.isOpen.value
        ? { least: this.least.value, share: this.share.value }
        : undefined,
      groups: this.groups.read(),
    };
  }

  fill({ complying_parks: complying, groups }) {
    this.isOpen.set(complying);
    this.least.set(complying?.least ?? 1);
    this.share.set(complying?.share ?? 0.7);
    this.groups.fill(groups);
    this.show();
  }
}
