// The counties of a province as its last review left them: a table and a map by verdict counts,
// each county a click from its own console.
import { emptyState, errorState, get } from './api.js';
import { dataText, make } from '../shared/dom.js';
import { VERDICTS } from '../shared/symbols.js';
import { count } from './amounts.js';
import { capitalText, pageAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { WORST_FIRST, illustrativeMark, legend, verdictBadge, verdictBar } from './marks.js';
import { mapFrame } from './mapframe.js';
import { button, keyed, labelled, later, pageHead, panel, select } from './parts.js';
import { table } from './table.js';

const MOST = 10_000;
const STATES = ['whole', 'outdated', 'broken', 'missing'];
const FORMS = ['xlsx', 'gpkg', 'geoparquet', 'json'];
const FILTERS = ['state', 'verdict', 'words'];
/** @type {Record<string, any> & { counties: any[] }} */
const state = { counties: [], state: '', verdict: '', words: '' };

// ---- paper ----

// Faults and versions are folded on the screen; nobody unfolds them on paper.
function unfoldOnPaper() {
  /** @type {Element[]} */
  let folded = [];
  window.addEventListener('beforeprint', () => {
    folded = [...document.querySelectorAll('.is-counties details:not([open])')];
    folded.forEach((details) => details.setAttribute('open', ''));
  });
  window.addEventListener('afterprint', () => {
    folded.forEach((details) => details.removeAttribute('open'));
  });
}

// ---- the table ----

function figure(key, label = t(`province_page.${key}`)) {
  return {
    key,
    label,
    css: 'number',
    isDownFirst: true,
    value: (county) => county[key],
    show: (county) => count(county[key]),
  };
}

function verdictColumn(verdict) {
  return {
    key: verdict,
    label: capitalText(`verdict.${verdict}`),
    css: 'number',
    isDownFirst: true,
    value: (county) => county.verdicts?.[verdict] ?? null,
    show: (county) => count(county.verdicts?.[verdict] ?? null),
  };
}

function stateCell(county) {
  const reasons = county.outdated_by.map((reason) => t(`province_page.by_${reason}`));
  const faults = county.faults
    ? make(
        'details',
        {},
        make('summary', {}, t('province_page.faults')),
        make('p', { class: 'note faults' }, dataText(county.faults)),
      )
    : null;
  return make(
    'div',
    {},
    make(
      'span',
      { class: `chip is-county-${county.state}` },
      capitalText(`county_state.${county.state}`),
    ),
    reasons.length ? make('span', { class: 'under' }, reasons.join(' · ')) : null,
    faults,
  );
}

function versionsCell(county) {
  if (!county.plan_version) {
    return '—';
  }
  return make(
    'details',
    {},
    make('summary', {}, t('province_page.versions')),
    make(
      'ul',
      { class: 'note' },
      make('li', {}, t('province_page.plan', { version: county.plan_version })),
      make('li', {}, t('province_page.rulebook', { version: county.rulebook_version })),
      county.data_date
        ? make('li', {}, t('province_page.data_of', { day: county.data_date }))
        : null,
      make(
        'li',
        {},
        `${t('province_page.sources')}${start.lang === 'en' ? ': ' : '：'}`,
        dataText(county.sources.join(' · ') || '—'),
      ),
    ),
  );
}

function consoleCell(county) {
  if (county.is_own) {
    const label = `${t('province_page.open')} (${t('province_page.own')})`;
    return make('a', { href: pageAddress('/') }, label);
  }
  if (!county.console) {
    return make('span', { class: 'note' }, t('province_page.no_console'));
  }
  const name = `${t('province_page.open')} ${county.name ?? county.county_code}`;
  return make(
    'a',
    { href: county.console, rel: 'noopener noreferrer', 'aria-label': name },
    t('province_page.open'),
  );
}

const COLUMNS = [
  {
    key: 'name',
    label: t('province_page.county'),
    isHead: true,
    value: (county) => county.name ?? county.county_code,
    show: (county) =>
      make(
        'span',
        {},
        county.name === null ? null : [dataText(county.name), ' '],
        county.illustrative ? illustrativeMark() : null,
        make('code', { class: 'under' }, county.county_code),
      ),
  },
  {
    key: 'state',
    label: t('province_page.state'),
    value: (county) => STATES.indexOf(county.state),
    show: stateCell,
  },
  figure('parks'),
  ...WORST_FIRST.map(verdictColumn),
  figure('findings'),
  figure('enterprises'),
  {
    key: 'year',
    label: t('province_page.year'),
    css: 'number',
    value: (county) => county.year,
    show: (county) => (county.year === null ? '—' : String(county.year)),
  },
  { key: 'versions', label: t('province_page.versions'), show: versionsCell },
  { key: 'console', label: t('province_page.console'), css: 'no-print', show: consoleCell },
];

const map = mapFrame('/maps/province', {}, t('province_page.map'), {
  onSelected: (layer, id) => {
    if (layer === 'counties') {
      rows.select(id);
    }
  },
});
const rows = table(COLUMNS, {
  caption: t('province_page.table'),
  rowId: (county) => county.county_code,
  sort: ['fail', true],
  onRow: (county) => {
    rows.select(county.county_code);
    map.select('counties', county.county_code);
  },
  empty: () =>
    emptyState(t('province_page.nothing'), {
      hint: t('province_page.nothing_hint'),
      sign: 'search',
    }),
});

// ---- filters ----

const shown = make('span', { role: 'status', class: 'note' });
const search = make('input', {
  type: 'search',
  id: 'search',
  autocomplete: 'off',
  maxlength: 100,
  placeholder: t('province_page.search_hint'),
  input: later(() => choose({ words: search.value }), 120),
});
const stateSelect = select(keyed('county_state', STATES), {
  id: 'state',
  change: (event) => choose({ state: event.target.value }),
});
const verdictSelect = select(keyed('verdict', VERDICTS), {
  id: 'verdict',
  change: (event) => choose({ verdict: event.target.value }),
});

function fits(county) {
  const words = state.words.trim().toLowerCase();
  return (
    (!state.state || county.state === state.state) &&
    (!state.verdict || county.verdicts?.[state.verdict] > 0) &&
    (!words || county.words.some((text) => text.includes(words)))
  );
}

function choose(parts) {
  Object.assign(state, parts);
  const query = new URLSearchParams(window.location.search);
  for (const name of FILTERS) {
    if (state[name]) {
      query.set(name, state[name]);
    } else {
      query.delete(name);
    }
  }
  window.history.replaceState(null, '', `${window.location.pathname}?${query}`);
  filter();
}

function filter() {
  const found = state.counties.filter(fits);
  rows.update(found);
  const isAll = found.length === state.counties.length;
  map.filter('counties', isAll ? null : found.map((county) => county.county_code));
  shown.textContent = t('province_page.shown', {
    shown: found.length,
    total: state.counties.length,
  });
}

function readAddress() {
  const query = new URLSearchParams(window.location.search);
  const known = { state: STATES, verdict: VERDICTS };
  for (const name of ['state', 'verdict']) {
    const value = query.get(name) ?? '';
    state[name] = known[name].includes(value) ? value : '';
  }
  state.words = (query.get('words') ?? '').slice(0, search.maxLength);
  stateSelect.value = state.state;
  verdictSelect.value = state.verdict;
  search.value = state.words;
}

// ---- the page ----

function lead(found) {
  const { as_of: day, rulebook_version: version } = found;
  const counties = count(state.counties.length);
  if (!day) {
    return t('province_page.lead_none', { counties });
  }
  return version
    ? t('province_page.lead', { counties, day, version })
    : t('province_page.lead_shipped', { counties, day });
}

function downloads(found) {
  return found.as_of
    ? make(
        'details',
        { class: 'menu-list no-print' },
        make('summary', { class: 'button plain' }, t('console.download')),
        make(
          'ul',
          {},
          FORMS.map((form) =>
            make(
              'li',
              {},
              make(
                'a',
                {
                  href: pageAddress(`/api/province/export?format=${form}&lang=${start.lang}`),
                  download: '',
                },
                t(`province_page.export_${form}`),
              ),
            ),
          ),
        ),
      )
    : null;
}

function counts(found) {
  return make(
    'ul',
    { class: 'province-counts', 'aria-label': t('province_page.table') },
    WORST_FIRST.map((verdict) =>
      make(
        'li',
        { class: 'province-count' },
        verdictBadge(verdict, 17),
        make('span', {}, capitalText(`verdict.${verdict}`)),
        make('strong', {}, count(found.verdicts[verdict])),
      ),
    ),
    STATES.filter((name) => found.states[name]).map((name) =>
      make(
        'li',
        { class: 'province-count' },
        make('span', { class: `chip is-county-${name}` }, capitalText(`county_state.${name}`)),
        make('strong', {}, count(found.states[name])),
      ),
    ),
  );
}

function notes(found) {
  return [
    found.is_running
      ? make('p', { class: 'callout', role: 'status' }, t('province_page.running'))
      : null,
    found.as_of ? null : make('p', { class: 'callout' }, t('province_page.none_hint')),
  ];
}

async function load() {
  setTitle(t('console.province_title'));
  try {
    const [found, { counties }] = await Promise.all([
      get('/api/province'),
      get('/api/province/counties', { limit: MOST }),
    ]);
    state.counties = counties;
    readAddress();
    const sources = found.sources.join(' · ');
    showPage(
      pageHead(found.name, {
        line: [lead(found), ' ', found.illustrative ? illustrativeMark() : null],
        tools: [downloads(found), button(t('console.print'), printPage, { sign: 'print' })],
      }),
      ...notes(found),
      make('div', {}, counts(found), verdictBar(found.verdicts)),
      map.panel(),
      make('div', { class: 'print-only' }, legend()),
      panel(
        t('province_page.table'),
        { className: 'is-counties', note: t('province_page.scope') },
        make(
          'div',
          { class: 'filters no-print', role: 'search' },
          labelled(t('province_page.search'), search, { className: 'grows' }),
          labelled(t('province_page.state'), stateSelect),
          labelled(t('province_page.verdict_has'), verdictSelect),
          shown,
        ),
        rows.node,
        sources
          ? make(
              'p',
              { class: 'note' },
              `${t('province_page.sources')}${start.lang === 'en' ? ': ' : '：'}`,
              dataText(sources),
            )
          : null,
      ),
    );
    filter();
  } catch (error) {
    showPage(pageHead(t('console.province_title')), errorState(error, load));
  }
}

unfoldOnPaper();
load();
