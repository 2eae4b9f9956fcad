// 1 + 5 + 42 at a glance: verdicts by tier, the map, what has changed, and every park.
import { emptyState, errorState, fillWith, get } from './api.js';
import { dataText, elementIn, make } from '../shared/dom.js';
import { finePrint, keyed, labelled, later, pageHead, panel, select } from './parts.js';
import { changeChip, changeCounts, parkLink, shownOf } from './changes.js';
import { commaIn, hasValue } from '../shared/format.js';
import { count, time } from './amounts.js';
import { BASIS_GROUPS } from './bases.js';
import { capitalText, pageAddress, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { scenarioNote } from './scenario_note.js';
import { VERDICTS } from '../shared/symbols.js';
import { TIERS, WORST_FIRST, legend, tierBadge, verdictBadge } from './marks.js';
import { columnsOf } from './home/columns.js';
import { decisionList, listAddress } from './home/decisions.js';
import { FIGURES, figureList, showRows } from './home/figures.js';
import { Strip } from './home/strip.js';
import { wallButtons } from './home/wall.js';
import { table } from './table.js';

const MOST = 10_000;
const CHANGES_SHOWN = 6;
const FACETS = ['verdict', 'tier', 'basis'];
const FILTERS = ['tier', 'verdict', 'basis', 'words'];
// With a scenario, the page tells what its plan makes of the county.
/** @type {Record<string, string>} */
const ofScenario = start.scenario ? { scenario: start.scenario } : {};
/** @type {Record<string, any> & { parks: any[] }} */
const state = { parks: [], tier: '', verdict: '', basis: '', words: '', figure: '' };

// ---- chips ----

// How many parks have each value of a facet, under the other filters.
function chipGroup(facet, values, label, sign) {
  const parks = state.parks.filter((park) => fits(park, facet));
  const isOf = {
    verdict: (park, value) => park.verdict === value,
    tier: (park, value) => park.tier === value,
    basis: (park, value) => park.rests_on.includes(value),
  }[facet];
  return make(
    'ul',
    { class: 'counts', 'aria-label': label },
    values.map((value) =>
      make('li', {}, chip(facet, value, parks.filter((park) => isOf(park, value)).length, sign)),
    ),
  );
}

// A chip that shows the parks of one kind alone, and all of them when it is pressed again.
function chip(facet, value, number, sign) {
  const isOn = state[facet] === value;
  return make(
    'button',
    {
      type: 'button',
      class: 'count',
      [`data-${facet}`]: value,
      'aria-pressed': String(isOn),
      click: () => choose({ [facet]: isOn ? '' : value }, { isStep: true }),
    },
    sign(value),
    make('strong', {}, count(number)),
  );
}

const shownChips = make('div', { class: 'home-chips' });

function drawChips() {
  const focused = document.activeElement?.closest('.home-chips .count');
  const key = focused && FACETS.map((name) => attributeOf(focused, name)).join('');
  shownChips.replaceChildren(
    chipGroup('verdict', WORST_FIRST, t('home.by_verdict'), (verdict) => [
      verdictBadge(verdict, 17),
      make('span', {}, capitalText(`verdict.${verdict}`)),
    ]),
    chipGroup('tier', TIERS, t('home.by_tier'), (tier) => [
      tierBadge(tier, 16),
      make('span', {}, capitalText(`tier.${tier}`)),
    ]),
    chipGroup('basis', BASIS_GROUPS, t('home.by_rests_on'), (basis) =>
      make('span', { class: `chip is-by-${basis}` }, capitalText(`rests_on.${basis}`)),
    ),
  );
  if (key) {
    elementIn(shownChips, `.count${key}`)?.focus();
  }
}

const map = mapFrame('/maps/overview', ofScenario, t('home.map'), {
  onSelected: (layer, id) => {
    if (layer === 'parks') {
      parks?.select(id);
      mark(id);
    }
  },
});

/** @type {ReturnType<typeof table> | null} */
let parks = null;
/** @type {Strip | null} */
let strip = null;

const parksTable = (basis, line) =>
  table(columnsOf(basis, line, isAllMadeUp()), {
    caption: t('home.parks'),
    rowId: (park) => park.park_id,
    onRow: (park) => show(park.park_id),
    empty: () => emptyState(t('home.nothing'), { hint: t('home.nothing_hint'), sign: 'search' }),
  });

const shown = make('span', { role: 'status', class: 'note' });
const search = make('input', {
  type: 'search',
  id: 'search',
  autocomplete: 'off',
  maxlength: 100,
  placeholder: t('home.search_hint'),
  input: later(() => choose({ words: search.value }), 120),
});
const tierSelect = select(keyed('tier', TIERS), {
  id: 'tier',
  change: (event) => choose({ tier: event.target.value }),
});
const verdictSelect = select(keyed('verdict', VERDICTS), {
  id: 'verdict',
  change: (event) => choose({ verdict: event.target.value }),
});

const basisSelect = select(keyed('basis_group', BASIS_GROUPS), {
  id: 'basis',
  change: (event) => choose({ basis: event.target.value }),
});

// Whether a park passes the filters, one of them left out.
function fits(park, leftOut = '') {
  const words = state.words.trim().toLowerCase();
  const asks = (name) => name !== leftOut && state[name];
  return (
    (!asks('tier') || park.tier === state.tier) &&
    (!asks('verdict') || park.verdict === state.verdict) &&
    (!asks('basis') || park.rests_on.includes(state.basis)) &&
    (!words || park.words.some((text) => text.includes(words)))
  );
}

// Shows one park in the table, on the map and on the strip.
function show(parkId) {
  parks?.select(parkId);
  map.select('parks', parkId);
  mark(parkId);
}

function mark(parkId) {
  for (const node of document.querySelectorAll('.decisions li, .strip .dot')) {
    node.classList.toggle('is-selected', node.getAttribute('data-park') === parkId);
  }
}

const isAllMadeUp = () => state.parks.every((park) => park.illustrative);

// isStep: whether Back undoes it.
function choose(change, { isStep = false } = {}) {
  Object.assign(state, change);
  keep(isStep);
  drawAll();
}

// Has the address say what is chosen.
function keep(isStep = false) {
  const given = [...FILTERS, 'figure'].filter((name) => state[name]);
  const chosen = Object.fromEntries(given.map((name) => [name, state[name]]));
  const address = new URLSearchParams({ ...ofScenario, ...chosen }).toString();
  const path = `${window.location.pathname}${address && `?${address}`}`;
  window.history[isStep ? 'pushState' : 'replaceState'](null, '', path);
}

function drawAll() {
  drawParks();
  drawChips();
  drawFigures();
}

// An attribute of an element as a selector; empty for one that it does not have.
function attributeOf(element, name) {
  const value = element.getAttribute(`data-${name}`);
  return value === null ? '' : `[data-${name}="${value}"]`;
}

function drawParks() {
  [tierSelect.value, verdictSelect.value] = [state.tier, state.verdict];
  basisSelect.value = state.basis;
  if (search.value.trim() !== state.words.trim()) {
    search.value = state.words;
  }
  const found = state.parks.filter((park) => fits(park));
  parks?.update(found);
  shown.textContent = t('home.shown', {
    shown: count(found.length),
    total: count(state.parks.length),
  });
  const ids = found.map((park) => park.park_id);
  map.filter('parks', found.length === state.parks.length ? null : ids);
  strip?.draw(state.parks, new Set(ids));
}

// ---- figures and decisions, of the parks that the chips leave ----

const kpis = make('div', { class: 'home-figures' });
const decisions = make('div', { class: 'home-decisions' });
/** @type {Map<string, Promise<any>>} */
const told = new Map();
let asking = '';

const asked = () => ({
  tier: state.tier,
  verdict: state.verdict,
  basis: state.basis,
  ...ofScenario,
});

function overview() {
  const key = JSON.stringify(asked());
  if (!told.has(key)) {
    const found = get('/api/overview', asked());
    found.catch(() => told.delete(key));
    told.set(key, found);
  }
  return /** @type {Promise<any>} */ (told.get(key));
}

async function drawFigures() {
  const key = JSON.stringify(asked());
  asking = key;
  try {
    const found = await overview();
    if (asking !== key) {
      return;
    }
    kpis.replaceChildren(figureList(found.figures, openFigure));
    decisions.replaceChildren(decisionsPanel(found));
  } catch (error) {
    if (asking === key) {
      kpis.replaceChildren(errorState(error, drawFigures));
      decisions.replaceChildren();
    }
  }
}

function decisionsPanel(found) {
  const verdict = found.decided_on;
  const byId = new Map(state.parks.map((park) => [park.park_id, park]));
  const number = found.decisions.length;
  const link = make(
    'a',
    { class: 'all-reasons', href: listAddress(verdict) },
    t('home.all_reasons', { count: count(number) }),
  );
  return panel(
    t(`home.decide_${verdict}`),
    { className: 'is-decisions', tools: number && verdict !== 'pass' ? link : null },
    decisionList(found, byId, show),
  );
}

function openFigure(name) {
  state.figure = name;
  keep();
  showRows(name, asked(), () => {
    state.figure = '';
    keep();
  });
}

// ---- what has changed since the review before ----

function changeLine(change) {
  const finding = shownOf(change);
  return make(
    'li',
    {},
    changeChip(change.kind),
    make(
      'span',
      {},
      dataText(finding.title),
      finding.park_id
        ? make('span', { class: 'under' }, parkLink(finding.park_id, nameOf(finding.park_id)))
        : null,
    ),
  );
}

function nameOf(parkId) {
  return state.parks.find((park) => park.park_id === parkId)?.name ?? parkId;
}

// Which data or rules differ, as `parcels: version 1 → version 2 (restored)`.
function stepsSaid({ layers, is_other_rulebook: isOtherRulebook }) {
  const version = (number) => (hasValue(number) ? t('home.version', { number }) : '—');
  const said = layers.map(({ layer, before, after, is_restored: isRestored }) =>
    t(isRestored ? 'home.step_restored' : 'home.step', {
      layer: t(`layer.${layer}`),
      before: version(before),
      after: version(after),
    }),
  );
  return isOtherRulebook ? [...said, t('home.other_rulebook')] : said;
}

async function changes() {
  const found = await get('/api/changes', { limit: CHANGES_SHOWN });
  if (!found.before) {
    return emptyState(t('home.first_review'), {
      hint: t('home.first_review_hint'),
      action: start.is_public
        ? null
        : make('a', { class: 'button plain', href: pageAddress('/reviews') }, t('home.to_reviews')),
    });
  }
  const { before, after } = found;
  const times = { before: time(found.before_made_at), after: time(found.after_made_at) };
  const steps = stepsSaid(found);
  const link = (words) =>
    start.may.compare_reviews
      ? make(
          'a',
          {
            class: 'button plain no-print',
            href: pageAddress(`/reviews?${new URLSearchParams({ before, after })}`),
          },
          words,
        )
      : null;
  if (found.is_restored) {
    return [
      make('p', { class: 'note' }, steps.join(commaIn(start.lang))),
      make('p', { class: 'is-as-before' }, t('home.as_before')),
      link(t('home.undone_changes')),
    ];
  }
  const listed = found.changes.filter((change) => change.kind !== 'not_compared');
  return [
    make('p', { class: 'note' }, t('home.compared', times)),
    steps.length ? make('p', { class: 'note' }, steps.join(commaIn(start.lang))) : null,
    changeCounts(found.counts),
    listed.length
      ? make('ul', { class: 'changes' }, listed.slice(0, CHANGES_SHOWN).map(changeLine))
      : make('p', { class: 'note' }, t('home.no_changes')),
    link(t('home.all_changes')),
  ].filter(Boolean);
}

// ---- the page ----

// What the address asks for, if there is such a thing.
function readAddress() {
  const query = new URLSearchParams(window.location.search);
  const wanted = (name, known) => {
    const value = query.get(name) ?? '';
    return known.includes(value) ? value : '';
  };
  state.tier = wanted('tier', TIERS);
  state.verdict = wanted('verdict', VERDICTS);
  state.basis = wanted('basis', BASIS_GROUPS);
  state.figure = wanted('figure', FIGURES);
  state.words = (query.get('words') ?? '').slice(0, search.maxLength);
}

async function load() {
  try {
    readAddress();
    const of = start.scenario ? overview() : null;
    start.review_id = (await of)?.review_id ?? start.review_id;
    const [found, review, about] = await Promise.all([
      get('/api/parks', { limit: MOST, ...ofScenario }),
      get(`/api/reviews/${encodeURIComponent(start.review_id)}`),
      overview(),
    ]);
    const basis = review.focus_basis;
    state.parks = found.features.map(({ properties }) => ({
      ...properties,
      share: properties.shares[basis],
      reason: about.reasons[properties.park_id] ?? null,
      words: [
        properties.name,
        properties.park_id,
        properties.township ?? '',
        properties.leading_industry_name ?? '',
        ...(properties.search ?? []),
      ].map((text) => text.toLowerCase()),
    }));
    draw(review, about);
  } catch (error) {
    showPage(pageHead(t('console.home_title')), errorState(error, load));
  }
}

const queryOf = (given) => {
  const query = new URLSearchParams(given).toString();
  return query && `?${query}`;
};

function head(review) {
  const tiers = TIERS.map((tier) => state.parks.filter((park) => park.tier === tier).length);
  return pageHead(t('console.home_title'), {
    line: t('home.lead', { tiers: tiers.join(' + '), day: review.as_of }),
    tools: [
      start.is_public
        ? null
        : make(
            'a',
            {
              class: 'button plain',
              href: pageAddress(`/reviews/${encodeURIComponent(start.review_id)}`),
            },
            t('home.open_review'),
          ),
      ...wallButtons(),
      start.may.sites
        ? make(
            'a',
            { class: 'button strong', href: pageAddress(`/sites${queryOf(ofScenario)}`) },
            t('console.nav_sites'),
          )
        : null,
    ],
  });
}

function draw(review, about) {
  const basis = review.focus_basis;
  const changeBody = make('div', { class: 'change-body' });
  parks = parksTable(basis, about.pass_share);
  strip = new Strip({ basis, line: about.pass_share, choose: show });
  setTitle(t('console.home_title'));
  drawAll();
  const centre = map.panel();
  centre.firstElementChild?.append(strip.node);
  showPage(
    make(
      'div',
      { class: 'home-screen' },
      head(review),
      scenarioNote(pageAddress('/')),
      shownChips,
      make('div', { class: 'home-grid' }, kpis, centre, decisions),
    ),
    make('div', { class: 'print-only' }, legend()),
    panel(
      t('home.parks'),
      { className: 'is-parks' },
      finePrint(review.basis_line),
      make(
        'div',
        { class: 'filters no-print', role: 'search' },
        labelled(t('home.search'), search, { className: 'grows' }),
        labelled(t('home.tier'), tierSelect),
        labelled(t('home.verdict'), verdictSelect),
        labelled(t('home.rests_on'), basisSelect),
        shown,
      ),
      parks.node,
    ),
    start.scenario ? null : panel(t('home.changes'), { className: 'is-changes' }, changeBody),
  );
  if (!start.scenario) {
    fillWith(changeBody, changes);
  }
  if (state.figure) {
    openFigure(state.figure);
  }
}

window.addEventListener('popstate', () => {
  readAddress();
  drawAll();
});

load();
