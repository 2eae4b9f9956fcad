// Scenarios and the plan side by side: verdicts by park, measures, costs, what is in one only, and
// two maps that move together.
import { dataText, make, shorten } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { area, count, money, number, percent, squareMetres } from './amounts.js';
import { address, emptyState, errorState, get } from './api.js';
import { pageAddress, printPage, setTitle, showPage, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { legend, verdictMark } from './marks.js';
import { button, labelled, pageHead, panel, select } from './parts.js';
import { kindMark, parkName, signed } from './scenario/differences.js';
import { table } from './table.js';

const PLAN = 'plan';
const FILES = ['xlsx', 'docx', 'html'];
const LISTED = 500;
const MOST = 4;

class Comparison {
  /** @type {string[]} */
  lost = [];
  /** @type {any[]} */
  scenarios = [];

  constructor() {
    const given = new URLSearchParams(window.location.search);
    this.ids = (given.get('ids') ?? '').split(',').filter(Boolean);
    this.isAll = given.get('all') === '1';
    this.sides = [given.get('left'), given.get('right')];
  }

  // Keeps what is chosen in the address.
  write() {
    const given = new URLSearchParams(window.location.search);
    const query = new URLSearchParams({ ids: this.ids.join(',') });
    const more = {
      all: this.isAll ? '1' : '',
      left: this.sides[0],
      right: this.sides[1],
      lang: given.get('lang'),
    };
    for (const [name, value] of Object.entries(more)) {
      if (value) {
        query.set(name, value);
      }
    }
    window.history.replaceState(null, '', `${window.location.pathname}?${query}`);
  }

  async load() {
    setTitle(t('console.scenario_compare_title'));
    try {
      const { scenarios } = await get('/api/scenarios', { limit: LISTED });
      const known = new Set(scenarios.map((one) => one.scenario_id));
      this.lost = this.ids.filter((id) => id !== PLAN && !known.has(id));
      this.ids = this.ids.filter((id) => !this.lost.includes(id));
      this.scenarios = scenarios;
      const isAny = this.ids.some((id) => id !== PLAN);
      const found = isAny ? await get('/api/scenarios/compare', { ids: this.ids.join(',') }) : null;
      this.show(found);
    } catch (error) {
      showPage(
        pageHead(t('console.scenario_compare_title')),
        errorState(error, () => this.load()),
      );
    }
  }

  show(found) {
    this.found = found;
    showPage(
      pageHead(t('console.scenario_compare_title'), {
        above: make(
          'nav',
          { class: 'crumb', 'aria-label': t('scenarios.crumb') },
          make('a', { href: pageAddress('/scenarios') }, t('console.nav_scenarios')),
        ),
        line: found ? dataText(found.text) : null,
        tools: [
          ...(found ? this.downloads() : []),
          button(t('console.print'), printPage, { sign: 'print' }),
        ],
      }),
      this.lost.length
        ? make(
            'p',
            { class: 'callout', role: 'alert' },
            t('scenarios.lost', { ids: this.lost.join(', ') }),
          )
        : null,
      this.chooser(),
      ...(found
        ? [
            this.matrix(),
            this.figures('measures', 'measure'),
            this.figures('costs', 'cost'),
            this.maps(),
            this.onlyIn(),
          ]
        : [panel(t('scenarios.matrix'), {}, emptyState(t('scenarios.choose_some')))]),
    );
  }

  // ---- what is compared ----

  chooser() {
    const entries = [{ scenario_id: PLAN, name: t('scenarios.the_plan') }, ...this.scenarios];
    const choose = async (id, isOn) => {
      this.ids = isOn ? [...this.ids, id] : this.ids.filter((one) => one !== id);
      this.sides = [null, null];
      this.write();
      const box = document.getElementById('alternatives');
      box?.setAttribute('aria-busy', 'true');
      await this.load();
      /** @type {HTMLElement | null} */ (
        document.querySelector(`#alternatives input[value="${CSS.escape(id)}"]`)
      )?.focus();
    };
    const chosen = this.ids.filter((id) => id !== PLAN).length;
    return panel(
      t('scenarios.alternatives'),
      { note: t('scenarios.alternatives_note', { most: MOST }), className: 'no-print' },
      make(
        'div',
        {
          class: 'alternatives',
          id: 'alternatives',
          role: 'group',
          'aria-label': t('scenarios.alternatives'),
        },
        entries.map((one) => {
          const isOn = this.ids.includes(one.scenario_id);
          return make(
            'label',
            { class: 'check' },
            make('input', {
              type: 'checkbox',
              value: one.scenario_id,
              checked: isOn,
              disabled: !isOn && one.scenario_id !== PLAN && chosen >= MOST,
              change: (event) => choose(one.scenario_id, event.target.checked),
            }),
            dataText(one.name),
          );
        }),
      ),
    );
  }

  downloads() {
    const ids = this.ids.join(',');
    const links = FILES.map((format) =>
      make(
        'li',
        {},
        make(
          'a',
          { href: address('/api/scenarios/compare/export', { ids, format }), download: '' },
          t(`scenarios.as_${format}`),
        ),
      ),
    );
    return [
      make(
        'details',
        { class: 'menu-list no-print' },
        make('summary', { class: 'button plain' }, t('console.download')),
        make('ul', {}, links),
      ),
    ];
  }

  nameOf(one) {
    return one.key === PLAN ? t('scenarios.the_plan') : one.name;
  }

  // A link to the alternative's own page, where it has one.
  head(one) {
    return one.key === PLAN
      ? t('scenarios.the_plan')
      : make(
          'a',
          { href: pageAddress(`/scenarios/${encodeURIComponent(one.key)}`) },
          dataText(shorten(one.name, 60)),
        );
  }

  // ---- tables ----

  matrix() {
    const { alternatives, parks } = this.found;
    const all = make('input', {
      type: 'checkbox',
      checked: this.isAll,
      change: () => {
        this.isAll = all.checked;
        this.write();
        update();
      },
    });
    const list = table(
      [
        {
          key: 'park',
          label: t('scenarios.park'),
          isHead: true,
          value: (park) => park.name,
          show: parkName,
        },
        ...alternatives.map((one) => ({
          key: one.key,
          label: this.nameOf(one),
          value: (park) => park.verdicts[one.key],
          show: (park) =>
            park.verdicts[one.key]
              ? verdictMark(park.verdicts[one.key])
              : make('span', { class: 'note' }, t('scenarios.no_park')),
        })),
      ],
      {
        caption: t('scenarios.matrix'),
        rowId: (park) => park.park_id,
        empty: () => emptyState(t('scenarios.alike'), { hint: t('scenarios.alike_hint') }),
      },
    );
    const update = () => list.update(parks.filter((park) => this.isAll || park.differs));
    update();
    const differing = parks.filter((park) => park.differs).length;
    return panel(
      t('scenarios.matrix'),
      {
        note: t('scenarios.differing', { count: count(differing), all: count(parks.length) }),
        tools: make('label', { class: 'check' }, all, t('scenarios.all_parks')),
        id: 'matrix',
      },
      list.node,
      make('div', { class: 'print-only' }, legend()),
    );
  }

  figures(part, name) {
    const { alternatives } = this.found;
    const base = alternatives.find((one) => one.key === PLAN);
    const shown = part === 'costs' ? alternatives.filter((one) => one.key !== PLAN) : alternatives;
    const difference = (row, one) =>
      base && part === 'measures' && one !== base && hasValue(row.values[PLAN])
        ? signed(row.values[one.key] - row.values[PLAN], writerOf(row))
        : null;
    return panel(
      t(`scenarios.${part}`),
      { note: t(`scenarios.${part}_note`), id: part },
      make(
        'div',
        { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t(`scenarios.${part}`) },
        make(
          'table',
          { class: 'table is-plain side-by-side' },
          make(
            'thead',
            {},
            make(
              'tr',
              {},
              make('th', { scope: 'col' }, t(`scenarios.${name}`)),
              shown.map((one) => make('th', { scope: 'col', class: 'number' }, this.head(one))),
            ),
          ),
          make(
            'tbody',
            {},
            this.found[part].map((row) =>
              make(
                'tr',
                { 'data-row': row[name] },
                make('th', { scope: 'row' }, row.label),
                shown.map((one) =>
                  make(
                    'td',
                    { class: 'number', 'data-key': one.key },
                    valueOf(row, row.values[one.key]),
                    ' ',
                    difference(row, one),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }

  // ---- maps ----

  maps() {
    const { alternatives } = this.found;
    if (alternatives.length < 2) {
      return null;
    }
    const keys = alternatives.map((one) => one.key);
    const [left, right] = this.sides;
    const sides = [
      keys.includes(left) ? left : keys[0],
      keys.includes(right) ? right : keys.at(-1),
    ];
    const reviewOf = (key) => alternatives.find((one) => one.key === key).review_id;
    const parameters = () => ({ before: reviewOf(sides[0]), review_id: reviewOf(sides[1]) });
    const map = mapFrame('/maps/compare', parameters(), t('scenarios.maps'));
    const choice = (at, words) =>
      labelled(
        words,
        select(
          alternatives.map((one) => [one.key, shorten(this.nameOf(one), 40)]),
          {
            value: sides[at],
            change: (event) => {
              sides[at] = event.target.value;
              this.sides = [...sides];
              this.write();
              map.change('/maps/compare', parameters());
            },
          },
        ),
      );
    return make(
      'div',
      { class: 'map-side' },
      panel(
        t('scenarios.maps'),
        { note: t('scenarios.maps_note'), className: 'is-map', tools: map.open },
        make(
          'div',
          { class: 'compare-form no-print' },
          choice(0, t('scenarios.left')),
          choice(1, t('scenarios.right')),
        ),
        map.node,
      ),
    );
  }

  // ---- what is in one only ----

  onlyIn() {
    const scenarios = this.found.alternatives.filter((one) => one.key !== PLAN);
    return panel(
      t('scenarios.only_in'),
      { note: t('scenarios.only_in_note'), id: 'only-in' },
      make(
        'div',
        { class: 'only-in' },
        scenarios.map((one) => {
          const changes = this.found.only_in[one.key] ?? [];
          return make(
            'section',
            { 'data-key': one.key },
            make('h3', {}, this.head(one)),
            changes.length
              ? make(
                  'ul',
                  { class: 'plain-list finding-changes' },
                  changes.map((change) =>
                    make(
                      'li',
                      { class: 'finding-change', 'data-kind': change.kind },
                      kindMark(change.kind),
                      ' ',
                      dataText(shorten(change.title, 240)),
                      make(
                        'span',
                        { class: 'under' },
                        change.park_id ? make('code', {}, dataText(change.park_id)) : null,
                        ' ',
                        t(`severity.${change.severity}`),
                      ),
                    ),
                  ),
                )
              : make('p', { class: 'note' }, t('scenarios.nothing_only')),
          );
        }),
      ),
    );
  }
}

// A difference without its sign.
function writerOf(row) {
  return (value) =>
    row.unit === 'share'
      ? t('scenarios.share_points', { value: number(value * 100) })
      : valueOf(row, value);
}

// Land in the county's own units, floors in m².
function valueOf({ unit, measure, cost }, value) {
  if (unit === 'm²') {
    return (measure ?? cost)?.includes('floor') ? squareMetres(value) : area(value);
  }
  if (unit === 'CNY') {
    return money(value);
  }
  return unit === 'share' ? percent(value) : count(value);
}

new Comparison().load();
