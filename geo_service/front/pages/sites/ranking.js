// A ranking on show: weights and the places by park on one side, the map with the selected place
// docked beside it on the other, what is compared at the bottom edge.
import { dataText, elementIn, make, shorten } from '../../shared/dom.js';
import { count } from '../amounts.js';
import { emptyState } from '../api.js';
import { pageAddress, start, t } from '../frame.js';
import { mapFrame } from '../mapframe.js';
import { later } from '../parts.js';
import { table } from '../table.js';
import { columnsOf } from './columns.js';
import { Dock } from './dock.js';
import { exclusions } from './exclusions.js';
import { groupsOf } from './groups.js';
import { rankingPath } from './path.js';
import { Tray } from './tray.js';
import { Weights } from './weights.js';

const DOWNLOADS = ['xlsx', 'geojson', 'json'];
// How long a slider rests before what is slower than the table follows.
const REST_MS = 120;

export class RankingView {
  // first: the ranking as it is kept. open(id) shows another one in its place. given: what an
  // address asks for; remember() writes what is on show into it.
  constructor(first, { open, given, remember }) {
    this.first = first;
    this.open = open;
    this.remember = remember;
    this.now = first;
    this.path = rankingPath(first.ranking_id);
    this.before = new Map(first.candidates.map((item) => [item.candidate_id, item.rank]));
    this.isAllIllustrative = first.candidates.every((item) => item.illustrative);
    this.opened = new Set();
    const known = (id) => this.before.has(id);
    const [foremost] = first.candidates;
    this.isChosen = known(given.get('selected'));
    this.selected = this.isChosen ? given.get('selected') : (foremost?.candidate_id ?? null);
    this.map = mapFrame('/maps/ranking', { ranking_id: first.ranking_id }, t('sites.map'), {
      onSelected: (layer, id) =>
        layer === 'candidates' && id !== null && this.choose(id, { isFromMap: true }),
    });
    this.list = table(columnsOf(this), {
      caption: t('sites.ranking'),
      rowId: ({ item }) => item.candidate_id,
      isGrownKept: true,
      onRow: ({ item }) => this.choose(item.candidate_id),
      empty: () => emptyState(t('sites.no_candidates'), { hint: t('sites.no_candidates_hint') }),
    });
    this.weights = new Weights(this);
    this.tray = new Tray(this, remember);
    given
      .getAll('compare')
      .filter(known)
      .forEach((id) => this.tray.choose(id, true));
    this.dock = new Dock(this);
    // What is slower than the table follows once the slider rests: reasons, map, addresses.
    this.follow = later(() => this.followNow(), REST_MS);
    this.links = new Map(
      DOWNLOADS.map((format) => [
        format,
        make('a', { href: this.exportPath(format), download: '' }, t(`sites.export_${format}`)),
      ]),
    );
    this.weights.begin(given);
  }

  get candidate() {
    return this.now.candidates.find((item) => item.candidate_id === this.selected);
  }

  // Takes the ranking by other weights, or the kept one again.
  take(ranking) {
    this.now = ranking;
    this.draw();
    this.follow();
  }

  followNow() {
    this.weights.keep.hidden = !this.weights.weighing;
    for (const [format, link] of this.links) {
      link.href = this.exportPath(format);
    }
    this.map.refresh('candidates', this.weights.parameters());
    this.dock.draw();
    this.remember();
  }

  // How many places a candidate has moved up since the kept ranking.
  movedUp(item) {
    return (this.before.get(item.candidate_id) ?? item.rank) - item.rank;
  }

  exportPath(format) {
    const parameters = { format, lang: start.lang, ...this.weights.parameters() };
    return `${start.root}${this.path}/export?${new URLSearchParams(parameters)}`;
  }

  // The sheet of some candidates: those that are compared, or else the selected one.
  sheetAddress(ids = this.tray.ids.length ? this.tray.ids : [this.selected]) {
    const query = new URLSearchParams({
      ranking: this.first.ranking_id,
      ...this.weights.parameters(),
    });
    ids.forEach((id) => query.append('candidate', id));
    return pageAddress(`/sites/sheet?${query}`);
  }

  // What of the view stands in the address.
  state() {
    const kept = [['ranking', this.first.ranking_id]];
    if (this.isChosen && this.selected !== null) {
      kept.push(['selected', this.selected]);
    }
    this.tray.ids.forEach((id) => kept.push(['compare', id]));
    return [...kept, ...Object.entries(this.weights.parameters())];
  }

  // ---- the list ----

  isOpen(key) {
    return this.opened.has(key);
  }

  unfold(key) {
    this.opened[this.opened.has(key) ? 'delete' : 'add'](key);
    this.draw();
    elementIn(this.list.node, `[data-unfold="${CSS.escape(key)}"]`)?.focus({
      preventScroll: true,
    });
  }

