// The middle of the workbench: the map of the scenario's plan, alone or beside what it begins with,
// and the enterprises, which can be taken to another park by pulling or by a button.
import { dataText, make } from '../../shared/dom.js';
import { count, money } from '../amounts.js';
import { emptyState, errorState, get } from '../api.js';
import { t } from '../frame.js';
import { mapFrame } from '../mapframe.js';
import { button, labelled, later } from '../parts.js';

const TABS = ['map', 'enterprises'];
const VIEWS = ['after', 'both', 'before'];
const KIND = 'application/x-enterprise';
const SHOWN = 60;
const MOST_PARKS = 1000;

export class Stage {
  // bench: { store, state, set(values), picked(layer, id), sketched(points), begin(op, values) }
  constructor(bench) {
    this.bench = bench;
    this.map = mapFrame(this.path(), this.parameters(), t('scenarios.map'), {
      onSelected: (layer, id) => id !== null && bench.picked(layer, id),
      onSketched: (points) => bench.sketched(points),
    });
    this.shownOf = bench.store.document.etag;
    this.views = this.choiceOf('view', VIEWS, () => this.showMap());
    this.tabs = this.choiceOf('tab', TABS, () => this.showTab());
    this.query = make('input', {
      type: 'search',
      id: 'enterprise-query',
      autocomplete: 'off',
      input: later(() => this.look(), 200),
    });
    this.rows = make('ul', { class: 'plain-list pull-list', id: 'enterprises' });
    this.parks = make('ul', { class: 'plain-list pull-list', id: 'drop-parks' });
    this.matched = make('p', { class: 'note', role: 'status' });
    this.table = make(
      'div',
      { class: 'pulling' },
      make(
        'section',
        { 'aria-labelledby': 'pull-title' },
        make('h3', { id: 'pull-title' }, t('scenarios.enterprises')),
        labelled(t('scenarios.search'), this.query),
        this.matched,
        this.rows,
      ),
      make(
        'section',
        { 'aria-labelledby': 'drop-title' },
        make('h3', { id: 'drop-title' }, t('scenarios.parks')),
        make('p', { class: 'note' }, t('scenarios.pull_hint')),
        this.parks,
      ),
    );
    this.node = make(
      'div',
      { class: 'stage' },
      make('div', { class: 'bench-head' }, this.tabs, this.views, this.map.open),
      this.map.node,
      this.table,
    );
    this.showTab();
  }

  // ---- what is shown ----

  choiceOf(name, values, changed) {
    const press = (value) => {
      this.bench.set({ [name]: value === values[0] ? null : value });
      changed();
    };
    return make(
      'div',
      { class: 'segments', role: 'group', 'aria-label': t(`scenarios.${name}s`) },
      values.map((value) =>
        button(t(`scenarios.${name}_${value}`), () => press(value), {
          kind: 'segment',
          'data-value': value,
          'data-name': name,
        }),
      ),
    );
  }

  mark(choice, value) {
    for (const one of choice.querySelectorAll('button')) {
      one.setAttribute('aria-pressed', String(one.dataset.value === value));
    }
  }

  get view() {
    return VIEWS.includes(this.bench.state.view) ? this.bench.state.view : VIEWS[0];
  }

  get tab() {
    return TABS.includes(this.bench.state.tab) ? this.bench.state.tab : TABS[0];
  }

  path() {
    if (this.view === 'before' && this.baseReview) {
      return '/maps/review';
    }
    return this.view === 'both' ? '/maps/compare' : '/maps/overview';
  }

  /** @returns {Record<string, string>} */
  parameters() {
    return this.view === 'before' && this.baseReview
      ? { review_id: this.baseReview }
      : { scenario: this.bench.store.id };
  }

  showTab() {
    const isMap = this.tab === 'map';
    this.mark(this.tabs, this.tab);
    this.mark(this.views, this.view);
    this.map.node.hidden = !isMap;
    this.views.hidden = !isMap;
    this.map.open.hidden = !isMap;
    this.table.hidden = isMap;
    if (!isMap) {
      this.look();
      this.showParks();
    }
  }

  showMap() {
    this.mark(this.views, this.view);
    this.map.change(this.path(), this.parameters());
  }

  // The scenario is another one: its map and its enterprises are fetched again.
  follow({ base_review_id: base }) {
    this.baseReview = base;
    const { etag } = this.bench.store.document;
    if (etag !== this.shownOf) {
      this.shownOf = etag;
      this.showMap();
    }
    if (this.tab === 'enterprises') {
      this.look();
      this.showParks();
    }
  }

  // ---- enterprises ----

  features(parameters) {
    return get(`${this.bench.store.own}/features`, parameters);
  }

  async look() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const found = await this.features({
        layer: 'enterprises',
        query: this.query.value,
        limit: SHOWN,
      });
      if (turn !== this.turn) {
        return;
      }
      this.matched.textContent = t('console.shown', {
        shown: count(found.features.length),
        total: count(found.numberMatched),
      });
      this.rows.replaceChildren(
        ...(found.features.length
          ? found.features.map((one) => this.row(one))
          : [make('li', {}, emptyState(t('scenarios.nobody_found')))]),
      );
    } catch (error) {
      this.rows.replaceChildren(
        make(
          'li',
          {},
          errorState(error, () => this.look()),
        ),
      );
    }
  }

  row(one) {
    return make(
      'li',
      {
        class: 'pulled',
        draggable: 'true',
        'data-id': one.id,
        dragstart: (event) => {
          event.dataTransfer.setData(KIND, one.id);
          event.dataTransfer.setData('text/plain', one.name ?? one.id);
          event.dataTransfer.effectAllowed = 'move';
          this.parks.classList.add('is-wanted');
        },
        dragend: () => this.parks.classList.remove('is-wanted'),
      },
      make(
        'div',
        {},
        dataText(one.name ?? one.id),
        make(
          'span',
          { class: 'under' },
          dataText(one.park_name ?? t('scenarios.in_no_park')),
          ' · ',
          dataText(one.industry_name ?? one.industry_code),
          ' · ',
          money(one.output_cny),
        ),
      ),
      button(
        t('scenarios.move'),
        () => this.bench.begin('move_enterprise', { enterprise_id: one }),
        {
          kind: 'plain small',
          'aria-label': t('scenarios.move_one', { name: one.name ?? one.id }),
        },
      ),
    );
  }

  async showParks() {
    try {
      const { features } = await this.features({ layer: 'parks', limit: MOST_PARKS });
      this.parks.replaceChildren(...features.map((park) => this.goal(park)));
    } catch (error) {
      this.parks.replaceChildren(
        make(
          'li',
          {},
          errorState(error, () => this.showParks()),
        ),
      );
    }
  }

  // A park as something is dropped on it.
  goal(park) {
    const node = make(
      'li',
      {
        class: 'goal',
        'data-id': park.id,
        dragover: (event) => {
          if (event.dataTransfer.types.includes(KIND)) {
            event.preventDefault();
            node.classList.add('is-over');
          }
        },
        dragleave: () => node.classList.remove('is-over'),
        drop: (event) => {
          event.preventDefault();
          node.classList.remove('is-over');
          this.dropped(event.dataTransfer.getData(KIND), park);
        },
      },
      dataText(park.name),
      make('span', { class: 'under' }, make('code', {}, park.id)),
    );
    return node;
  }

  async dropped(enterpriseId, park) {
    if (enterpriseId) {
      const found = await this.features({ layer: 'enterprises', id: enterpriseId });
      this.bench.begin('move_enterprise', { enterprise_id: found.features[0], park_id: park });
    }
  }
}
