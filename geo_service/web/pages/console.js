// The home page: verdict counts and the parks table. Values only ever become text nodes.
'use strict';

const texts = JSON.parse(document.getElementById('texts').textContent);
const VERDICTS = ['pass', 'watch', 'fail', 'unknown'];
const TIERS = ['municipal_park', 'sme_cluster', 'building_park'];
const lang = document.documentElement.lang;
const state = { parks: [], verdict: null, tier: '', words: '', sort: null, isDown: false };

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function percent(share) {
  return share === null || share === undefined ? '—' : `${(share * 100).toFixed(1)}%`;
}

const COLUMNS = [
  { key: 'tier', value: (park) => TIERS.indexOf(park.tier), shown: (park) => texts[`tier.${park.tier}`] },
  { key: 'park_id', value: (park) => park.park_id, shown: (park) => park.park_id },
  { key: 'name', value: (park) => park.name, shown: (park) => park.name, css: 'name' },
  {
    key: 'leading_industry',
    value: (park) => park.leading_industry ?? '',
    shown: (park) => (park.leading_industry ? `${park.leading_industry} ${park.leading_industry_name ?? ''}` : '—'),
  },
  { key: 'share', value: (park) => park.share ?? -1, shown: (park) => percent(park.share), css: 'number' },
  { key: 'verdict', value: (park) => VERDICTS.indexOf(park.verdict), shown: (park) => verdictMark(park.verdict) },
  { key: 'findings', value: (park) => park.findings, shown: (park) => String(park.findings), css: 'number' },
];

function verdictMark(verdict) {
  const node = make('span');
  node.append(make('span', { className: `mark ${verdict}`, ariaHidden: 'true' }), texts[`verdict.${verdict}`]);
  return node;
}

function matches(park) {
  const words = state.words.trim().toLowerCase();
  const inText = !words || park.search.some((text) => text.includes(words));
  return inText && (!state.tier || park.tier === state.tier) && (!state.verdict || park.verdict === state.verdict);
}

function showCounts() {
  const buttons = VERDICTS.map((verdict) => {
    const count = state.parks.filter((park) => park.verdict === verdict).length;
    const button = make('button', { type: 'button' });
    button.setAttribute('aria-pressed', String(state.verdict === verdict));
    button.append(make('span', { className: `mark ${verdict}` }), texts[`verdict.${verdict}`], make('b', { textContent: String(count) }));
    button.addEventListener('click', () => {
      state.verdict = state.verdict === verdict ? null : verdict;
      show();
    });
    return button;
  });
  document.getElementById('counts').replaceChildren(...buttons);
}

function showHeads() {
  const heads = COLUMNS.map((column) => {
    const button = make('button', { type: 'button', textContent: texts[`table.${column.key}`] });
    const head = make('th', { className: column.css === 'number' ? 'number' : '', scope: 'col' }, button);
    const isSorted = state.sort === column;
    head.setAttribute('aria-sort', isSorted ? (state.isDown ? 'descending' : 'ascending') : 'none');
    button.addEventListener('click', () => {
      state.isDown = isSorted && !state.isDown;
      state.sort = column;
      show();
      document.querySelectorAll('#heads button')[COLUMNS.indexOf(column)].focus();
    });
    if (isSorted) button.append(state.isDown ? ' ↓' : ' ↑');
    return head;
  });
  document.getElementById('heads').replaceChildren(...heads);
}

function showRows() {
  const found = state.parks.filter(matches);
  if (state.sort) {
    const { value } = state.sort;
    found.sort((one, other) => (value(one) < value(other) ? -1 : value(one) > value(other) ? 1 : 0));
    if (state.isDown) found.reverse();
  }
  const rows = found.map((park) =>
    make('tr', {}, ...COLUMNS.map((column) => make('td', { className: column.css ?? '' }, column.shown(park)))),
  );
  if (!rows.length) rows.push(make('tr', {}, make('td', { colSpan: COLUMNS.length, textContent: texts['page.nothing'] })));
  document.getElementById('rows').replaceChildren(...rows);
  document.getElementById('shown').textContent = `${found.length} / ${state.parks.length}`;
}

function show() {
  showCounts();
  showHeads();
  showRows();
}

async function get(address) {
  const answer = await fetch(address, { headers: { 'accept-language': lang } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function load() {
  const problem = document.getElementById('problem');
  problem.hidden = true;
  try {
    const [parks, reviews] = await Promise.all([
      get(`/api/parks?limit=10000&lang=${lang}`),
      get(`/api/reviews?limit=1&lang=${lang}`),
    ]);
    const review = reviews.reviews[0];
    state.parks = parks.features.map(({ properties }) => ({
      ...properties,
      share: properties.shares[review.focus_basis],
      search: [properties.name, properties.park_id, ...(properties.search ?? [])].map((text) => text.toLowerCase()),
    }));
    document.getElementById('illustrative').hidden = !review.illustrative;
    document.getElementById('county').textContent = `${review.county} · ${document.title}`;
    document.getElementById('basis').textContent = review.basis_line;
    show();
  } catch {
    document.getElementById('problem-text').textContent = texts['page.problem'];
    document.getElementById('rows').replaceChildren();
    problem.hidden = false;
  }
}

document.querySelectorAll('nav a[lang]').forEach((link) => {
  if (link.lang === lang) link.setAttribute('aria-current', 'true');
});
document.getElementById('tier').append(
  make('option', { value: '', textContent: texts['page.all'] }),
  ...TIERS.map((tier) => make('option', { value: tier, textContent: texts[`tier.${tier}`] })),
);
document.getElementById('tier').addEventListener('change', (event) => {
  state.tier = event.target.value;
  showRows();
});
document.getElementById('search').addEventListener('input', (event) => {
  state.words = event.target.value;
  showRows();
});
document.getElementById('retry').addEventListener('click', load);
load();
