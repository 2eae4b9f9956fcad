// A few candidates side by side.
import { dataText, make, shorten } from '../../shared/dom.js';
import { emptyState } from '../api.js';
import { t } from '../frame.js';
import { areaOf, effect, points, rankNumber, raw, stability } from './figures.js';

export const MOST_COMPARED = 4;

export class Comparison {
  constructor(criteria) {
    this.criteria = criteria;
    this.chosen = new Set();
    this.node = make('div', { class: 'side-by-side' });
  }

  has(candidateId) {
    return this.chosen.has(candidateId);
  }

  canTake(candidateId) {
    return this.has(candidateId) || this.chosen.size < MOST_COMPARED;
  }

  choose(candidateId, isChosen) {
    this.chosen[isChosen ? 'add' : 'delete'](candidateId);
  }

  draw(candidates) {
    const chosen = candidates.filter((item) => this.has(item.candidate_id));
    this.node.replaceChildren(
      chosen.length < 2
        ? emptyState(t('sites.compare_none'), {
            hint: t('sites.compare_none_hint', { most: MOST_COMPARED }),
          })
        : this.table(chosen),
    );
  }

  table(chosen) {
    const title = t('sites.side_by_side');
    const heads = chosen.map((item) =>
      make('th', { scope: 'col' }, dataText(shorten(item.label, 60))),
    );
    return make(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
      make(
        'table',
        { class: 'table' },
        make('caption', { class: 'hidden-words' }, title),
        make(
          'thead',
          {},
          make('tr', {}, make('th', { scope: 'col' }, t('sites.criterion')), heads),
        ),
        make('tbody', {}, this.lines(chosen)),
      ),
    );
  }

  lines(chosen) {
    /** @type {[string, (item: any) => import('../../shared/dom.js').Child][]} */
    const facts = [
      [t('sites.rank_no'), (item) => rankNumber(item.rank)],
      [t('sites.score'), (item) => points(item.score)],
      [t('sites.area'), areaOf],
      [t('sites.stability'), stability],
      [t('sites.effect'), effect],
    ];
    return [
      ...facts.map(([name, show]) =>
        line(
          name,
          chosen.map((item) => make('td', {}, show(item))),
        ),
      ),
      ...this.criteria.map((criterion) => criterionLine(criterion, chosen)),
    ];
  }
}

function line(name, cells) {
  return make('tr', {}, make('th', { scope: 'row' }, name), cells);
}

function criterionLine({ name, label }, chosen) {
  const best = bestOf(name, chosen);
  const cells = chosen.map((item) =>
    make(
      'td',
      { class: best.has(item) ? 'is-best' : '' },
      raw(item.criteria[name]),
      make(
        'span',
        { class: 'under' },
        t('sites.points', { value: points(item.criteria[name]?.normalised) }),
      ),
    ),
  );
  return line(dataText(label), cells);
}

// The best of a line, and what reads the same; nobody where all read the same.
function bestOf(name, chosen) {
  const worth = (item) => item.criteria[name]?.normalised ?? -Infinity;
  const [foremost] = [...chosen].sort((one, other) => worth(other) - worth(one));
  const best = raw(foremost.criteria[name]);
  const alike = chosen.filter((item) => raw(item.criteria[name]) === best);
  return new Set(alike.length < chosen.length ? alike : []);
}
