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
    /** @type {Set<string>} The parks whose floors are shown. */
    this.open = new Set();
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

  // Parks stay under the hand as long as the scenario is the same; so do floors that are shown.
  async showParks() {
    const { etag } = this.bench.store.document;
    if (this.parksOf === etag) {
      return;
    }
    this.parksOf = etag;
    try {
      const { features } = await this.features({ layer: 'parks', limit: MOST_PARKS });
      this.parks.replaceChildren(...features.map((park) => this.goal(park)));
    } catch (error) {
      this.parksOf = null;
      this.parks.replaceChildren(
        make(
          'li',
          {},
          errorState(error, () => this.showParks()),
        ),
      );
    }
  }

  // Something that an enterprise is dropped on; `place` are the values of the form that tell it.
  target(attributes, place) {
    const node = make('li', {
      class: 'goal',
      ...attributes,
      dragover: (event) => {
        if (event.dataTransfer.types.includes(KIND)) {
          event.preventDefault();
          event.stopPropagation();
          node.classList.add('is-over');
        }
      },
      dragleave: () => node.classList.remove('is-over'),
      drop: (event) => {
        event.preventDefault();
        event.stopPropagation();
        node.classList.remove('is-over');
        this.dropped(event.dataTransfer.getData(KIND), place);
      },
    });
    return node;
  }

  // A park as something is dropped on it, with its floors when they are asked for.
  goal(park) {
    const isOpen = this.open.has(park.id);
    const floors = make('ul', { class: 'plain-list floor-goals', hidden: !isOpen });
    const open = button(
      t('scenarios.floors'),
      () => {
        floors.hidden = !floors.hidden;
        open.setAttribute('aria-expanded', String(!floors.hidden));
        this.open[floors.hidden ? 'delete' : 'add'](park.id);
        if (!floors.hidden) {
          this.showFloors(park, floors);
        }
      },
      {
        kind: 'plain small',
        'aria-expanded': String(isOpen),
        'aria-label': t('scenarios.floors_of', { name: park.name ?? park.id }),
      },
    );
    if (isOpen) {
      this.showFloors(park, floors);
    }
    const node = this.target({ 'data-id': park.id }, { park_id: park });
    node.append(
      make(
        'div',
        { class: 'goal-head' },
        make(
          'span',
          {},
          dataText(park.name ?? park.id),
          make('span', { class: 'under' }, make('code', {}, park.id)),
        ),
        open,
      ),
      floors,
    );
    return node;
  }

  async showFloors(park, list) {
    try {
      const own = { park: park.id, limit: MOST_PARKS };
      const [{ features: buildings }, { features: floors }] = await Promise.all([
        this.features({ layer: 'buildings', ...own }),
        this.features({ layer: 'floors', ...own }),
      ]);
      const known = new Map(buildings.map((one) => [one.id, one]));
      list.replaceChildren(
        ...(floors.length
          ? floors.map((floor) => this.floorGoal(known.get(floor.building_id), floor))
          : [make('li', { class: 'note' }, t('scenarios.no_floors'))]),
      );
    } catch (error) {
      list.replaceChildren(
        make(
          'li',
          {},
          errorState(error, () => this.showFloors(park, list)),
        ),
      );
    }
  }

  // A floor as something is dropped on it; by keyboard it is chosen in the form of “Move”.
  floorGoal(building, floor) {
    const node = this.target(
      { 'data-id': `${floor.building_id}/${floor.floor_no}` },
      { building_id: building, floor_no: floor.floor_no },
    );
    node.append(
      dataText(building.name ?? building.id),
      ' ',
      t('scenarios.floor_choice', {
        floor: floor.floor_no,
        vacant: Math.round(floor.vacant_m2 ?? 0),
      }),
    );
    return node;
  }

  async dropped(enterpriseId, place) {
    if (enterpriseId) {
      const found = await this.features({ layer: 'enterprises', id: enterpriseId });
      this.bench.begin('move_enterprise', { enterprise_id: found.features[0], ...place });
    }
  }
}
