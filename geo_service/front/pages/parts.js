// The parts that pages are made of: buttons, panels, heads, fields.
import { icon, make } from '../shared/dom.js';
import { capitalText, t } from './frame.js';

/**
 * @typedef {import('../shared/dom.js').Child} Child
 * @typedef {import('../shared/dom.js').Attributes} Attributes
 * @typedef {import('../shared/dom.js').IconName} IconName
 */

/**
 * @param {Child} label
 * @param {(event?: any) => unknown} press
 * @param {{ kind?: string, sign?: IconName | null } & Attributes} [options] attributes beside
 */
export function button(label, press, { kind = 'plain', sign = null, ...attributes } = {}) {
  return make(
    'button',
    { type: 'button', class: `button ${kind}`, click: press, ...attributes },
    sign ? icon(sign, 18) : null,
    label,
  );
}

let counted = 0;

/** @param {string} prefix */
export function freshId(prefix) {
  counted += 1;
  return `${prefix}-${counted}`;
}

/**
 * A titled part of a page.
 * @param {Child} title
 * @param {{ note?: Child, tools?: Child, className?: string, id?: string }} [options]
 * @param {...Child} children
 */
export function panel(
  title,
  { note = null, tools = null, className = '', id = freshId('panel') } = {},
  ...children
) {
  return make(
    'section',
    { class: `panel ${className}`, 'aria-labelledby': `${id}-title`, id },
    make(
      'div',
      { class: 'panel-head' },
      make(
        'div',
        {},
        make('h2', { id: `${id}-title` }, title),
        note ? make('p', { class: 'note' }, note) : null,
      ),
      tools ? make('div', { class: 'tools' }, tools) : null,
    ),
    ...children,
  );
}

/**
 * The page's own head: title, one line below it, and what can be done.
 * @param {Child} title
 * @param {{ line?: Child, tools?: Child, above?: Child }} [options]
 */
export function pageHead(title, { line = null, tools = null, above = null } = {}) {
  return make(
    'div',
    { class: 'page-head' },
    make(
      'div',
      { class: 'page-words' },
      above,
      make('h1', {}, title),
      !line || line instanceof HTMLDetailsElement ? line : make('p', { class: 'lead' }, line),
    ),
    tools ? make('div', { class: 'tools no-print' }, tools) : null,
  );
}

/**
 * What a figure is made of, its versions and measures, told on request.
 * @param {string} words
 */
export function finePrint(words) {
  return make(
    'details',
    { class: 'fine-print' },
    make('summary', {}, icon('help', 15), t('console.fine_print')),
    make('p', { class: 'note' }, words),
  );
}

/**
 * A control with its name, and what helps to fill it in.
 * @param {Child} label
 * @param {HTMLElement} control
 * @param {{ help?: Child, className?: string }} [options]
 */
export function labelled(label, control, { help = null, className = '' } = {}) {
  const id = control.id || freshId('field');
  control.id = id;
  if (help) {
    control.setAttribute('aria-describedby', `${id}-help`);
  }
  return make(
    'div',
    { class: `field ${className}` },
    make('label', { for: id }, label),
    control,
    help ? make('p', { class: 'field-help', id: `${id}-help` }, help) : null,
  );
}

// A field for a file in the words of the page: browsers would use those of their own language.
export function labelledFile(label, input, options = {}) {
  const name = make('bdi', { class: 'file-name' });
  const tell = () => {
    name.textContent = input.files?.[0]?.name ?? t('console.no_file');
  };
  input.addEventListener('change', tell);
  tell();
  const field = labelled(label, input, options);
  const box = make(
    'span',
    { class: 'file-box' },
    make('span', { class: 'button plain', 'aria-hidden': 'true' }, t('console.choose_file')),
    name,
  );
  input.replaceWith(box);
  box.prepend(input);
  return field;
}

/**
 * What can be chosen of a section's words, or all of it.
 * @returns {[string, string][]}
 */
export function keyed(section, names) {
  return [
    ['', t('console.all')],
    ...names.map((name) => [name, capitalText(`${section}.${name}`)]),
  ];
}

/**
 * @param {[string, string][]} options keys and what they are called
 * @param {{ value?: string, change?: ((event: any) => unknown) | null } & Attributes} [more]
 */
export function select(options, { value = '', change = null, ...attributes } = {}) {
  const node = make(
    'select',
    { change, ...attributes },
    options.map(([key, text]) => make('option', { value: key }, text)),
  );
  if (options.some(([key]) => key === value)) {
    node.value = value;
  }
  return node;
}

/**
 * Returns a function that does `work` once it has not been called for so long.
 * @template {unknown[]} Values
 * @param {(...values: Values) => unknown} work
 * @param {number} milliseconds
 */
export function later(work, milliseconds) {
  let timer = 0;
  return (/** @type {Values} */ ...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}

/**
 * What stands below a list that shows only some of its lines; nothing when it shows all.
 * @param {number} shown
 * @param {number} total
 * @param {() => unknown} press
 */
export function moreOf(shown, total, press) {
  return shown < total
    ? [
        make('span', {}, t('console.shown', { shown, total })),
        button(t('console.show_more'), press),
      ]
    : [];
}

// A choice of a few values as buttons. `title` makes the words that name it.
export function radios(name, values, label) {
  const id = freshId(name);
  const inputs = values.map((value) => make('input', { type: 'radio', name: id, value }));
  return {
    node: make(
      'div',
      { class: 'choice', role: 'radiogroup', 'aria-labelledby': `${id}-label` },
      inputs.map((input) => make('label', {}, input, label(input.value))),
    ),
    title: (words, className) => make('span', { class: className, id: `${id}-label` }, words),
    value: () => inputs.find((input) => input.checked)?.value,
    set: (value) => {
      for (const input of inputs) {
        input.checked = input.value === value;
      }
    },
  };
}
