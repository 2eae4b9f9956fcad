// Fields that a feature is chosen in: by typing part of its name or id, or on the map.
import { dataText, make } from '../../shared/dom.js';
import { area, count } from '../amounts.js';
import { get } from '../api.js';
import { t, wordOf } from '../frame.js';
import { freshId, later } from '../parts.js';

const SHOWN = 12;
const WAIT_MS = 150;

// What a feature is called in a list of choices.
export function called(layer, one) {
  const name = one.name && one.name !== one.id ? `${one.name} ` : '';
  return `${name}${layer === 'floors' ? one.floor_no : one.id}`;
}

// What tells it from others.
function about(layer, one) {
  const told = layer === 'parks' ? [] : [one.park_name ?? one.park_id];
  if (layer === 'enterprises') {
    told.push(one.industry_name ?? one.industry_code);
  } else if (layer === 'parcels') {
    told.push(one.land_use_name ?? one.land_use, wordOf('status', one.status ?? ''));
  } else if (layer === 'parks') {
    told.push(wordOf('tier', one.tier ?? ''), one.leading_industry);
  }
  const shown = told.filter(Boolean).map((words) => [dataText(words), ' · ']);
  return [shown.flat().slice(0, -1), one.area_m2 ? [' · ', area(one.area_m2)] : null];
}

/**
 * A combobox over the features of one layer of a scenario's plan.
 */
export class Picker {
  /**
   * @param {{ own: string, layer: string, label: string, name: string, isRequired?: boolean,
   *   changed?: (one: any) => unknown }} options
   */
  constructor({ own, layer, label, name, isRequired = true, changed = () => {} }) {
    this.own = own;
    this.layer = layer;
    this.name = name;
    this.changed = changed;
    /** @type {any} */
    this.chosen = null;
    this.options = [];
    this.at = -1;
    const id = freshId(name);
    this.input = make('input', {
      type: 'text',
      id,
      role: 'combobox',
      required: isRequired,
      autocomplete: 'off',
      spellcheck: 'false',
      'aria-expanded': 'false',
      'aria-autocomplete': 'list',
      'aria-controls': `${id}-list`,
      'aria-describedby': `${id}-help`,
      'data-field': name,
      placeholder: t('scenarios.pick_hint'),
      input: () => {
        this.chosen = null;
        this.told();
        this.look();
      },
      focus: () => this.input.value === '' && this.search(),
      blur: () => setTimeout(() => this.close(), 150),
      keydown: (event) => this.onKey(event),
    });
    this.list = make('ul', {
      role: 'listbox',
      id: `${id}-list`,
      class: 'picks',
      'aria-label': label,
      hidden: true,
    });
    this.help = make('p', { class: 'field-help', id: `${id}-help`, 'aria-live': 'polite' });
    this.fault = make('div');
    this.node = make(
      'div',
      { class: 'field picker' },
      make('label', { for: id }, label),
      make('div', { class: 'picker-box' }, this.input, this.list),
      this.help,
      this.fault,
    );
    this.look = later(() => this.search(), WAIT_MS);
  }

  get value() {
    return this.chosen?.id;
  }

  // Whether the map may choose for it.
  takes(layer) {
    return layer === this.layer;
  }

  async search() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const parameters = { layer: this.layer, query: this.input.value.trim(), limit: SHOWN };
    const none = { features: [], numberMatched: 0 };
    const found = await get(`${this.own}/features`, parameters).catch(() => none);
    if (turn !== this.turn || this.chosen || document.activeElement !== this.input) {
      return;
    }
    // What was pointed at stays so while it is listed: a list that comes late takes no choice.
    const pointed = this.options[this.at]?.id;
    this.options = found.features;
    this.at = this.options.findIndex((one) => one.id === pointed);
    this.draw(found.numberMatched);
  }

  draw(matched) {
    this.list.replaceChildren(
      ...this.options.map((one, at) =>
        make(
          'li',
          {
            role: 'option',
            id: `${this.list.id}-${at}`,
            'aria-selected': String(at === this.at),
            mousedown: (event) => {
              event.preventDefault();
              this.choose(one);
            },
          },
          dataText(called(this.layer, one)),
          make('span', { class: 'under' }, about(this.layer, one)),
        ),
      ),
    );
    this.list.hidden = !this.options.length;
    this.input.setAttribute('aria-expanded', String(Boolean(this.options.length)));
    if (this.at >= 0) {
      this.input.setAttribute('aria-activedescendant', `${this.list.id}-${this.at}`);
    } else {
      this.input.removeAttribute('aria-activedescendant');
    }
    this.help.textContent = matched
      ? t('scenarios.pick_count', { count: count(matched) })
      : t('scenarios.pick_none');
  }

  onKey(event) {
    if (event.key === 'Escape' && !this.list.hidden) {
      event.stopPropagation();
      this.close();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (this.list.hidden) {
        this.search();
        return;
      }
      const way = event.key === 'ArrowDown' ? 1 : -1;
      const { length } = this.options;
      this.at = (this.at + way + length) % length;
      [...this.list.children].forEach((option, at) =>
        option.setAttribute('aria-selected', String(at === this.at)),
      );
      const option = this.list.children[this.at];
      this.input.setAttribute('aria-activedescendant', option.id);
      option.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      // Enter chooses; it never sends the form that the field stands in.
      event.preventDefault();
      if (!this.list.hidden && this.at >= 0) {
        this.choose(this.options[this.at]);
      }
    }
  }

  choose(one) {
    this.turn = (this.turn ?? 0) + 1;
    this.chosen = one;
    this.input.value = called(this.layer, one);
    this.close();
    this.told();
    this.changed(one);
  }

  // Takes a feature by its id, once the service knows it.
  async take(id) {
    const parameters = { layer: this.layer, id };
    const found = await get(`${this.own}/features`, parameters).catch(() => null);
    const [one] = found?.features ?? [];
    if (one) {
      this.choose(one);
    }
  }

  told() {
    this.help.replaceChildren(
      ...(this.chosen ? [make('span', {}, about(this.layer, this.chosen))] : []),
    );
    this.input.setCustomValidity(
      this.chosen || (!this.input.required && !this.input.value) ? '' : t('scenarios.pick_one'),
    );
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }
}

// Several features of one layer.
export class ManyPicker {
  constructor(options) {
    this.layer = options.layer;
    this.name = options.name;
    /** @type {any[]} */
    this.all = [];
    this.picker = new Picker({
      ...options,
      isRequired: false,
      changed: (one) => this.add(one),
    });
    this.fault = this.picker.fault;
    this.input = this.picker.input;
    this.items = make('ul', { class: 'plain-list chips', 'aria-label': options.label });
    this.node = make('div', { class: 'stack-small' }, this.picker.node, this.items);
  }

  get value() {
    return this.all.map((one) => one.id);
  }

  takes(layer) {
    return layer === this.layer;
  }

  take(id) {
    return this.picker.take(id);
  }

  add(one) {
    if (!this.all.some((other) => other.id === one.id)) {
      this.all.push(one);
    }
    this.picker.chosen = null;
    this.input.value = '';
    this.picker.told();
    this.draw();
  }

  draw() {
    this.items.replaceChildren(
      ...this.all.map((one) =>
        make(
          'li',
          {},
          make(
            'button',
            {
              type: 'button',
              class: 'chip is-current',
              'aria-label': t('scenarios.take_out', { name: called(this.layer, one) }),
              click: () => {
                this.all = this.all.filter((other) => other !== one);
                this.draw();
                this.input.focus();
              },
            },
            dataText(called(this.layer, one)),
            ' ×',
          ),
        ),
      ),
    );
  }
}
