// What publishing an import would cost: columns that would be emptied, and what the review says.
import { dataText, make, nodesOf } from '../../shared/dom.js';
import { commaIn } from '../../shared/format.js';
import { count } from '../amounts.js';
import { parkAddress, start, t } from '../frame.js';
import { run } from '../jobs.js';
import { WORST_FIRST, verdictMark } from '../marks.js';

const SHOWN = 20;

function named(columns) {
  return columns
    .map(({ label, count: rows }) => t('data.emptied_column', { label, count: count(rows) }))
    .join(commaIn(start.lang));
}

function loss(id, columns, attributes) {
  return columns.length
    ? make(
        'p',
        { class: 'loss', id, ...attributes },
        make('strong', {}, t(`data.${id}`, { count: count(columns.length) })),
        dataText(named(columns)),
      )
    : null;
}

// Columns that have values now and would have none, then those that would have fewer.
export function lostColumns(found) {
  return [
    loss('emptied', found.emptied, { role: 'alert' }),
    loss('lost_values', found.lost_values, {}),
  ];
}

function change(before, after, write = count) {
  return before === after
    ? make('span', { class: 'beside' }, write(after))
    : make('strong', {}, `${write(before)} → ${write(after)}`);
}

function verdictOrNone(verdict) {
  return verdict ? verdictMark(verdict) : t('data.no_park');
}

function figures({ verdicts, findings }) {
  const lines = WORST_FIRST.toReversed().map((verdict) => [
    verdictMark(verdict),
    change(verdicts.before[verdict] ?? 0, verdicts.after[verdict] ?? 0),
  ]);
  const all = [...lines, [t('data.effect_findings'), change(findings.before, findings.after)]];
  return make(
    'dl',
    { class: 'effect-figures' },
    all.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
  );
}

function moves({ findings, parks }) {
  const isSame = !findings.new && !findings.gone && !findings.changed && !parks.length;
  const { new: added, gone, changed } = findings;
  const counts = { new: count(added), gone: count(gone), changed: count(changed) };
  return make(
    'p',
    { class: 'note' },
    isSame ? t('data.effect_none') : t('data.effect_moves', counts),
  );
}

function changedParks({ parks }) {
  if (!parks.length) {
    return null;
  }
  const line = (park) =>
    make(
      'li',
      {},
      make('a', { href: parkAddress(park.park_id) }, dataText(park.name)),
      ' ',
      verdictOrNone(park.before),
      ' → ',
      verdictOrNone(park.after),
    );
  const more = t('console.shown', { shown: SHOWN, total: count(parks.length) });
  return make(
    'div',
    {},
    make('h5', {}, t('data.effect_parks', { count: count(parks.length) })),
    make('ul', { class: 'plain-list effect-parks' }, parks.slice(0, SHOWN).map(line)),
    parks.length > SHOWN ? make('p', { class: 'note' }, more) : null,
  );
}

// What the review would say, from a review of the draft; worked out when the report is shown.
export function effectBox(found, own) {
  if (found.status === 'published' || found.obstacle === 'breaks') {
    return null;
  }
  const container = make('div', { class: 'effect-body', 'aria-live': 'polite' });
  const node = make(
    'div',
    { class: 'effect', id: 'effect' },
    make('h4', {}, t('data.effect')),
    container,
  );
  const work = async () => {
    const effect = await run(container, `${own}/effect`, {}, work);
    if (effect) {
      container.replaceChildren(...nodesOf([figures(effect), moves(effect), changedParks(effect)]));
    }
  };
  work();
  return node;
}
