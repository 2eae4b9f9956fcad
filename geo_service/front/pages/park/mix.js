// The mix of a park's industries, by each basis.
import { dataText, make, makeSvg, shorten } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { amount, count, percent } from '../amounts.js';
import { emptyState } from '../api.js';
import {
  ACCENT,
  INK,
  LINE,
  MUTED,
  OTHERS,
  SUPPORTING,
  asPercent,
  chart,
  plainText,
  tooltip,
} from '../chart.js';
import { t } from '../frame.js';
import { BASES } from './bases.js';

const UNCODED_COLOUR = '#e3dcd2';
const IN_THE_KEY = 12;
const SHOWN = [...BASES].reverse();

export function mixFigure(profile) {
  const { entries } = profile.mix;
  if (!entries.length) {
    return emptyState(t('park.no_enterprises'), { hint: t('park.no_enterprises_hint') });
  }
  const colours = coloursOf(entries);
  const figure = chart(
    {
      grid: { left: 8, right: 24, top: 26, bottom: 8, containLabel: true },
      xAxis: {
        type: 'value',
        min: 0,
        max: 1,
        axisLabel: { formatter: asPercent, color: MUTED },
        splitLine: { lineStyle: { color: LINE } },
      },
      yAxis: {
        type: 'category',
        data: SHOWN.map((basis) => t(`basis.${basis}`)),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: LINE } },
        axisLabel: { color: INK, fontSize: 13 },
      },
      tooltip: {
        ...tooltip,
        trigger: 'item',
        formatter: (item) => `${item.seriesName}\n${item.name}  ${percent(item.value)}`,
      },
      series: entries.map((entry, index) => seriesOf(entry, colours[index], profile.pass_share)),
    },
    {
      label: t('park.mix'),
      height: 240,
      head: [t('park.industry'), ...BASES.map((basis) => t(`basis.${basis}`))],
      rows: entries.map(tableRow),
    },
  );
  return [basisCards(profile), figure.node, keyOf(entries, colours)];
}

function nameOf(entry) {
  return `${entry.code ?? ''} ${entry.name ?? t('park.uncoded')}`.trim();
}

function coloursOf(entries) {
  let [others, supporting] = [0, 0];
  return entries.map(({ role }) => {
    if (role === 'leading') {
      return ACCENT;
    }
    if (role === 'uncoded') {
      return UNCODED_COLOUR;
    }
    return role === 'supporting'
      ? SUPPORTING[supporting++ % SUPPORTING.length]
      : OTHERS[others++ % OTHERS.length];
  });
}

function seriesOf(entry, color, passShare) {
  const labelledFrom = window.innerWidth <= 640 ? 0.2 : 0.09;
  const isLeading = entry.role === 'leading';
  return {
    name: plainText(nameOf(entry)),
    type: 'bar',
    stack: 'mix',
    barWidth: 26,
    emphasis: { focus: 'series' },
    itemStyle: { color, borderColor: '#fff', borderWidth: 1 },
    label: {
      show: true,
      color: isLeading ? '#fff' : INK,
      fontSize: 12,
      formatter: ({ value }) => (value >= labelledFrom ? percent(value) : ''),
    },
    data: SHOWN.map((basis) => entry.shares[basis]),
    markLine: isLeading && hasValue(passShare) ? passLine(passShare) : undefined,
  };
}

function passLine(share) {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: INK, type: 'dashed', width: 1.4 },
    label: {
      formatter: t('park.pass_line', { share: percent(share) }),
      color: INK,
      position: 'end',
      distance: 4,
    },
    data: [{ xAxis: share }],
  };
}

function tableRow(entry) {
  return [
    `${t(`park.role_${entry.role}`)} ${entry.code ?? ''} ${entry.name ?? ''}`.trim(),
    ...BASES.map(
      (basis) => `${percent(entry.shares[basis])} (${amount(entry.amounts[basis], basis)})`,
    ),
  ];
}

function basisCards(profile) {
  return make(
    'dl',
    { class: 'basis-cards' },
    BASES.map((basis) => basisCard(basis, profile)),
  );
}

function basisCard(basis, { mix, focus }) {
  const share = focus.shares[basis];
  const isJudged = basis === focus.basis;
  const under = hasValue(share)
    ? t('park.of_total', { total: amount(mix.totals[basis], basis) })
    : t('park.not_measured', { count: count(mix.missing[basis] ?? 0) });
  return make(
    'div',
    { class: `basis-card${isJudged ? ' is-judged' : ''}` },
    make(
      'dt',
      {},
      t('park.by_basis', { basis: t(`basis.${basis}`) }),
      ' ',
      isJudged ? make('span', { class: 'chip is-current' }, t('park.judged')) : null,
    ),
    make('dd', {}, percent(share), make('span', { class: 'under' }, under)),
  );
}

function keyOf(entries, colours) {
  const lines = entries
    .slice(0, IN_THE_KEY)
    .map((entry, index) =>
      make(
        'li',
        {},
        swatch(colours[index]),
        dataText(shorten(nameOf(entry), 40)),
        roleMark(entry.role),
      ),
    );
  return make('ul', { class: 'legend mix-legend' }, lines);
}

function roleMark(role) {
  if (role !== 'leading' && role !== 'supporting') {
    return null;
  }
  const css = role === 'leading' ? 'chip is-current' : 'chip';
  return make('span', { class: css }, t(`park.role_${role}`));
}

function swatch(colour) {
  return makeSvg(
    'svg',
    { width: 14, height: 14, viewBox: '0 0 14 14', class: 'swatch', 'aria-hidden': 'true' },
    makeSvg('rect', { width: 14, height: 14, rx: 2, fill: colour }),
  );
}
