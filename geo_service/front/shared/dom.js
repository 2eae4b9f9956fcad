// Builds elements. Values only ever become text nodes and attributes of ours: nothing in any
// program sets markup from a string.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @typedef {string | number | boolean | null | undefined | ((event: any) => unknown)} Attribute
 * @typedef {Record<string, Attribute>} Attributes
 * @typedef {Node | string | number | false | null | undefined} Leaf
 * @typedef {Leaf | Leaf[] | (Leaf | Leaf[])[] | (Leaf | Leaf[] | (Leaf | Leaf[])[])[]} Child
 */

/**
 * Makes an element: make('p', { class: 'note', click: listener, hidden: true }, 'text', child).
 * Attributes and children that are null, undefined or false are left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * Makes an element of a drawing, as `make` does.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function makeSvg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} Made
 * @param {Made} element
 * @param {Attributes | null | undefined} attributes
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === 'function') {
      element.addEventListener(name, value);
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...nodesOf(children));
  return element;
}

/**
 * Returns what an element can take of children: without lists in lists and what is left out.
 * @param {Child | Child[]} children
 * @returns {(Node | string)[]}
 */
export function nodesOf(children) {
  const leaves = /** @type {Leaf[]} */ ([children].flat(Infinity));
  return leaves
    .filter((leaf) => leaf !== null && leaf !== undefined && leaf !== false)
    .map((leaf) => (leaf instanceof Node ? leaf : String(leaf)));
}

/**
 * Returns the first element in another that a selector fits.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function elementIn(root, selector) {
  return root.querySelector(selector);
}

/**
 * Makes an element for text that comes from data: isolated, so that its marks of direction stay
 * inside.
 * @param {unknown} value
 * @param {Attributes} [attributes]
 * @param {'bdi' | 'span'} [tag]
 */
export function dataText(value, attributes = {}, tag = 'bdi') {
  const isNone = value === null || value === undefined || value === '';
  return make(tag, { class: 'data', ...attributes }, isNone ? '—' : String(value));
}

/**
 * Returns a long text shortened for places that show one line; the whole stands elsewhere.
 * @param {unknown} value
 * @param {number} length in characters
 */
export function shorten(value, length) {
  const characters = Array.from(String(value).slice(0, length * 4));
  return characters.length > length
    ? `${characters.slice(0, length - 1).join('')}…`
    : characters.join('');
}

// Lines in a box of 20 by 20.
const ICONS = {
  again: 'M16 10a6 6 0 1 1-1.8-4.2M16.3 2.8v3.4h-3.4',
  area: 'M4 6l7-2 5 6-4 6-7-1zM4 6h0M11 4h0M16 10h0M12 16h0M5 15h0',
  chevron: 'M6 8l4 4 4-4',
  close: 'M5 5l10 10M15 5 5 15',
  down: 'M5 8l5 5 5-5',
  download: 'M10 3v9M6.2 8.6 10 12.4l3.8-3.8M3.5 15.5v1.5h13v-1.5',
  empty: 'M3 6.5 10 3l7 3.5v7L10 17l-7-3.5zM3 6.5 10 10l7-3.5M10 10v7',
  full: 'M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4',
  help: 'M7.5 7.6C7.5 4.4 12.6 4.5 12.5 7.6 12.4 9.5 10 9.6 10 11.6M10 15.2v.2',
  in: 'M10 4v12M4 10h12',
  link: 'M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 0 0 4.2 4.2l1-1',
  measure: 'M3 13 13 3l4 4L7 17zM6 10l1.6 1.6M8.5 7.5l2.4 2.4M11 5l1.6 1.6',
  menu: 'M4 6h12M4 10h12M4 14h12',
  out: 'M4 10h12',
  pin: 'M10 17s5.5-5.1 5.5-9A5.5 5.5 0 0 0 4.5 8c0 3.9 5.5 9 5.5 9zM10 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z',
  plus: 'M10 4v12M4 10h12',
  print: 'M6 7.5V3.5h8v4M6 14H3.5V7.5h13V14H14M6 11.5h8v5H6z',
  reset: 'M3.5 9.5 10 4l6.5 5.5M5.5 8.5V16h9V8.5',
  right: 'M8 5l5 5-5 5',
  search: 'M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13.2 13.2 17 17',
  up: 'M5 12l5-5 5 5',
  upload: 'M10 13V4M6.2 7.6 10 3.8l3.8 3.8M3.5 15.5v1.5h13v-1.5',
  warn: 'M10 2.5 18.2 17H1.8zM10 7.8v4.4M10 14.3v.6',
};

/** @typedef {keyof typeof ICONS} IconName */

/**
 * @param {IconName} name
 * @param {number} [size] in pixels
 */
export function icon(name, size = 20) {
  return makeSvg(
    'svg',
    {
      viewBox: '0 0 20 20',
      width: size,
      height: size,
      class: 'icon',
      'aria-hidden': 'true',
      focusable: 'false',
    },
    makeSvg('path', { d: ICONS[name] }),
  );
}
