// Builds elements. Values only ever become text nodes and attributes of ours; nothing in the
// console sets markup from a string.

const SVG = 'http://www.w3.org/2000/svg';

// make('p', { class: 'note', click: listener, hidden: true }, 'text', child, …)
// Children that are null, undefined or false are left out.
export function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function makeSvg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Text that comes from data: isolated, so that its marks of direction stay inside.
export function data(value, attributes) {
  return make('bdi', { class: 'data', ...attributes }, value === null || value === undefined || value === '' ? '—' : String(value));
}

// A long text shortened for places that show one line; the whole stands beside elsewhere.
export function shorten(value, length) {
  const characters = Array.from(String(value).slice(0, length * 4));
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : characters.join('');
}

const ICONS = {
  search: 'M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13.2 13.2 17 17',
  print: 'M6 7.5V3.5h8v4M6 14H3.5V7.5h13V14H14M6 11.5h8v5H6z',
  download: 'M10 3v9M6.2 8.6 10 12.4l3.8-3.8M3.5 15.5v1.5h13v-1.5',
  close: 'M5 5l10 10M15 5 5 15',
  right: 'M8 5l5 5-5 5',
  down: 'M5 8l5 5 5-5',
  pin: 'M10 17s5.5-5.1 5.5-9A5.5 5.5 0 0 0 4.5 8c0 3.9 5.5 9 5.5 9zM10 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z',
  again: 'M16 10a6 6 0 1 1-1.8-4.2M16.3 2.8v3.4h-3.4',
  warn: 'M10 2.5 18.2 17H1.8zM10 7.8v4.4M10 14.3v.6',
  empty: 'M3 6.5 10 3l7 3.5v7L10 17l-7-3.5zM3 6.5 10 10l7-3.5M10 10v7',
  plus: 'M10 4v12M4 10h12',
  upload: 'M10 13V4M6.2 7.6 10 3.8l3.8 3.8M3.5 15.5v1.5h13v-1.5',
};

export function icon(name) {
  return makeSvg(
    'svg',
    { viewBox: '0 0 20 20', width: 18, height: 18, class: 'icon', 'aria-hidden': 'true', focusable: 'false' },
    makeSvg('path', { d: ICONS[name] }),
  );
}

export function button(label, press, { kind = 'plain', sign = null, ...attributes } = {}) {
  return make('button', { type: 'button', class: `button ${kind}`, click: press, ...attributes }, sign ? icon(sign) : null, label);
}

let counted = 0;
export function freshId(prefix) {
  counted += 1;
  return `${prefix}-${counted}`;
}

// A titled part of a page.
export function panel(title, { note = null, tools = null, className = '', id = freshId('panel') } = {}, ...children) {
  return make(
    'section',
    { class: `panel ${className}`, 'aria-labelledby': `${id}-title`, id },
    make('div', { class: 'panel-head' }, make('div', {}, make('h2', { id: `${id}-title` }, title), note ? make('p', { class: 'note' }, note) : null), tools ? make('div', { class: 'tools' }, tools) : null),
    ...children,
  );
}

// The page's own head: title, one line below it, and what can be done.
export function pageHead(title, { line = null, tools = null, above = null } = {}) {
  return make(
    'div',
    { class: 'page-head' },
    make('div', { class: 'page-words' }, above, make('h1', {}, title), line ? make('p', { class: 'lead' }, line) : null),
    tools ? make('div', { class: 'tools no-print' }, tools) : null,
  );
}

export function labelled(label, control, { help = null, className = '' } = {}) {
  const id = control.id || freshId('field');
  control.id = id;
  if (help) control.setAttribute('aria-describedby', `${id}-help`);
  return make('div', { class: `field ${className}` }, make('label', { for: id }, label), control, help ? make('p', { class: 'field-help', id: `${id}-help` }, help) : null);
}

export function select(options, { value = '', change = null, ...attributes } = {}) {
  const node = make('select', { change, ...attributes }, options.map(([key, text]) => make('option', { value: key }, text)));
  if (options.some(([key]) => key === value)) node.value = value;
  return node;
}

export function later(work, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}
