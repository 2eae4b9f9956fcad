// The columns of a ranking's table: a row for the best place of each park, and for the others that
// were asked for.
import { dataText, make, shorten } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { count, hectares, mu, percent, squareMetres } from '../amounts.js';
import { start, t } from '../frame.js';
import { illustrativeMark, verdictBadge } from '../marks.js';
import { button } from '../parts.js';
import { points, rankNumber } from './figures.js';

// view: the RankingView that the table is of. A row is { item, place, group, isBest }.
export function columnsOf(view) {
  return [rankColumn(view), labelColumn(view), ...figureColumns(), compareColumn(view)];
}

function rankColumn(view) {
  return {
    key: 'rank',
    label: t('sites.rank_no'),
    css: 'nowrap',
    show: ({ item }) => make('span', {}, rankNumber(item.rank), moved(view.movedUp(item))),
  };
}

function moved(change) {
  if (!change) {
    return null;
  }
  return make(
    'span',
    { class: `rank-move ${change > 0 ? 'is-up' : 'is-down'}` },
    make('span', { 'aria-hidden': 'true' }, change > 0 ? `↑${change}` : `↓${-change}`),
    make(
      'span',
      { class: 'hidden-words' },
      t(change > 0 ? 'sites.moved_up' : 'sites.moved_down', { count: Math.abs(change) }),
    ),
  );
}

function labelColumn(view) {
  return {
    key: 'label',
    label: t('sites.candidate'),
    isHead: true,
    css: 'name',
    show: (row) => {
      const { item, place, isBest, isChoice } = row;
      return make(
        'span',
        { class: isBest ? '' : isChoice ? 'is-choice' : 'is-further' },
        make(
          'button',
          { type: 'button', class: 'link', click: () => view.choose(item.candidate_id) },
          dataText(shorten(isChoice ? placeOf(item) : (item.park_name ?? item.label), 60)),
        ),
        ' ',
        item.illustrative && !view.isAllIllustrative ? illustrativeMark() : null,
        item.unknowns?.length
          ? make('span', { class: 'chip is-changed' }, t('sites.has_unknowns'))
          : null,
        make(
          'span',
          { class: 'under' },
          isChoice ? null : [dataText(shorten(placeOf(item), 60)), ' · '],
          areaIn(item),
          isChoice || place.choices.length < 2 ? null : choicesButton(view, place),
          isBest ? unfolder(view, row.group) : null,
        ),
      );
    },
  };
}

// What a candidate is within its park.
function placeOf({ label, park_name: park }) {
  return park && label.startsWith(park) ? label.slice(park.length).replace(/^[\s·,]+/, '') : label;
}

// In one unit: the other one stands beside it where a candidate is told of in full.
function areaIn({ kind, area_m2: value }) {
  if (kind === 'floors') {
    return squareMetres(value);
  }
  return start.lang === 'en' ? hectares(value) : mu(value);
}

function unfolder(view, group) {
  const isOpen = view.isOpen(group.key);
  return group.places.length < 2
    ? null
    : button(
        t('sites.places_in_park', { count: count(group.places.length) }),
        () => view.unfold(group.key),
        { kind: 'fold-small', 'aria-expanded': String(isOpen), 'data-unfold': group.key },
      );
}

function choicesButton(view, place) {
  const key = place.best.candidate_id;
  return button(
    t('sites.choices', { count: count(place.choices.length) }),
    () => view.unfold(key),
    { kind: 'fold-small', 'aria-expanded': String(view.isOpen(key)), 'data-unfold': key },
  );
}

function figureColumns() {
  return [
    {
      key: 'score',
      label: t('sites.score'),
      css: 'number',
      show: ({ item }) => make('strong', {}, points(item.score)),
    },
    {
      key: 'stability',
      label: t('sites.stability'),
      css: 'number roomy-only',
      show: ({ item, place, isChoice }) => {
        const first = isChoice ? item.stability?.first : place.first;
        return hasValue(first) ? percent(first) : '—';
      },
    },
    { key: 'effect', label: t('sites.effect'), css: 'nowrap', show: ({ item }) => effectIn(item) },
  ];
}

// In one line: the shares, and the sign of what the park's focus then is.
function effectIn({ focus_effect: found }) {
  if (!found) {
    return '—';
  }
  const { verdict } = found.after;
  return make(
    'span',
    {},
    `${percent(found.before.share)} → ${percent(found.after.share)} `,
    verdictBadge(verdict, 15),
    make('span', { class: 'hidden-words' }, t(`verdict.${verdict}`)),
  );
}

function compareColumn(view) {
  return {
    key: 'compare',
    label: t('sites.compare'),
    css: 'number',
    show: ({ item }) =>
      make('input', {
        type: 'checkbox',
        checked: view.tray.has(item.candidate_id),
        disabled: !view.tray.canTake(item.candidate_id),
        'aria-label': t('sites.compare_one', { label: shorten(item.label, 60) }),
        change: (event) => view.compare(item.candidate_id, event.target.checked),
      }),
  };
}
