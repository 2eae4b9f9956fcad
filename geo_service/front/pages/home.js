// 1 + 5 + 42 at a glance: verdicts by tier, the map, what has changed, and every park.
import { emptyState, errorState, fillWith, get } from './api.js';
import { dataText, elementIn, make } from '../shared/dom.js';
import { labelled, later, pageHead, panel, select } from './parts.js';
import { changeChip, changeCounts, parkLink, shownOf } from './changes.js';
import { commaIn, hasValue } from '../shared/format.js';
import { count, time } from './amounts.js';
import { BASIS_GROUPS } from './bases.js';
import { pageAddress, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { VERDICTS } from '../shared/symbols.js';
import { TIERS, legend, tierBadge, verdictBadge, verdictBar } from './marks.js';
import { columnsOf } from './home/columns.js';
import { table } from './table.js';

const MOST = 10_000;
const CHANGES_SHOWN = 6;
const FILTERS = ['tier', 'verdict', 'basis', 'words'];
/** @type {{ parks: any[], tier: string, verdict: string, basis: string, words: string }} */
const state = { parks: [], tier: '', verdict: '', basis: '', words: '' };
const query = new URLSearchParams(window.location.search);

function cards() {
  const node = make('div', { class: 'tier-cards' });
  const redraw = () => {
    const groups = [
      ['', state.parks],
      ...TIERS.map((tier) => [tier, state.parks.filter((park) => park.tier === tier)]),
    ];
    node.replaceChildren(...groups.map(([tier, parks]) => card(tier, parks)));
  };
  return { node, draw: redraw };
}

function card(tier, parks) {
  const counts = Object.fromEntries(
    VERDICTS.map((verdict) => [verdict, parks.filter((park) => park.verdict === verdict).length]),
  );
  const title = tier ? t(`tier.${tier}`) : t('home.every_park');
  return make(
    'section',
    { class: 'card tier-card', 'aria-label': title },
    make('div', { class: 'card-head' }, tier ? tierBadge(tier, 20) : null, make('h2', {}, title)),
    make(
      'p',
      { class: 'card-count' },
      make('strong', {}, count(parks.length)),
      ' ',
      t('home.parks_unit'),
    ),
    verdictBar(counts),
    make(
      'ul',
      { class: 'counts' },
      VERDICTS.map((verdict) =>
        countButton(
          { tier, verdict },
          counts[verdict],
          verdictBadge(verdict, 18),
          make('span', {}, t(`verdict.${verdict}`)),
        ),
      ),
    ),
    basisCounts(tier, parks),
  );
}

// How many verdicts rest on each kind of basis; a park may count for several.
function basisCounts(tier, parks) {
  return make(
    'ul',
    { class: 'counts basis-counts', 'aria-label': t('home.by_rests_on') },
    BASIS_GROUPS.map((basis) =>
      countButton(
        { tier, basis },
        parks.filter((park) => park.rests_on.includes(basis)).length,
        make('span', { class: `chip is-by-${basis}` }, t(`rests_on.${basis}`)),
      ),
    ),
  );
}

// A button of a card that shows the parks of its tier with one verdict or one kind of basis, and
// all of them when it is pressed again.
function countButton(change, number, ...label) {
  const isOn = Object.entries(change).every(([name, value]) => state[name] === value);
  const none = Object.fromEntries(Object.keys(change).map((name) => [name, '']));
  const marks = Object.entries(change).map(([name, value]) => [`data-${name}`, value]);
  return make(
    'li',
    {},
    make(
      'button',
      {
        type: 'button',
        class: 'count',
        ...Object.fromEntries(marks),
        'aria-pressed': String(isOn),
        click: () => choose(isOn ? none : change),
      },
      label,
      make('strong', {}, count(number)),
    ),
  );
}

const shownCards = cards();
const map = mapFrame('/maps/overview', {}, t('home.map'), {
  onSelected: (layer, id) => {
    if (layer === 'parks') {
      parks?.select(id);
    }
  },
});

/** @type {ReturnType<typeof table> | null} */
let parks = null;

const parksTable = (basis) =>
  table(columnsOf(basis), {
    caption: t('home.parks'),
    rowId: (park) => park.park_id,
    onRow: (park) => {
      parks?.select(park.park_id);
      map.select('parks', park.park_id);
    },
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

/**
 * What can be chosen of a section's words, or all of it.
 * @returns {[string, string][]}
 */
function keyed(section, names) {
  return [['', t('console.all')], ...names.map((name) => [name, t(`${section}.${name}`)])];
}

function fits(park) {
  const words = state.words.trim().toLowerCase();
  return (
    (!state.tier || park.tier === state.tier) &&
    (!state.verdict || park.verdict === state.verdict) &&
    (!state.basis || park.rests_on.includes(state.basis)) &&
    (!words || park.words.some((text) => text.includes(words)))
  );
}

function choose(change) {
  Object.assign(state, change);
  const given = FILTERS.filter((name) => state[name]).map((name) => [name, state[name]]);
  const address = new URLSearchParams(given).toString();
  window.history.replaceState(null, '', `${window.location.pathname}${address && `?${address}`}`);
  drawParks();
  const focused = document.activeElement?.closest('.count');
  const key = focused && ['tier', 'verdict', 'basis'].map((name) => attributeOf(focused, name));
  shownCards.draw();
  if (key) {
    elementIn(shownCards.node, `.count${key.join('')}`)?.focus();
  }
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
  const found = state.parks.filter(fits);
  parks?.update(found);
  shown.textContent = t('home.shown', {
    shown: count(found.length),
    total: count(state.parks.length),
  });
  map.filter(
    'parks',
    found.length === state.parks.length ? null : found.map((park) => park.park_id),
  );
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
      action: make(
        'a',
        { class: 'button plain', href: pageAddress('/reviews') },
        t('home.to_reviews'),
      ),
    });
  }
  const { before, after } = found;
  const times = { before: time(found.before_made_at), after: time(found.after_made_at) };
  const steps = stepsSaid(found);
  const link = (words) =>
    make(
      'a',
      {
        class: 'button plain no-print',
        href: pageAddress(`/reviews?${new URLSearchParams({ before, after })}`),
      },
      words,
    );
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
function wanted(name, known) {
  const value = query.get(name) ?? '';
  return known.includes(value) ? value : '';
}

async function load() {
  try {
    const [found, review] = await Promise.all([
      get('/api/parks', { limit: MOST }),
      get(`/api/reviews/${encodeURIComponent(start.review_id)}`),
    ]);
    const basis = review.focus_basis;
    state.parks = found.features.map(({ properties }) => ({
      ...properties,
      share: properties.shares[basis],
      words: [
        properties.name,
        properties.park_id,
        properties.township ?? '',
        properties.leading_industry_name ?? '',
        ...(properties.search ?? []),
      ].map((text) => text.toLowerCase()),
    }));
    state.tier = wanted('tier', TIERS);
    state.verdict = wanted('verdict', VERDICTS);
    state.basis = wanted('basis', BASIS_GROUPS);
    state.words = (query.get('words') ?? '').slice(0, search.maxLength);
    draw(review, basis);
  } catch (error) {
    showPage(pageHead(t('console.home_title')), errorState(error, load));
  }
}

function draw(review, basis) {
  const tiers = TIERS.map((tier) => state.parks.filter((park) => park.tier === tier).length);
  const changeBody = make('div', { class: 'change-body' });
  parks = parksTable(basis);
  setTitle(t('console.home_title'));
  shownCards.draw();
  drawParks();
  showPage(
    pageHead(t('console.home_title'), {
      line: t('home.lead', { tiers: tiers.join(' + '), day: review.as_of }),
      tools: [
        make(
          'a',
          {
            class: 'button plain',
            href: pageAddress(`/reviews/${encodeURIComponent(start.review_id)}`),
          },
          t('home.open_review'),
        ),
        make('a', { class: 'button strong', href: pageAddress('/sites') }, t('console.nav_sites')),
      ],
    }),
    shownCards.node,
    make('div', { class: 'print-only' }, legend()),
    map.panel(),
    panel(t('home.changes'), { className: 'is-changes' }, changeBody),
    panel(
      t('home.parks'),
      { className: 'is-parks', note: review.basis_line },
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
  );
  fillWith(changeBody, changes);
}

load();