  rows() {
    return groupsOf(this.now.candidates).flatMap((group) => {
      const places = this.isOpen(group.key) ? group.places : group.places.slice(0, 1);
      return places.flatMap((place, index) => {
        const row = { item: place.best, place, group, isBest: index === 0 };
        const choices = this.isOpen(place.best.candidate_id) ? place.choices.slice(1) : [];
        return [
          row,
          ...choices.map((item) => ({ item, place, group, isBest: false, isChoice: true })),
        ];
      });
    });
  }

  draw() {
    this.list.update(this.rows());
    if (this.selected !== null) {
      this.list.select(this.selected);
    }
    this.tray.draw();
  }

  // Unfolds what holds a candidate, so that its row is there.
  reveal(candidateId) {
    for (const group of groupsOf(this.now.candidates)) {
      const place = group.places.find(({ choices }) =>
        choices.some((item) => item.candidate_id === candidateId),
      );
      if (place && place !== group.places[0]) {
        this.opened.add(group.key);
      }
      if (place && place.best.candidate_id !== candidateId) {
        this.opened.add(place.best.candidate_id);
      }
    }
  }

  choose(candidateId, { isFromMap = false } = {}) {
    this.selected = candidateId;
    this.isChosen = true;
    this.reveal(candidateId);
    this.draw();
    if (!isFromMap) {
      this.map.select('candidates', candidateId);
    }
    this.dock.draw();
    this.remember();
  }

  compare(candidateId, isChosen) {
    this.tray.choose(candidateId, isChosen);
    this.draw();
    elementIn(this.list.node, `[data-id="${CSS.escape(candidateId)}"] input`)?.focus({
      preventScroll: true,
    });
    this.remember();
  }

  // ---- parts ----

  // Fills the two columns and the bottom edge of the workbench.
  show(middle, stage, bottom) {
    const { first } = this;
    const has = first.candidates.length > 0;
    if (this.isChosen) {
      this.reveal(this.selected);
      this.map.select('candidates', this.selected);
    }
    middle.replaceChildren(
      ...[
        this.headNode(),
        has ? this.weights.node() : null,
        make('div', { class: 'site-rows' }, this.list.node),
        this.missesNode(),
        this.excludedNode(),
      ].filter(Boolean),
    );
    stage.replaceChildren(
      make(
        'div',
        { class: 'stage is-docked' },
        make('div', { class: 'bench-head' }, make('h2', {}, t('sites.map')), this.map.open),
        this.map.node,
        has ? this.dock.node : '',
      ),
    );
    bottom.replaceChildren(has ? this.tray.node : '');
    this.draw();
    this.dock.draw();
  }

  headNode() {
    const { first } = this;
    const notes = first.notes.map((text) => make('li', {}, dataText(text)));
    return make(
      'div',
      { class: 'is-result' },
      make(
        'div',
        { class: 'bench-head' },
        make(
          'div',
          {},
          make('h2', {}, t('sites.result', { name: shorten(first.project.name, 60) })),
          make(
            'p',
            { class: 'note' },
            t('sites.result_note', {
              candidates: count(first.candidates_count ?? first.candidates.length),
              excluded: count(first.excluded.length),
              method: t(`sites.${first.method}_method`),
              day: first.as_of ?? start.as_of,
            }),
          ),
        ),
        this.downloads(),
      ),
      notes.length
        ? make(
            'details',
            { class: 'fold' },
            make('summary', {}, t('sites.notes', { count: count(notes.length) })),
            make('ul', { class: 'callouts' }, notes),
          )
        : null,
    );
  }

  downloads() {
    const menu = make(
      'details',
      { class: 'menu-list no-print' },
      make('summary', { class: 'button plain small' }, t('console.download')),
      make(
        'ul',
        { click: () => menu.removeAttribute('open') },
        [...this.links.values()].map((link) => make('li', {}, link)),
      ),
    );
    return menu;
  }

  missesNode() {
    const { nearest_misses: misses } = this.first;
    return misses?.length
      ? make(
          'section',
          {},
          make('h3', {}, t('sites.misses')),
          make('p', { class: 'note' }, t('sites.misses_note')),
          exclusions(misses, t('sites.misses')),
        )
      : null;
  }

  excludedNode() {
    const { excluded } = this.first;
    return make(
      'details',
      { class: 'fold', id: 'excluded' },
      make('summary', {}, t('sites.excluded_count', { count: count(excluded.length) })),
      excluded.length
        ? exclusions(excluded, t('sites.excluded'))
        : emptyState(t('sites.none_excluded')),
    );
  }
}
