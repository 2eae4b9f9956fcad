// A ranking on show: the table that follows the weights at once, why each candidate stands where
// it does, the map, what is excluded.
import { dataText, elementIn, make, shorten } from '../../shared/dom.js';
import { count } from '../amounts.js';
import { emptyState } from '../api.js';
import { start, t } from '../frame.js';
import { mapFrame } from '../mapframe.js';
import { later, panel } from '../parts.js';
import { table } from '../table.js';
import { columnsOf } from './columns.js';
import { Comparison, MOST_COMPARED } from './comparison.js';
import { exclusions } from './exclusions.js';
import { explain } from './explanation.js';
import { CHARTED, scoreChart, scoreOption } from './scores.js';
import { Weights } from './weights.js';

const DOWNLOADS = ['xlsx', 'geojson', 'json'];

export function rankingPath(rankingId) {
  return `/api/rankings/${encodeURIComponent(rankingId)}`;
}

export class RankingView {
  // first: the ranking as it is kept. open(id) shows another one in its place.
  constructor(first, { container, open }) {
    this.first = first;
    this.container = container;
    this.open = open;
    this.now = first;
    this.path = rankingPath(first.ranking_id);
    this.before = new Map(first.candidates.map((item) => [item.candidate_id, item.rank]));
    this.selected = null;
    this.comparison = new Comparison(first.criteria);
    this.map = mapFrame('/maps/ranking', { ranking_id: first.ranking_id }, t('sites.map'), {
      onSelected: (layer, id) =>
        layer === 'candidates' && id !== null && this.choose(id, { isFromMap: true }),
    });
    this.list = table(columnsOf(this), {
      caption: t('sites.ranking'),
      rowId: (item) => item.candidate_id,
      atATime: 10,
      isGrownKept: true,
      onRow: (item) => this.choose(item.candidate_id),
      empty: () => emptyState(t('sites.no_candidates'), { hint: t('sites.no_candidates_hint') }),
    });
    this.explanation = make('div', { id: 'explanation', tabindex: '-1' });
    this.bars = scoreChart(first);
    this.weights = new Weights(this);
    // What is slower than the table follows once the slider rests: reasons, map, addresses.
    this.follow = later(() => {
      this.weights.keep.hidden = !this.weights.weighing;
      for (const [format, link] of this.links) {
        link.href = this.exportPath(format);
      }
      this.map.refresh('candidates', this.weights.parameters());
      this.explain();
    }, 300);
    this.links = new Map(
      DOWNLOADS.map((format) => [
        format,
        make('a', { href: this.exportPath(format), download: '' }, t(`sites.export_${format}`)),
      ]),
    );
  }

  // Takes the ranking by other weights, or the kept one again.
  take(ranking) {
    this.now = ranking;
    this.draw();
    this.follow();
  }

  // How many places a candidate has moved up since the kept ranking.
  movedUp(item) {
    return (this.before.get(item.candidate_id) ?? item.rank) - item.rank;
  }

  exportPath(format) {
    const parameters = { format, lang: start.lang, ...this.weights.parameters() };
    return `${start.root}${this.path}/export?${new URLSearchParams(parameters)}`;
  }

  draw() {
    this.list.update(this.now.candidates);
    if (this.selected !== null) {
      this.list.select(this.selected);
    }
    this.bars?.set(scoreOption(this.now));
    this.comparison.draw(this.now.candidates);
  }

  choose(candidateId, { isFromMap = false } = {}) {
    this.selected = candidateId;
    this.list.select(candidateId);
    if (!isFromMap) {
      this.map.select('candidates', candidateId);
    }
    this.explain();
  }

  explain() {
    const candidate = this.now.candidates.find((item) => item.candidate_id === this.selected);
    explain(this.explanation, this, candidate, this.weights.parameters());
  }

  compare(candidateId, isChosen) {
    this.comparison.choose(candidateId, isChosen);
    this.draw();
    elementIn(this.list.node, `[data-id="${CSS.escape(candidateId)}"] input`)?.focus();
  }

  show() {
    const { first } = this;
    const parts = first.candidates.length
      ? [this.resultPanel(null), ...this.rankedPanels()]
      : [this.resultPanel(this.list.node), this.map.panel(), this.missesPanel()];
    this.container.replaceChildren(...[...parts, this.excludedPanel()].filter(Boolean));
    this.draw();
    this.explain();
    if (first.candidates.length) {
      this.choose(first.candidates[0].candidate_id);
    }
  }

  resultPanel(list) {
    const { first } = this;
    const notes = first.notes.map((text) => make('li', {}, dataText(text)));
    return panel(
      t('sites.result', { name: shorten(first.project.name, 60) }),
      {
        note: t('sites.result_note', {
          candidates: count(first.candidates_count ?? first.candidates.length),
          excluded: count(first.excluded.length),
          method: t(`sites.${first.method}_method`),
          day: first.as_of ?? start.as_of,
        }),
        tools: this.downloads(),
        className: 'is-result',
      },
      notes.length ? make('ul', { class: 'callouts' }, notes) : null,
      list,
    );
  }

  downloads() {
    return make(
      'details',
      { class: 'menu-list no-print' },
      make('summary', { class: 'button plain' }, t('console.download')),
      make(
        'ul',
        {},
        [...this.links.values()].map((link) => make('li', {}, link)),
      ),
    );
  }

  rankedPanels() {
    const charted = Math.min(CHARTED, this.first.candidates.length);
    return [
      this.weights.panel(),
      panel(t('sites.ranking'), { note: t('sites.ranking_note') }, this.list.node),
      panel(t('sites.explanation'), {}, this.explanation),
      this.map.panel(),
      this.bars &&
        panel(
          t('sites.scores'),
          { note: t('sites.scores_note', { count: charted }) },
          this.bars.node,
        ),
      panel(
        t('sites.side_by_side'),
        { note: t('sites.side_by_side_note', { most: MOST_COMPARED }) },
        this.comparison.node,
      ),
    ];
  }

  missesPanel() {
    const { nearest_misses: misses } = this.first;
    return misses?.length
      ? panel(
          t('sites.misses'),
          { note: t('sites.misses_note') },
          exclusions(misses, t('sites.misses')),
        )
      : null;
  }

  excludedPanel() {
    const { excluded } = this.first;
    return panel(
      t('sites.excluded'),
      { note: t('sites.excluded_note', { count: count(excluded.length) }) },
      excluded.length
        ? exclusions(excluded, t('sites.excluded'))
        : emptyState(t('sites.none_excluded')),
    );
  }
}
