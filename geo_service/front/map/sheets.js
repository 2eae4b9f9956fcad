// What a feature says of itself: tooltips and sheets, built as elements from its properties.
import { dataText, make, shorten } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { candidateBody } from './candidates.js';
import { factRow, iconButton, illustrativeMark } from './facts.js';
import { write } from './figures.js';
import { nameOf } from './items.js';
import { parkBody, verdictPill } from './park.js';
import { isFramed, settings, text } from './settings.js';
import { figureIn } from './themes.js';

const TOOLTIP_LENGTH = 40;
const CHIP_LENGTH = 18;
const CHIPS = 6;

export function tooltip(item) {
  const { properties } = item.feature;
  const { theme } = item.drawing?.page ?? {};
  const themed = theme && item.source.name === 'parks' ? figureIn(theme, properties) : null;
  const kind = properties.kind_name || properties.class_name || properties.belonging_name;
  return make(
    'div',
    { class: 'tip' },
    dataText(shorten(nameOf(item), TOOLTIP_LENGTH)),
    make(
      'span',
      { class: 'tip-kind' },
      themed || properties.verdict_name || kind || item.source.label,
    ),
  );
}

// others: further items at the same place; choose(item) opens one of them.
export function sheetOf(item, others, { choose, close, zoom, here, more }) {
  const { properties } = item.feature;
  const isJudged = item.source.name === 'parks' && properties.verdict;
  const body = isJudged
    ? parkBody(properties)
    : item.source.name === 'candidates'
      ? candidateBody(properties)
      : plainBody(item);
  return frameSheet(
    nameOf(item),
    make('div', { class: 'sheet-body' }, subtitle(item), illustrativeMark(properties), body, more),
    { close },
    make(
      'footer',
      { class: 'sheet-foot' },
      parkLink(item),
      make('button', { type: 'button', class: 'link-button', click: zoom }, text('zoom_here')),
      here
        ? make('button', { type: 'button', class: 'link-button', click: here }, text('place_title'))
        : null,
      also(others, choose),
    ),
  );
}

// The way to the page of a park, where a service has one.
function parkLink({ source, feature }) {
  return settings.park_page && source.name === 'parks' && feature.id !== settings.park_id
    ? make(
        'a',
        {
          class: 'park-link',
          href: `${settings.park_page}${encodeURIComponent(feature.id)}`,
          target: isFramed ? '_top' : null,
        },
        text('open_park'),
      )
    : null;
}

export function frameSheet(title, body, { close }, foot) {
  return make(
    'article',
    { class: 'sheet', role: 'dialog', 'aria-label': shorten(title, TOOLTIP_LENGTH), tabindex: -1 },
    make(
      'header',
      { class: 'sheet-head' },
      make('h2', { class: 'sheet-title' }, dataText(title)),
      iconButton('close', text('close'), close),
    ),
    body,
    foot,
  );
}

function subtitle(item) {
  const { properties, id } = item.feature;
  const parts =
    item.source.name === 'parks'
      ? [properties.tier_name, properties.township, id]
      : [
          item.source.label,
          properties.change_name,
          item.source.name === 'candidates' ? properties.kind_name : null,
        ];
  return make(
    'p',
    { class: 'sheet-kind' },
    properties.verdict ? verdictPill(properties) : null,
    parts.filter(hasValue).map((part) => dataText(part, {}, 'span')),
  );
}

function also(others, choose) {
  if (!others.length) {
    return null;
  }
  return make(
    'p',
    { class: 'also' },
    make('span', null, text('also_here')),
    others
      .slice(0, CHIPS)
      .map((other) =>
        make(
          'button',
          { type: 'button', class: 'chip', click: () => choose(other) },
          dataText(shorten(nameOf(other), CHIP_LENGTH)),
        ),
      ),
  );
}

export function plainBody(item) {
  const { properties } = item.feature;
  const rows = item.source.fields.map((field) => {
    const value = properties[field.key];
    return hasValue(value) ? factRow(field.label, dataText(write(value, field.form))) : [];
  });
  return make('dl', { class: 'facts' }, rows);
}
