// How a park's total and its leading industry's share have gone over the years.
import { M2_PER_MU, hasValue } from '../../shared/format.js';
import { amount, count, percent } from '../amounts.js';
import { emptyState } from '../api.js';
import { ACCENT, INK, LINE, MUTED, asPercent, chart, tooltip } from '../chart.js';
import { t } from '../frame.js';
import { BASES } from './bases.js';

export function trendFigure({ trend, focus: { basis } }) {
  if (trend.length < 2) {
    return emptyState(t('park.no_trend'), { hint: t('park.no_trend_hint') });
  }
  const names = [
    t('park.total_of', { basis: t(`basis.${basis}`) }),
    t('park.share_by', { basis: t(`basis.${basis}`) }),
  ];
  const [scale, unit] = scaleOf(basis);
  const figure = chart(
    {
      grid: { left: 8, right: 12, top: 66, bottom: 8, containLabel: true },
      legend: {
        top: 0,
        left: 0,
        itemWidth: 16,
        itemHeight: 10,
        textStyle: { color: MUTED },
        data: names,
      },
      xAxis: yearAxis(trend),
      yAxis: valueAxes(unit),
      tooltip: { ...tooltip, trigger: 'axis', formatter: (items) => tip(items, trend, basis) },
      series: seriesOf(trend, basis, scale, names),
    },
    {
      label: t('park.trend'),
      height: 300,
      head: [t('park.year_head'), ...BASES.map((item) => t(`basis.${item}`)), names[1]],
      rows: trend.map((item) => [
        String(item.year),
        ...BASES.map((one) => amount(item.totals[one], one)),
        percent(item.leading_shares[basis]),
      ]),
    },
  );
  return figure.node;
}

// What a total is divided by, and the unit that it then has.
function scaleOf(basis) {
  return {
    output: [1e4, t('park.unit_wan')],
    land: [M2_PER_MU, t('park.unit_mu')],
    floor_area: [1, 'm²'],
    enterprises: [1, ''],
  }[basis];
}

function yearAxis(trend) {
  return {
    type: 'category',
    data: trend.map(({ year }) => String(year)),
    axisLine: { lineStyle: { color: LINE } },
    axisTick: { show: false },
    axisLabel: { color: INK },
  };
}

function valueAxes(unit) {
  return [
    {
      type: 'value',
      name: unit,
      nameTextStyle: { color: MUTED, align: 'left' },
      min: 0,
      axisLabel: { color: MUTED, formatter: (value) => count(value) },
      splitLine: { lineStyle: { color: LINE } },
    },
    {
      type: 'value',
      min: 0,
      max: 1,
      axisLabel: { color: MUTED, formatter: asPercent },
      splitLine: { show: false },
    },
  ];
}

function tip(items, trend, basis) {
  const figure = ({ seriesIndex, value, dataIndex }) =>
    seriesIndex ? percent(value) : amount(trend[dataIndex].totals[basis], basis);
  const lines = items.map((item) => `${item.seriesName}  ${figure(item)}`);
  return [items[0].axisValue, ...lines].join('\n');
}

function seriesOf(trend, basis, scale, names) {
  const [total, share] = names;
  return [
    {
      name: total,
      type: 'bar',
      barMaxWidth: 44,
      itemStyle: { color: '#c4d6e2', borderRadius: [3, 3, 0, 0] },
      data: trend.map(({ totals }) => (hasValue(totals[basis]) ? totals[basis] / scale : null)),
    },
    {
      name: share,
      type: 'line',
      yAxisIndex: 1,
      symbolSize: 8,
      lineStyle: { color: ACCENT, width: 2.4 },
      itemStyle: { color: ACCENT },
      label: {
        show: true,
        formatter: ({ value }) => percent(value),
        color: ACCENT,
        fontWeight: 600,
      },
      data: trend.map(({ leading_shares: shares }) => shares[basis]),
    },
  ];
}
