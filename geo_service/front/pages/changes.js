// What became of findings between two reviews: in the words and the order that maps, reports and
// the command line have too.
import { dataText, make } from '../shared/dom.js';
import { count } from './amounts.js';
import { parkAddress, t } from './frame.js';

export const CHANGE_KINDS = [
  'new',
  'worse',
  'became_unknown',
  'better',
  'cured',
  'subject_gone',
  'unchanged',
  'not_compared',
];

export function changeChip(kind) {
  return make(
    'span',
    { class: `chip is-${kind}`, title: t(`change_hint.${kind}`) },
    t(`change.${kind}`),
  );
}

// How many findings there are of each kind; kinds of which there are none only where `all` is set.
export function changeCounts(counts, { all = false } = {}) {
  return make(
    'dl',
    { class: 'figures-row' },
    CHANGE_KINDS.filter((kind) => all || counts[kind] || kind === 'unchanged').map((kind) =>
      make(
        'div',
        { 'data-kind': kind, title: t(`change_hint.${kind}`) },
        make('dt', {}, t(`change.${kind}`)),
        make('dd', {}, count(counts[kind])),
      ),
    ),
  );
}

// The finding that a change is told by: as it is now, else as it was.
export const shownOf = (change) => change.after ?? change.before;

export function parkLink(parkId, name) {
  return make('a', { href: parkAddress(parkId) }, dataText(name ?? parkId));
}
