// What a layout is judged by: its terms, each with a weight or in an order.
import { icon, make } from '../../shared/dom.js';
import { start, t } from '../frame.js';
import { radios } from '../parts.js';
import { termName } from './words.js';

export class TermRows {
  constructor() {
    /** @type {any[]} */
    this.rows = Object.keys(start.forms.terms).map((name) => this.rowOf(name));
    this.method = radios('method', ['weights', 'lexicographic'], (kind) =>
      t(`layouts.method_${kind}`),
    );
    this.method.set('weights');
    this.method.node.addEventListener('change', () => this.draw());
    this.help = make('p', { class: 'field-help' });
    this.list = make('ol', { class: 'plain-list term-rows', 'aria-label': t('layouts.terms') });
    this.node = make(
      'div',
      { class: 'stack-small', 'data-path': 'wanted.terms', id: 'terms' },
      make(
        'div',
        { class: 'field', 'data-path': 'wanted.method' },
        this.method.title(t('layouts.method'), 'label'),
        this.method.node,
      ),
      this.help,
      this.list,
    );
    this.draw();
  }

  rowOf(name) {
    const { unit, per } = start.forms.terms[name];
    const figure = (label, attributes) =>
      make('input', {
        type: 'number',
        min: 0,
        step: 'any',
        inputmode: 'decimal',
        'aria-label': `${termName(name)}: ${label}`,
        ...attributes,
      });
    const row = {
      name,
      isOn: make('input', { type: 'checkbox', 'data-term': name, change: () => this.draw() }),
      weight: figure(t('layouts.weight'), { placeholder: '1' }),
      per: figure(t('layouts.per'), { placeholder: String(per) }),
      unit: t(`layout_unit.${unit}`),
    };
    const move = (way) => () => {
      const at = this.rows.indexOf(row);
      const other = this.rows[at + way];
      if (other) {
        [this.rows[at], this.rows[at + way]] = [other, row];
        this.draw();
        row[way < 0 ? 'up' : 'down'].focus();
      }
    };
    const arrow = (way, label) =>
      make(
        'button',
        {
          type: 'button',
          class: 'button quiet small',
          'aria-label': t(label, { name: termName(name) }),
          click: move(way),
        },
        icon(way < 0 ? 'up' : 'down', 16),
      );
    return Object.assign(row, {
      up: arrow(-1, 'layouts.term_up'),
      down: arrow(1, 'layouts.term_down'),
    });
  }

  draw() {
    const isOrdered = this.method.value() === 'lexicographic';
    this.help.textContent = t(isOrdered ? 'layouts.order_help' : 'layouts.weights_help');
    this.list.replaceChildren(
      ...this.rows.map((row) => {
        const { weight, per, isOn } = row;
        weight.disabled = per.disabled = !isOn.checked;
        return make(
          'li',
          { class: 'term-row', 'data-path': `wanted.terms.${row.name}` },
          make(
            'label',
            { class: 'check' },
            isOn,
            make('span', {}, termName(row.name), ' ', make('small', {}, `(${row.unit})`)),
          ),
          isOrdered
            ? make('span', { class: 'term-order' }, row.up, row.down)
            : make(
                'span',
                { class: 'term-order' },
                make('span', { 'data-path': `wanted.terms.${row.name}.weight` }, weight),
                make('span', { class: 'note' }, t('layouts.points_per')),
                make('span', { 'data-path': `wanted.terms.${row.name}.per` }, per),
              ),
        );
      }),
    );
  }

  read() {
    const chosen = this.rows.filter((row) => row.isOn.checked);
    const amount = (input) => (input.value === '' ? undefined : Number(input.value));
    return {
      method: this.method.value(),
      terms: Object.fromEntries(
        chosen.map((row) => [row.name, { weight: amount(row.weight), per: amount(row.per) }]),
      ),
    };
  }

  fill({ method, terms }) {
    this.method.set(method ?? 'weights');
    const given = terms ?? start.forms.defaults.wanted.terms;
    const order = Object.keys(given);
    const rank = (row) => (order.includes(row.name) ? order.indexOf(row.name) : order.length);
    this.rows.sort((one, other) => rank(one) - rank(other));
    for (const row of this.rows) {
      const term = given[row.name];
      row.isOn.checked = Boolean(term) && term.weight !== 0;
      row.weight.value = term?.weight ?? '';
      row.per.value = term?.per ?? '';
    }
    this.draw();
  }
}
