// Finds features by name or id. Each carries its names in simplified and in traditional
// characters, made by the service, so that either finds it.
import { dataText, make, shorten } from '../shared/dom.js';
import { verdictBadge } from './markers.js';
import { nameOf } from './items.js';
import { text } from './settings.js';

const SHOWN = 40;
const ORDER = [
  'states',
  'candidates',
  'parks',
  'sub_areas',
  'approved_areas',
  'townships',
  'facilities',
  'enterprises',
  'control_zones',
  'rivers',
  'roads',
  'parcels',
  'buildings',
  'counties',
];

function rank(item, wanted) {
  const found = item.feature.properties.search || '';
  if (!found.includes(wanted)) {
    return -1;
  }
  const starts = found.split('\n').some((form) => form.startsWith(wanted));
  return ORDER.indexOf(item.source.name) * 2 + (starts ? 0 : 1);
}

function find(items, query) {
  const wanted = query.trim().toLowerCase();
  // Of two states side by side a feature is listed once, as it is in the later one.
  const latest = new Map(items.map((item) => [`${item.source.name} ${item.feature.id}`, item]));
  return [...latest.values()]
    .filter((item) => ORDER.includes(item.source.name))
    .map((item) => ({ item, rank: rank(item, wanted) }))
    .filter((hit) => hit.rank >= 0)
    .sort((one, other) => one.rank - other.rank)
    .map((hit) => hit.item);
}

// The list of what was found, each line a button; choose(item) opens one.
export function results(items, query, choose) {
  const found = find(items, query);
  const count = found.length
    ? text('search_count', { count: found.length })
    : text('search_none', { query: shorten(query.trim(), 30) });
  return [
    make('p', { class: 'list-note', role: 'status' }, dataText(count)),
    make(
      'ul',
      { class: 'list' },
      found.slice(0, SHOWN).map((item) => make('li', null, line(item, choose))),
    ),
    found.length > SHOWN
      ? make('p', { class: 'list-note' }, text('search_more', { count: SHOWN }))
      : null,
  ];
}

export function line(item, choose) {
  const { properties } = item.feature;
  return make(
    'button',
    { type: 'button', class: 'list-line', click: () => choose(item) },
    properties.verdict
      ? verdictBadge(properties.verdict)
      : make('span', { class: 'dot', 'aria-hidden': 'true' }),
    make('span', { class: 'list-name' }, dataText(nameOf(item))),
    make(
      'span',
      { class: 'list-more' },
      properties.tier_name || properties.kind_name || item.source.label,
    ),
  );
}
