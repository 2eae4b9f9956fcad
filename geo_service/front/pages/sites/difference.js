// What sets two candidates apart, criterion by criterion: bars to the left and right of nothing, or
// as steps that lead from the one's score to the other's. And how little would change their order.
import { dataText, make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { number, percent } from '../amounts.js';
import { t } from '../frame.js';
import { points, raw } from './figures.js';

const LEAST = 0.005;
const LEVEL = 1e-6;

/**
 * What each criterion gives one candidate over another, in points of a hundred, the largest first;
 * null for a method whose scores have no parts.
 */
export function differences(ranking, one, other) {
  const rows = ranking.criteria.map((criterion) => {
    const [own, their] = [one, other].map((item) => item.criteria[criterion.name]);
    const parts = [own?.contribution, their?.contribution];
    return {
      criterion,
      own,
      their,
      points: parts.every(hasValue) ? (parts[0] - parts[1]) * 100 : null,
    };
  });
  if (rows.some((row) => row.points === null)) {
    return null;
  }
  return rows.sort((a, b) => Math.abs(b.points) - Math.abs(a.points));
}

// Bars to the left (worse than the first) and right (better) of nothing.
export function differenceNode(ranking, candidate, first) {
  const rows = differences(ranking, candidate, first);
  if (!rows) {
    return make('p', { class: 'note' }, t('sites.no_parts'));
  }
  const told = rows.filter((row) => Math.abs(row.points) >= LEAST);
  const most = Math.max(LEAST, ...told.map((row) => Math.abs(row.points)));
  const title = t('sites.difference');
  return make(
    'div',
    {},
    make(
      'table',
      { class: 'apart' },
      make('caption', { class: 'hidden-words' }, title),
      make(
        'thead',
        { class: 'hidden-words' },
        make(
          'tr',
          {},
          make('th', { scope: 'col' }, t('sites.criterion')),
          make('th', { scope: 'col' }, title),
          make('th', { scope: 'col' }, t('sites.points_short')),
        ),
      ),
      make(
        'tbody',
        {},
        told.map((row) => apartRow(row, most)),
      ),
    ),
    told.length < rows.length
      ? make('p', { class: 'note' }, t('sites.alike', { count: rows.length - told.length }))
      : null,
  );
}

function apartRow({ criterion, own, their, points: apart }, most) {
  const share = (Math.abs(apart) / most) * 50;
  const bar = make('span', { class: apart < 0 ? 'is-less' : 'is-more' });
  bar.style.width = `${share}%`;
  bar.style.insetInlineStart = `${apart < 0 ? 50 - share : 50}%`;
  return make(
    'tr',
    {},
    make('th', { scope: 'row' }, dataText(criterion.label)),
    make(
      'td',
      { class: 'apart-track', title: `${raw(own)} / ${raw(their)}` },
      make('span', { class: 'apart-bar', 'aria-hidden': 'true' }, bar),
    ),
    make('td', { class: 'number' }, signed(apart)),
  );
}

function signed(value) {
  return `${value > 0 ? '+' : '−'}${number(Math.abs(value))}`;
}

// From the first's score, step by step, to that of another one.
export function waterfall(ranking, first, second) {
  const rows = differences(ranking, second, first);
  if (!rows) {
    return null;
  }
  const steps = rows.filter((row) => Math.abs(row.points) >= LEAST);
  const from = first.score * 100;
  const totals = steps.reduce((made, row) => [...made, made[made.length - 1] + row.points], [from]);
  const low = Math.min(...totals);
  const high = Math.max(...totals);
  const margin = Math.max((high - low) * 0.15, 0.5);
  const place = (value) => ((value - low + margin) / (high - low + 2 * margin)) * 100;
  const line = (name, start, end, value, kind) => {
    const bar = make('span', { class: kind });
    bar.style.insetInlineStart = `${Math.min(start, end)}%`;
    bar.style.width = `${Math.max(Math.abs(end - start), 0.4)}%`;
    return make(
      'tr',
      {},
      make('th', { scope: 'row' }, name),
      make(
        'td',
        { class: 'apart-track is-steps' },
        make('span', { class: 'apart-bar', 'aria-hidden': 'true' }, bar),
      ),
      make('td', { class: 'number' }, value),
    );
  };
  const whole = (item) =>
    line(
      t('sites.the_nth', { rank: item.rank }),
      0,
      place(item.score * 100),
      points(item.score),
      'is-whole',
    );
  return make(
    'table',
    { class: 'apart is-waterfall' },
    make('caption', { class: 'hidden-words' }, t('sites.waterfall')),
    make(
      'tbody',
      {},
      whole(first),
      steps.map((row, index) =>
        line(
          dataText(row.criterion.label),
          place(totals[index]),
          place(totals[index + 1]),
          signed(row.points),
          row.points < 0 ? 'is-less' : 'is-more',
        ),
      ),
      whole(second),
    ),
  );
}

/**
 * The smallest change of one weight that puts the second first, in words; of several weights where
 * one alone does not; that there is none.
 * @param {any} ranking
 * @returns {string | null}
 */
export function swapSentence(ranking) {
  const swap = ranking.robustness?.smallest_swap;
  if (!swap) {
    return null;
  }
  const second = ranking.candidates.find((item) => item.candidate_id === swap.second);
  const label = second?.label ?? swap.second;
  if (!hasValue(swap.change)) {
    return t(swap.is_exact ? 'sites.swap_never' : 'sites.swap_not_found', { label });
  }
  if (swap.change < LEVEL) {
    return t('sites.swap_level', { label });
  }
  const single = ranking.criteria
    .map((criterion) => ({
      criterion,
      weight: ranking.weights[criterion.name],
      turned: swap.single?.[criterion.name],
    }))
    .filter(({ turned }) => hasValue(turned))
    .map((item) => ({ ...item, apart: item.turned - item.weight }))
    .sort((one, other) => Math.abs(one.apart) - Math.abs(other.apart))[0];
  if (!single) {
    return t('sites.swap_several', { label, points: tenths((swap.change / 2) * 100) });
  }
  return t(single.apart < 0 ? 'sites.swap_down' : 'sites.swap_up', {
    label,
    criterion: single.criterion.label,
    points: tenths(Math.abs(single.apart) * 100),
    from: percent(single.weight),
    to: percent(single.turned),
  });
}

// A weight tells no more than a tenth of a point; what is less still says that it is not nothing.
function tenths(value) {
  return number(Math.max(Math.round(value * 10) / 10, 0.1));
}
