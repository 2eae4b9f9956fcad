// The columns of a ranking's table.
import { dataText, make, shorten } from '../../shared/dom.js';
import { t } from '../frame.js';
import { illustrativeMark } from '../marks.js';
import { areaOf, effect, points, rankNumber, stability } from './figures.js';

// view: the RankingView that the table is of.
export function columnsOf(view) {
  return [rankColumn(view), labelColumn(view), ...figureColumns(), compareColumn(view)];
}

function rankColumn(view) {
  return {
    key: 'rank',
    label: t('sites.rank_no'),
    css: 'nowrap',
    value: (item) => item.rank,
    show: (item) => make('span', {}, rankNumber(item.rank), moved(view.movedUp(item))),
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
    value: (item) => item.label,
    show: (item) =>
      make(
        'span',
        {},
        make(
          'button',
          { type: 'button', class: 'link', click: () => view.choose(item.candidate_id) },
          dataText(shorten(item.label, 90)),
        ),
        ' ',
        item.illustrative ? illustrativeMark() : null,
        item.unknowns?.length
          ? make('span', { class: 'chip is-changed' }, t('sites.has_unknowns'))
          : null,
        make(
          'span',
          { class: 'under' },
          t(`sites.candidate_${item.kind}`),
          ' · ',
          dataText(shorten(item.candidate_id, 60)),
        ),
      ),
  };
}

function figureColumns() {
  return [
    {
      key: 'area',
      label: t('sites.area'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.area_m2,
      show: areaOf,
    },
    {
      key: 'score',
      label: t('sites.score'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.score,
      show: (item) => make('strong', {}, points(item.score)),
    },
    {
      key: 'stability',
      label: t('sites.stability'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.stability?.first,
      show: stability,
    },
    {
      key: 'effect',
      label: t('sites.effect'),
      value: (item) => item.focus_effect?.after?.share,
      show: effect,
    },
  ];
}

function compareColumn(view) {
  return {
    key: 'compare',
    label: t('sites.compare'),
    show: (item) =>
      make(
        'label',
        { class: 'check' },
        make('input', {
          type: 'checkbox',
          checked: view.comparison.has(item.candidate_id),
          disabled: !view.comparison.canTake(item.candidate_id),
          'aria-label': t('sites.compare_one', { label: shorten(item.label, 60) }),
          change: (event) => view.compare(item.candidate_id, event.target.checked),
        }),
      ),
  };
}
