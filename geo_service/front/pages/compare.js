// Two to four parks side by side: verdict and reasons, figures against their lines, industry, land.
import { dataText, make, shorten } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { area, count, money, squareMetres } from './amounts.js';
import { emptyState, errorState, get } from './api.js';
import { parkAddress, printPage, setTitle, showPage, t } from './frame.js';
import { tierMark, verdictMark } from './marks.js';
import { writeFigure, writeLine } from './park/verdict.js';
import { button, labelled, pageHead, panel, select } from './parts.js';

const MOST = 4;
const FEWEST = 2;

/** @type {{ park_id: string, name: string }[]} */
let everyPark = [];

function chosen() {
  const given = new URLSearchParams(window.location.search).get('parks') ?? '';
  return [...new Set(given.split(',').filter(Boolean))].slice(0, MOST);
}

function choose(ids) {
  const address = new URL(window.location.href);
  address.searchParams.set('parks', ids.join(','));
  window.history.pushState(null, '', address);
  load();
}

async function load() {
  try {
    if (!everyPark.length) {
      const { features } = await get('/api/parks', { limit: 10_000 });
      everyPark = features.map(({ properties }) => properties);
    }
    const ids = chosen().filter((id) => everyPark.some(({ park_id: known }) => known === id));
    const parks = await Promise.all(ids.map(read));
    draw(parks);
  } catch (error) {
    showPage(pageHead(t('compare.title')), errorState(error, load));
  }
}

async function read(id) {
  const path = `/api/parks/${encodeURIComponent(id)}`;
  const [feature, profile] = await Promise.all([get(path), get(`${path}/profile`, { limit: 0 })]);
  return { park: feature.properties, profile };
}

function draw(parks) {
  const names = parks.map(({ park }) => park.name);
  setTitle(t('compare.title'), ...names.map((name) => shorten(name, 30)));
  showPage(
    pageHead(t('compare.title'), {
      line: t('compare.lead'),
      tools: [button(t('console.print'), printPage)],
    }),
    panel(
      t('compare.parks'),
      { tools: parks.length < MOST ? adder(parks) : null },
      parks.length < FEWEST
        ? emptyState(t('compare.too_few'), { hint: t('compare.too_few_hint') })
        : null,
      parks.length ? table(parks) : null,
    ),
  );
}

function adder(parks) {
  const taken = parks.map(({ park }) => park.park_id);
  const free = everyPark.filter(({ park_id: id }) => !taken.includes(id));
  const options = free.map(({ park_id: id, name }) => [id, shorten(name, 40)]);
  const menu = select([['', t('compare.choose')], .../** @type {[string, string][]} */ (options)], {
    change: () => menu.value && choose([...taken, menu.value]),
  });
  return labelled(t('compare.add'), menu, { className: 'is-inline' });
}

function table(parks) {
  return make(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('compare.parks') },
    make(
      'table',
      { class: 'table is-plain compare-table' },
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          make('td', {}),
          parks.map(({ park }) => make('th', { scope: 'col' }, headOf(park, parks))),
        ),
      ),
      make('tbody', {}, rows(parks)),
    ),
  );
}

function headOf(park, parks) {
  const others = parks.map((one) => one.park.park_id).filter((id) => id !== park.park_id);
  return [
    make('a', { href: parkAddress(park.park_id) }, dataText(shorten(park.name, 40))),
    button('×', () => choose(others), {
      kind: 'quiet no-print compare-remove',
      'aria-label': t('compare.remove', { park: park.name }),
    }),
  ];
}

function rows(parks) {
  const figureNames = parks[0].profile.verdict.figures.map(({ name }) => name);
  return [
    row(t('compare.tier'), parks, ({ park }) => tierMark(park.tier)),
    row(t('park.verdict'), parks, ({ park, profile }) => [
      verdictMark(park.verdict),
      make('p', { class: 'verdict-sentence' }, dataText(profile.verdict.sentence)),
    ]),
    ...figureNames.map((name) => figureRow(name, parks)),
    row(t('compare.findings'), parks, ({ profile }) =>
      count(profile.verdict.rules.reduce((sum, rule) => sum + rule.findings, 0)),
    ),
    row(t('park.leading_industry'), parks, ({ park }) =>
      hasValue(park.leading_industry)
        ? dataText(`${park.leading_industry} ${park.leading_industry_name ?? ''}`)
        : '—',
    ),
    row(t('park.speciality'), parks, ({ profile }) => dataText(profile.speciality ?? '—')),
    row(t('park.enterprise_count'), parks, ({ profile }) => count(profile.focus.enterprise_count)),
    row(t('basis.output'), parks, ({ profile }) => money(profile.mix?.totals.output)),
    row(t('park.declared_area'), parks, ({ park }) =>
      hasValue(park.declared_area_ha) ? area(park.declared_area_ha * 1e4) : '—',
    ),
    row(t('park.free_land'), parks, ({ profile }) => area(freeLand(profile))),
    row(t('compare.vacant_floors'), parks, ({ profile }) => squareMetres(vacantFloors(profile))),
  ];
}

function row(label, parks, show) {
  return make(
    'tr',
    {},
    make('th', { scope: 'row' }, label),
    parks.map((park) => make('td', {}, show(park))),
  );
}

// A figure of each park with its line; the best of those that are known stands out.
function figureRow(name, parks) {
  const figures = parks.map(({ profile }) =>
    profile.verdict.figures.find((figure) => figure.name === name),
  );
  const known = figures.map(({ value }) => value).filter(hasValue);
  const best = figures[0].is_minimum ? Math.max(...known) : Math.min(...known);
  const { year } = figures[0];
  return make(
    'tr',
    { 'data-figure': name },
    make(
      'th',
      { scope: 'row' },
      t(`park.figure_${name}`),
      year ? make('span', { class: 'under' }, t('park.year', { year })) : null,
    ),
    figures.map((figure) =>
      make(
        'td',
        { class: known.length > 1 && figure.value === best ? 'compare-best' : '' },
        writeFigure(figure),
        make('span', { class: 'under' }, writeLine(figure)),
      ),
    ),
  );
}

function freeLand({ parcels }) {
  return ['vacant', 'idle'].reduce(
    (sum, status) => sum + (parcels.by_status[status]?.area_m2 ?? 0),
    0,
  );
}

function vacantFloors({ buildings }) {
  const floors = buildings.flatMap((building) => building.floors);
  return floors.length ? floors.reduce((sum, floor) => sum + (floor.vacant_m2 ?? 0), 0) : null;
}

window.addEventListener('popstate', load);
load();
