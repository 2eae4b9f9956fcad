// What the scores of the foremost candidates are made of, as a chart.
import { shorten } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { number } from '../amounts.js';
import {
  ACCENT,
  INK,
  LINE,
  MUTED,
  OTHERS,
  SUPPORTING,
  chart,
  plainText,
  tooltip,
} from '../chart.js';
import { t } from '../frame.js';
import { points } from './figures.js';

export const CHARTED = 8;

export function scoreOption(ranking) {
  const shown = ranking.candidates.slice(0, CHARTED).reverse();
  const palette = [ACCENT, ...SUPPORTING, ...OTHERS];
  return {
    legend: {
      type: 'scroll',
      top: 0,
      left: 0,
      itemWidth: 14,
      itemHeight: 10,
      textStyle: { color: MUTED },
      pageIconColor: ACCENT,
      pageTextStyle: { color: MUTED },
    },
    grid: { left: 8, right: 24, top: 34, bottom: 8, containLabel: true },
    xAxis: {
      type: 'value',
      min: 0,
      axisLabel: { color: MUTED, formatter: (value) => number(value) },
      splitLine: { lineStyle: { color: LINE } },
    },
    yAxis: {
      type: 'category',
      data: shown.map((item) =>
        plainText(`${item.rank}  ${shorten(item.candidate_id.replace(/^[a-z]+:/, ''), 26)}`),
      ),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: LINE } },
      axisLabel: { color: INK, width: 190, overflow: 'truncate' },
    },
    tooltip: {
      ...tooltip,
      trigger: 'item',
      formatter: (item) => `${item.name}\n${item.seriesName}  ${number(item.value)}`,
    },
    series: ranking.criteria.map((criterion, index) => ({
      name: plainText(criterion.label),
      type: 'bar',
      stack: 'score',
      barMaxWidth: 22,
      emphasis: { focus: 'series' },
      itemStyle: { color: palette[index % palette.length], borderColor: '#fff', borderWidth: 1 },
      data: shown.map((item) =>
        hasValue(item.criteria[criterion.name]?.contribution)
          ? item.criteria[criterion.name].contribution * 100
          : null,
      ),
    })),
  };
}

// The chart; none when the method has no contributions.
export function scoreChart(ranking) {
  const isTold = ranking.candidates.some((item) =>
    Object.values(item.criteria ?? {}).some((figures) => hasValue(figures.contribution)),
  );
  if (!isTold) {
    return null;
  }
  const shown = ranking.candidates.slice(0, CHARTED);
  return chart(scoreOption(ranking), {
    label: t('sites.scores'),
    height: 86 + shown.length * 34,
    head: [t('sites.candidate'), ...ranking.criteria.map((item) => item.label)],
    rows: shown.map((item) => [
      item.label,
      ...ranking.criteria.map((criterion) => points(item.criteria[criterion.name]?.contribution)),
    ]),
  });
}
