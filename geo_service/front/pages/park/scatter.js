// Enterprises by what a mu of their land gives: output across, taxes upward, a sign for each grade.
import { M2_PER_MU, hasValue } from '../../shared/format.js';
import { count, moneyPerMu } from '../amounts.js';
import { make } from '../../shared/dom.js';
import { ACCENT, INK, LINE, MUTED, chart, plainText, tooltip } from '../chart.js';
import { t } from '../frame.js';

const CNY_PER_10_000 = 1e4;
// Told apart by shape as well as by colour, the best grade first.
const GRADES = [
  ['A', 'circle', ACCENT],
  ['B', 'rect', '#4f93bd'],
  ['C', 'triangle', '#b8860b'],
  ['D', 'diamond', '#a12a1d'],
  ['', 'emptyCircle', '#7f8c97'],
];

/**
 * The figure, and how many enterprises are not on it; nothing when there are fewer than three.
 * @param {any} profile
 * @returns {HTMLElement | null}
 */
export function perMuFigure({ enterprises }) {
  const known = enterprises.filter(
    (item) => item.land_m2 > 0 && hasValue(item.output_cny) && hasValue(item.tax_cny),
  );
  if (known.length < 3) {
    return null;
  }
  const perMu = (item, key) => (item[key] / item.land_m2) * M2_PER_MU;
  const spots = known.map((item) => ({
    item,
    grade: item.grade ?? '',
    at: [perMu(item, 'output_cny'), perMu(item, 'tax_cny')],
  }));
  const figure = chart(optionOf(spots), {
    label: t('park.per_mu'),
    height: 300,
    head: [t('park.enterprise'), t('park.grade'), t('park.output_per_mu'), t('park.tax_per_mu')],
    rows: spots.map(({ item, grade, at }) => [item.name, grade || '—', ...at.map(moneyPerMu)]),
  });
  const left = enterprises.length - known.length;
  return make(
    'div',
    { class: 'per-mu' },
    make('h3', {}, t('park.per_mu')),
    figure.node,
    left ? make('p', { class: 'note' }, t('park.per_mu_left', { count: count(left) })) : null,
  );
}

function optionOf(spots) {
  const axis = (name) => ({
    type: 'value',
    name,
    nameLocation: 'middle',
    nameGap: 30,
    nameTextStyle: { color: MUTED },
    axisLabel: { color: INK },
    splitLine: { lineStyle: { color: LINE } },
  });
  const shown = GRADES.filter(([grade]) => spots.some((spot) => spot.grade === grade));
  return {
    grid: { left: 34, right: 18, top: 40, bottom: 34, containLabel: true },
    legend: { top: 0, left: 0, textStyle: { color: MUTED } },
    xAxis: axis(t('park.output_per_mu')),
    yAxis: { ...axis(t('park.tax_per_mu')), nameGap: 44 },
    tooltip: {
      ...tooltip,
      trigger: 'item',
      formatter: ({ data }) =>
        [plainText(data.name), ...data.told.map((value) => moneyPerMu(value))].join('\n'),
    },
    series: shown.map(([grade, symbol, color]) => ({
      type: 'scatter',
      name: grade ? t('park.grade_of', { grade }) : t('park.no_grade'),
      symbol,
      symbolSize: 11,
      itemStyle: { color, opacity: 0.85 },
      data: spots
        .filter((spot) => spot.grade === grade)
        .map(({ item, at }) => ({
          name: item.name,
          told: at,
          value: at.map((value) => value / CNY_PER_10_000),
        })),
    })),
  };
}
