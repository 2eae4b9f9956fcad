// Small parts that panels, cards and popups share.
import { dataText, icon, make } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { areas } from './figures.js';
import { badge } from './markers.js';
import { text } from './settings.js';

/**
 * A row of a list of facts; none for a value that is not given.
 * @param {string} label
 * @param {import('../shared/dom.js').Child} value
 */
export function factRow(label, value) {
  return hasValue(value) ? [make('dt', null, label), make('dd', null, value)] : [];
}

/**
 * An area in each of a planner's units.
 * @param {number} value in m²
 */
export function areaFigures(value) {
  return areas(value).map((words) => make('span', { class: 'figure' }, words));
}

/**
 * A button with an icon of ours and a name for those who do not see it.
 * @param {import('../shared/dom.js').IconName} name
 * @param {string} label
 * @param {() => unknown} press
 */
export function iconButton(name, label, press) {
  return make(
    'button',
    {
      type: 'button',
      class: `icon-button icon-${name}`,
      title: label,
      'aria-label': label,
      click: press,
    },
    icon(name),
  );
}

/** @param {Record<string, any>} properties */
export function illustrativeMark(properties) {
  return properties.illustrative
    ? make('p', { class: 'mark-illustrative' }, text('illustrative_more'))
    : null;
}

/**
 * Why something is as it is, each reason with its verdict.
 * @param {{ verdict: string, detail: string }[]} reasons
 * @param {string} title
 */
export function reasonsBody(reasons, title) {
  return make(
    'section',
    { class: 'findings' },
    make('h3', null, title),
    make(
      'ul',
      null,
      reasons.map((reason) =>
        make(
          'li',
          null,
          badge(`verdict.${reason.verdict}`),
          make('span', null, dataText(reason.detail)),
        ),
      ),
    ),
  );
}
