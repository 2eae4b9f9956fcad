// Controls of the goals' form. Each stands at a path of the goals, such as `moves.most`; its limits
// are those of the schema that the service publishes.
import { make } from '../../shared/dom.js';
import { has, t } from '../frame.js';
import { showIndustry } from '../industries.js';
import { freshId, labelled, select } from '../parts.js';
import { ManyPicker, Picker } from '../scenario/pickers.js';

// What the schema says of a place of the goals.
export class GoalsSchema {
  constructor(schema) {
    this.schema = schema;
  }

  at(path) {
    let part = this.schema;
    for (const name of path.split('.')) {
      part = this.whole(part).properties?.[name] ?? {};
    }
    return this.whole(part);
  }

  // A part with what it refers to, of what may be null the other kind.
  whole(part) {
    const options = part.anyOf?.filter((one) => one.type !== 'null') ?? [];
    const chosen = options.length === 1 ? { ...part, ...options[0] } : part;
    const name = chosen.$ref?.split('/').pop();
    return name ? { ...this.schema.$defs[name], ...chosen } : chosen;
  }
}

function placed(path, node) {
  node.setAttribute('data-path', path);
  return node;
}

function words(name, part) {
  const key = `layouts.${name}_${part}`;
  return has(key) ? t(key) : null;
}

// A number at a path; `factor` is how much larger it is written than it is kept.
export class NumberField {
  constructor(schema, path, name, { factor = 1, isWhole = false } = {}) {
    const { minimum, exclusiveMinimum, maximum, default: usual } = schema.at(path);
    this.path = path;
    this.factor = factor;
    const least = minimum ?? exclusiveMinimum;
    this.input = make('input', {
      type: 'number',
      inputmode: 'decimal',
      step: isWhole ? 1 : 'any',
      min: least === undefined ? null : least * factor,
      max: maximum === undefined ? null : maximum * factor,
      placeholder: Number.isFinite(usual) ? String(usual * factor) : null,
      'data-field': path,
    });
    const help = words(name, 'help');
    this.node = placed(path, labelled(words(name, 'label') ?? name, this.input, { help }));
  }

  get value() {
    const { value } = this.input;
    return value === '' ? undefined : Number((Number(value) / this.factor).toPrecision(12));
  }

  set(value) {
    const isGiven = Number.isFinite(value);
    this.input.value = isGiven ? String(Number((value * this.factor).toPrecision(12))) : '';
  }
}

export class FlagField {
  constructor(path, name) {
    this.path = path;
    this.input = make('input', { type: 'checkbox', 'data-field': path });
    const label = make('label', { class: 'check' }, this.input, words(name, 'label') ?? name);
    const help = words(name, 'help');
    this.node = placed(
      path,
      make(
        'div',
        { class: 'field' },
        label,
        help ? make('p', { class: 'field-help' }, help) : null,
      ),
    );
  }

  get value() {
    return this.input.checked;
  }

  set(value) {
    this.input.checked = Boolean(value);
  }
}

export class ChoiceField {
  constructor(path, name, options, change = () => {}) {
    this.path = path;
    this.input = select(options, { 'data-field': path, change });
    const help = words(name, 'help');
    this.node = placed(path, labelled(words(name, 'label') ?? name, this.input, { help }));
  }

  get value() {
    return this.input.value;
  }

  set(value) {
    this.input.value = value;
  }
}

// Several of a few values.
export class TicksField {
  constructor(path, name, options) {
    this.path = path;
    /** @type {string[]} */
    this.given = [];
    this.inputs = options.map(([value]) =>
      make('input', { type: 'checkbox', value, 'data-field': path }),
    );
    const id = freshId('ticks');
    this.node = placed(
      path,
      make(
        'div',
        { class: 'field', role: 'group', 'aria-labelledby': id },
        make('span', { class: 'label', id }, words(name, 'label')),
        make(
          'div',
          { class: 'ticks' },
          options.map(([, label], at) => make('label', { class: 'check' }, this.inputs[at], label)),
        ),
        words(name, 'help') ? make('p', { class: 'field-help' }, words(name, 'help')) : null,
      ),
    );
  }

  // In the order in which they were given, those that were ticked since last.
  get value() {
    const chosen = this.inputs.filter((input) => input.checked).map((input) => input.value);
    const given = this.given.filter((value) => chosen.includes(value));
    return [...given, ...chosen.filter((value) => !given.includes(value))];
  }

  set(values) {
    this.given = (values ?? []).map(String);
    for (const input of this.inputs) {
      input.checked = this.given.includes(input.value);
    }
  }
}

export class TextField {
  constructor(path, name, attributes = {}) {
    this.path = path;
    this.input = make('input', {
      type: 'text',
      autocomplete: 'off',
      'data-field': path,
      ...attributes,
    });
    const help = words(name, 'help');
    this.node = placed(path, labelled(words(name, 'label') ?? name, this.input, { help }));
  }

  get value() {
    return this.input.value.trim();
  }

  set(value) {
    this.input.value = value ?? '';
    this.input.dispatchEvent(new Event('input'));
  }
}

// An industry by its code, named beside.
export function industryField(path, name) {
  const field = new TextField(path, name, {
    maxlength: 60,
    list: freshId('industries'),
    spellcheck: 'false',
  });
  field.node.append(...showIndustry(field.input));
  return field;
}

// A feature of the plan: chosen from a list, or its id typed.
export class FeatureField {
  constructor(path, layer, name, own) {
    this.path = path;
    const label = words(name, 'label') ?? name;
    this.picker = new Picker({ own, layer, label, name, isRequired: false });
    this.picker.input.setAttribute('data-field', path);
    this.input = this.picker.input;
    this.node = placed(path, this.picker.node);
  }

  get value() {
    return this.picker.value ?? this.picker.input.value.trim();
  }

  set(id) {
    this.picker.input.value = id ?? '';
    if (id) {
      this.picker.take(id);
    }
  }
}

// All features of a kind, or some.
export class SomeField {
  constructor(path, layer, name, own, options) {
    this.path = path;
    this.choice = select(options, {
      'data-field': path,
      change: () => this.show(),
    });
    this.input = this.choice;
    const label = words(`${name}_some`, 'label') ?? name;
    this.picker = new ManyPicker({ own, layer, label, name });
    this.node = placed(
      path,
      make(
        'div',
        { class: 'stack-small' },
        labelled(words(name, 'label') ?? name, this.choice, { help: words(name, 'help') }),
        this.picker.node,
      ),
    );
    this.show();
  }

  show() {
    this.picker.node.hidden = this.choice.value !== 'some';
  }

  get value() {
    return this.choice.value === 'some' ? this.picker.value : this.choice.value;
  }

  set(value) {
    const isSome = Array.isArray(value);
    this.choice.value = isSome ? 'some' : value;
    this.picker.all = isSome ? value.map((id) => ({ id })) : [];
    this.picker.draw();
    this.show();
  }
}
