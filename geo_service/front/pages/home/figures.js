// Key figures: the latest value with its year and how many rows say it, the years before as a
// line, the change, and the rows behind it in a window.
import { dataText, make, makeSvg } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { errorState, get } from '../api.js';
import { area, count, money, moneyPerMu, percent, signed, squareMetres } from '../amounts.js';
import { openDialog } from '../dialog.js';
import { parkAddress, start, t } from '../frame.js';
import { moreOf } from '../parts.js';

export const FIGURES = [
  ...['output', 'tax', 'enterprises', 'leading_share', 'output_per_mu'],
  ...['vacant_floors', 'free_land'],
];
const WRITTEN = {
  output: money,
  tax: money,
  enterprises: count,
  leading_share: percent,
  output_per_mu: moneyPerMu,
  vacant_floors: squareMetres,
  free_land: area,
};
const A_PAGE = 100;
const SPARK = { width: 84, height: 26, edge: 4 };

// press(name) is called with the figure that somebody wants to see the rows of.
export function figureList(figures, press) {
  return make(
    'ul',
    { class: 'kpis', 'aria-label': t('home.figures') },
    figures.map((figure) => make('li', {}, figureButton(figure, press))),
  );
}

function figureButton(figure, press) {
  const { name, value, year, withheld } = figure;
  // The public gets no rows, of which each would be one enterprise.
  const way = start.is_public
    ? {}
    : { type: 'button', title: t('home.figure_rows'), click: () => press(name) };
  return make(
    start.is_public ? 'div' : 'button',
    { class: 'kpi', 'data-figure': name, ...way },
    make(
      'span',
      { class: 'kpi-head' },
      make('span', { class: 'kpi-name' }, t(`home.figure_${name}`)),
      make('span', {}, year === null ? t('home.no_year') : t('home.year', { year })),
    ),
    make(
      'span',
      { class: 'kpi-line' },
      make(
        'strong',
        { 'data-value': value === null ? '' : value },
        hasValue(value)
          ? WRITTEN[name](value)
          : t(withheld ? 'withheld.word' : 'home.figure_unknown'),
      ),
      figure.series.length > 1 ? spark(figure.series) : null,
    ),
    make('span', { class: 'kpi-foot' }, figure.of ? coverage(figure) : null, changeOf(figure)),
  );
}

// How many rows say the value; what is unknown is not zero.
function coverage({ name, counted, of }) {
  const words = { counted: count(counted), rows: count(of) };
  const key = counted === of ? 'home.figure_all' : 'home.figure_some';
  return make('span', {}, t(key, { ...words, unit: t(`home.unit_${name}`) }));
}

// The change from the year before; of a share in points.
function changeOf({ name, change, series }) {
  if (!hasValue(change)) {
    return null;
  }
  const before = series.at(-2);
  const isShare = name === 'leading_share';
  const said = isShare
    ? t('home.points', { value: signed(change * 100) })
    : `${signed(change * 100)}%`;
  const title = before.counted
    ? t('home.change_from', { year: before.year, counted: count(before.counted) })
    : null;
  return make('span', { class: 'kpi-change', title }, said);
}

function spark(series) {
  const { width, height, edge } = SPARK;
  const known = series.filter(({ value }) => hasValue(value));
  const values = known.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const x = (index) => edge + (index / Math.max(1, series.length - 1)) * (width - 2 * edge);
  const y = (value) =>
    height - edge - ((value - least) / (most - least || 1)) * (height - 2 * edge);
  const points = series
    .map((item, index) => [item, index])
    .filter(([item]) => hasValue(item.value))
    .map(([item, index]) => [x(index), y(item.value)]);
  const last = points.at(-1);
  const years = series.map(({ year, value }) => `${year}: ${value ?? '—'}`).join(', ');
  return makeSvg(
    'svg',
    {
      class: 'spark',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      'aria-hidden': 'true',
      'data-years': years,
    },
    makeSvg('polyline', { points: points.map((point) => point.join(',')).join(' ') }),
    last ? makeSvg('circle', { cx: last[0], cy: last[1], r: 2.6 }) : null,
  );
}

// The rows behind a figure, the greatest first, in a window; onClose is called when it goes.
export function showRows(name, asked, onClose) {
  const body = make('tbody');
  const more = make('div', { class: 'more' });
  const note = make('p', { class: 'note', role: 'status' });
  let shown = 0;
  const load = async () => {
    try {
      const found = await get(`/api/overview/${name}`, { ...asked, limit: A_PAGE, offset: shown });
      shown += found.rows.length;
      body.append(...found.rows.map((row) => rowOf(name, row)));
      note.replaceChildren(coverage(found));
      more.replaceChildren(...moreOf(shown, found.numberMatched, load));
    } catch (error) {
      more.replaceChildren(errorState(error, load));
    }
  };
  const heads = [t('home.row'), t('home.park'), t(`home.figure_${name}`)];
  const node = openDialog(t(`home.figure_${name}`), () => [
    make(
      'div',
      { class: 'tools' },
      note,
      make('a', { class: 'button plain small', href: savedAt(name, asked), download: '' }, [
        t('home.save_rows'),
      ]),
    ),
    make(
      'div',
      { class: 'scroll kpi-rows', tabindex: '0', role: 'region', 'aria-label': t('home.rows') },
      make(
        'table',
        { class: 'table is-plain' },
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            heads.map((head, index) =>
              make('th', { scope: 'col', class: index === 2 ? 'number' : '' }, head),
            ),
          ),
        ),
        body,
      ),
    ),
    more,
  ]);
  node.addEventListener('close', onClose);
  load();
  return node;
}

function savedAt(name, asked) {
  const chosen = Object.entries({ ...asked, lang: start.lang }).filter(([, value]) => value);
  return `${start.root}/api/overview/${name}/export?${new URLSearchParams(chosen)}`;
}

function rowOf(name, row) {
  const written = name === 'enterprises' ? '' : WRITTEN[name](row.value);
  return make(
    'tr',
    { 'data-row': row.id },
    make('th', { scope: 'row' }, dataText(row.label), ' ', make('code', {}, row.id)),
    make('td', {}, make('a', { href: parkAddress(row.park_id) }, dataText(row.park))),
    make('td', { class: 'number' }, hasValue(row.value) ? written : t('home.figure_unknown')),
  );
}
