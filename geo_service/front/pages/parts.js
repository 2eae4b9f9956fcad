// The parts that pages are made of: buttons, panels, heads, fields.
import { icon, make } from '../shared/dom.js';
import { t } from './frame.js';

export function button(label, press, { kind = 'plain', sign = null, ...attributes } = {}) {
  return make(
    'button',
    { type: 'button', class: `button ${kind}`, click: press, ...attributes },
    sign ? icon(sign, 18) : null,
    label,
  );
}

let counted = 0;
export function freshId(prefix) {
  counted += 1;
  return `${prefix}-${counted}`;
}

// A titled part of a page.
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

// The page's own head: title, one line below it, and what can be done.
export function pageHead(title, { line = null, tools = null, above = null } = {}) {
  return make(
    'div',
    { class: 'page-head' },
    make(
      'div',
      { class: 'page-words' },
      above,
      make('h1', {}, title),
      line ? make('p', { class: 'lead' }, line) : null,
    ),
    tools ? make('div', { class: 'tools no-print' }, tools) : null,
  );
}

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

export function later(work, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}

// What stands below a list that shows only some of its lines; nothing when it shows all.
export function moreOf(shown, total, press) {
  return shown < total
    ? [
        make('span', {}, t('console.shown', { shown, total })),
        button(t('console.show_more'), press),
      ]
    : [];
}
