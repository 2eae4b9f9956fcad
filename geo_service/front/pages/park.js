// One park: how it keeps to its leading industry, what is wrong, who is in it, what is free.
import { emptyState, errorState, get } from './api.js';
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
} from './chart.js';
import { dataText, make, makeSvg, shorten } from '../shared/dom.js';
import { pageHead, panel } from './parts.js';
import { findingList } from './findings.js';
import { M2_PER_MU, commaIn, isGiven } from '../shared/format.js';
import {
  amount,
  area,
  count,
  exact,
  hectares,
  money,
  number,
  percent,
  squareMetres,
  tenThousand,
} from './amounts.js';
import { has, page, printPage, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { WORST_FIRST, illustrativeMark, tierMark, verdictMark } from './marks.js';
import { table } from './table.js';

const BASES = ['output', 'land', 'floor_area', 'enterprises'];
const parkId = start.park_id;

function facts(pairs) {
  return make(
    'dl',
    { class: 'facts-grid' },
    pairs
      .filter(([, value]) => isGiven(value))
      .map(([name, value, under]) =>
        make(
          'div',
          {},
          make('dt', {}, name),
          make('dd', {}, value, under ? make('span', { class: 'under' }, under) : null),
        ),
      ),
  );
}

function industry(code, name) {
  return isGiven(code)
    ? make('span', {}, dataText(name), ' ', make('code', {}, dataText(code)))
    : null;
}

// ---- head ----

function head(park, profile) {
  const { focus, parcels } = profile;
  const free = ['vacant', 'idle'].reduce(
    (sum, status) => sum + (parcels.by_status[status]?.area_m2 ?? 0),
    0,
  );
  const floors = profile.buildings.flatMap((building) => building.floors);
  const vacant = floors.reduce((sum, floor) => sum + (floor.vacant_m2 ?? 0), 0);
  return panel(
    t('park.about'),
    { tools: [verdictMark(park.verdict)] },
    facts([
      [
        t('park.leading_industry'),
        industry(park.leading_industry, park.leading_industry_name),
        park.industry_group_name ? dataText(park.industry_group_name) : null,
      ],
      [
        t('park.speciality'),
        isGiven(profile.speciality) ? dataText(shorten(profile.speciality, 120)) : null,
      ],
      [
        t('park.top_industry'),
        industry(focus.top_industry, focus.top_industry_name),
        isGiven(focus.top_share) ? percent(focus.top_share) : null,
      ],
      [
        t('park.declared_area'),
        isGiven(park.declared_area_ha) ? area(park.declared_area_ha * 1e4) : null,
      ],
      [
        t('park.parcels'),
        parcels.count ? t('park.parcels_count', { count: count(parcels.count) }) : null,
        parcels.count ? make('span', {}, t('park.free_land'), ' ', area(free)) : null,
      ],
      [
        t('park.floors'),
        floors.length
          ? t('park.floors_count', {
              buildings: count(profile.buildings.length),
              floors: count(floors.length),
            })
          : null,
        floors.length ? t('park.free_floors', { area: squareMetres(vacant) }) : null,
      ],
      [
        t('park.enterprise_count'),
        count(focus.enterprise_count),
        focus.year ? t('park.year', { year: focus.year }) : null,
      ],
      [
        t('park.hhi'),
        isGiven(focus.hhi) ? number(focus.hhi) : null,
        isGiven(focus.location_quotient)
          ? t('park.quotient', { value: number(focus.location_quotient) })
          : null,
      ],
      [
        t('park.kinds'),
        park.park_kinds
          ? park.park_kinds
              .split(';')
              .map((kind) => (has(`park.kind_${kind}`) ? t(`park.kind_${kind}`) : kind))
              .join(commaIn(start.lang))
          : null,
      ],
      [
        t('park.host'),
        isGiven(park.host_park_id)
          ? make(
              'a',
              { href: page(`/parks/${encodeURIComponent(park.host_park_id)}`) },
              dataText(park.host_park_id),
            )
          : null,
      ],
      [
        t('park.source'),
        isGiven(park.source)
          ? make('span', { class: 'note' }, dataText(shorten(park.source, 160)))
          : null,
      ],
    ]),
  );
}

// ---- mix of industries ----

function mixFigure(profile) {
  const { mix, focus } = profile;
  if (!mix.entries.length)
    {return emptyState(t('park.no_enterprises'), { hint: t('park.no_enterprises_hint') });}
  const cards = make(
    'dl',
    { class: 'basis-cards' },
    BASES.map((basis) =>
      make(
        'div',
        { class: `basis-card${basis === focus.basis ? ' is-judged' : ''}` },
        make(
          'dt',
          {},
          t('park.by_basis', { basis: t(`basis.${basis}`) }),
          ' ',
          basis === focus.basis
            ? make('span', { class: 'chip is-current' }, t('park.judged'))
            : null,
        ),
        make(
          'dd',
          {},
          percent(focus.shares[basis]),
          make(
            'span',
            { class: 'under' },
            isGiven(focus.shares[basis])
              ? t('park.of_total', { total: amount(mix.totals[basis], basis) })
              : t('park.not_measured', { count: count(mix.missing[basis] ?? 0) }),
          ),
        ),
      ),
    ),
  );
  const shown = [...BASES].reverse();
  let [others, supporting] = [0, 0];
  const labelled = window.innerWidth <= 640 ? 0.2 : 0.09;
  const series = mix.entries.map((entry) => {
    const colour =
      {
        leading: () => ACCENT,
        supporting: () => SUPPORTING[supporting++ % SUPPORTING.length],
        uncoded: () => '#e3dcd2',
      }[entry.role]?.() ?? OTHERS[others++ % OTHERS.length];
    return {
      name: plainText(`${entry.code ?? ''} ${entry.name ?? t('park.uncoded')}`.trim()),
      type: 'bar',
      stack: 'mix',
      barWidth: 26,
      emphasis: { focus: 'series' },
      itemStyle: { color: colour, borderColor: '#fff', borderWidth: 1 },
      label: {
        show: true,
        color: ['leading'].includes(entry.role) ? '#fff' : INK,
        fontSize: 12,
        formatter: ({ value }) => (value >= labelled ? percent(value) : ''),
      },
      data: shown.map((basis) => entry.shares[basis]),
      markLine:
        entry.role === 'leading' && isGiven(profile.pass_share)
          ? {
              silent: true,
              symbol: 'none',
              lineStyle: { color: INK, type: 'dashed', width: 1.4 },
              label: {
                formatter: t('park.pass_line', { share: percent(profile.pass_share) }),
                color: INK,
                position: 'end',
                distance: 4,
              },
              data: [{ xAxis: profile.pass_share }],
            }
          : undefined,
    };
  });
  const label = t('park.mix');
  const figure = chart(
    {
      grid: { left: 8, right: 24, top: 26, bottom: 8, containLabel: true },
      xAxis: {
        type: 'value',
        min: 0,
        max: 1,
        axisLabel: { formatter: (value) => `${Math.round(value * 100)}%`, color: MUTED },
        splitLine: { lineStyle: { color: LINE } },
      },
      yAxis: {
        type: 'category',
        data: shown.map((basis) => t(`basis.${basis}`)),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: LINE } },
        axisLabel: { color: INK, fontSize: 13 },
      },
      tooltip: {
        ...tooltip,
        trigger: 'item',
        formatter: (item) => `${item.seriesName}\n${item.name}  ${percent(item.value)}`,
      },
      series,
    },
    {
      label,
      height: 240,
      head: [t('park.industry'), ...BASES.map((basis) => t(`basis.${basis}`))],
      rows: mix.entries.map((entry) => [
        `${t(`park.role_${entry.role}`)} ${entry.code ?? ''} ${entry.name ?? ''}`.trim(),
        ...BASES.map(
          (basis) => `${percent(entry.shares[basis])} (${amount(entry.amounts[basis], basis)})`,
        ),
      ]),
    },
  );
  const key = make(
    'ul',
    { class: 'legend mix-legend' },
    mix.entries
      .slice(0, 12)
      .map((entry, place) =>
        make(
          'li',
          {},
          swatch(series[place].itemStyle.color),
          dataText(shorten(`${entry.code ?? ''} ${entry.name ?? t('park.uncoded')}`.trim(), 40)),
          entry.role === 'leading'
            ? make('span', { class: 'chip is-current' }, t('park.role_leading'))
            : entry.role === 'supporting'
              ? make('span', { class: 'chip' }, t('park.role_supporting'))
              : null,
        ),
      ),
  );
  return [cards, figure.node, key];
}

function swatch(colour) {
  return makeSvg(
    'svg',
    { width: 14, height: 14, viewBox: '0 0 14 14', class: 'swatch', 'aria-hidden': 'true' },
    makeSvg('rect', { width: 14, height: 14, rx: 2, fill: colour }),
  );
}

// ---- over the years ----

function trendFigure(profile) {
  const { trend, focus } = profile;
  if (trend.length < 2) {return emptyState(t('park.no_trend'), { hint: t('park.no_trend_hint') });}
  const { basis } = focus;
  const years = trend.map(({ year }) => String(year));
  const [scale, unit] = {
    output: [1e4, t('park.unit_wan')],
    land: [M2_PER_MU, t('park.unit_mu')],
    floor_area: [1, 'm²'],
    enterprises: [1, ''],
  }[basis];
  const figure = chart(
    {
      grid: { left: 8, right: 12, top: 66, bottom: 8, containLabel: true },
      legend: {
        top: 0,
        left: 0,
        itemWidth: 16,
        itemHeight: 10,
        textStyle: { color: MUTED },
        data: [
          t('park.total_of', { basis: t(`basis.${basis}`) }),
          t('park.share_by', { basis: t(`basis.${basis}`) }),
        ],
      },
      xAxis: {
        type: 'category',
        data: years,
        axisLine: { lineStyle: { color: LINE } },
        axisTick: { show: false },
        axisLabel: { color: INK },
      },
      yAxis: [
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
          axisLabel: { color: MUTED, formatter: (value) => `${Math.round(value * 100)}%` },
          splitLine: { show: false },
        },
      ],
      tooltip: {
        ...tooltip,
        trigger: 'axis',
        formatter: (items) =>
          [
            items[0].axisValue,
            ...items.map(
              (item) =>
                `${item.seriesName}  ${item.seriesIndex ? percent(item.value) : amount(trend[item.dataIndex].totals[basis], basis)}`,
            ),
          ].join('\n'),
      },
      series: [
        {
          name: t('park.total_of', { basis: t(`basis.${basis}`) }),
          type: 'bar',
          barMaxWidth: 44,
          itemStyle: { color: '#c4d6e2', borderRadius: [3, 3, 0, 0] },
          data: trend.map(({ totals }) => (isGiven(totals[basis]) ? totals[basis] / scale : null)),
        },
        {
          name: t('park.share_by', { basis: t(`basis.${basis}`) }),
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
      ],
    },
    {
      label: t('park.trend'),
      height: 300,
      head: [
        t('park.year_head'),
        ...BASES.map((item) => t(`basis.${item}`)),
        t('park.share_by', { basis: t(`basis.${basis}`) }),
      ],
      rows: trend.map((item) => [
        String(item.year),
        ...BASES.map((one) => amount(item.totals[one], one)),
        percent(item.leading_shares[basis]),
      ]),
    },
  );
  return figure.node;
}

// ---- floors ----

function slab(floor) {
  const share =
    isGiven(floor.vacant_m2) && floor.area_m2 ? Math.min(1, floor.vacant_m2 / floor.area_m2) : null;
  const offers = [
    isGiven(floor.load_kn_m2) ? t('park.load', { value: exact(floor.load_kn_m2) }) : null,
    isGiven(floor.clear_height_m) ? t('park.height', { value: exact(floor.clear_height_m) }) : null,
    isGiven(floor.goods_lift_t) ? t('park.lift', { value: exact(floor.goods_lift_t) }) : null,
    isGiven(floor.fire_class) ? t('park.fire', { value: floor.fire_class }) : null,
  ].filter(Boolean);
  const state =
    share === null
      ? t('park.vacancy_unknown')
      : share > 0
        ? t('park.vacant', { area: squareMetres(floor.vacant_m2) })
        : t('park.let');
  return make(
    'li',
    { class: `floor${share ? ' is-vacant' : ''}` },
    make(
      'span',
      { class: 'floor-no' },
      make('span', { class: 'hidden-words' }, t('park.floor')),
      t('park.floor_no', { no: floor.floor_no }),
    ),
    make(
      'div',
      { class: 'slab' },
      makeSvg(
        'svg',
        { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
        makeSvg('rect', { width: 100, height: 10, class: 'slab-used' }),
        share ? makeSvg('rect', { width: share * 100, height: 10, class: 'slab-vacant' }) : null,
      ),
      make(
        'div',
        { class: 'slab-words' },
        make('strong', {}, state),
        make('span', {}, squareMetres(floor.area_m2)),
        make('span', {}, dataText(offers.join(' · '))),
      ),
    ),
  );
}

function building(item) {
  const total = item.floors.reduce((sum, floor) => sum + (floor.area_m2 ?? 0), 0);
  const vacant = item.floors.reduce((sum, floor) => sum + (floor.vacant_m2 ?? 0), 0);
  return make(
    'article',
    { class: 'building' },
    make('ol', { class: 'floors', reversed: true }, item.floors.map(slab)),
    make(
      'div',
      { class: 'building-head' },
      make('h3', {}, dataText(shorten(item.name ?? item.building_id, 60))),
      make(
        'span',
        { class: 'under' },
        t('park.building_total', { area: squareMetres(total), vacant: squareMetres(vacant) }),
      ),
    ),
  );
}

function floorsPanel(profile) {
  const stacked = profile.buildings
    .filter(({ floors }) => floors.length)
    .sort((one, other) => vacantOf(other) - vacantOf(one));
  if (!stacked.length) {return emptyState(t('park.no_floors'), { hint: t('park.no_floors_hint') });}
  const FIRST = 6;
  const place = make('div', { class: 'stacks' }, stacked.slice(0, FIRST).map(building));
  const more = make('div', { class: 'more' });
  if (stacked.length > FIRST) {
    more.append(
      make('span', {}, t('console.shown', { shown: FIRST, total: stacked.length })),
      make(
        'button',
        {
          type: 'button',
          class: 'button plain',
          click: () => {
            place.replaceChildren(...stacked.map(building));
            more.replaceChildren();
          },
        },
        t('console.show_more'),
      ),
    );
  }
  return [
    make(
      'p',
      { class: 'floor-key' },
      make('span', {}, make('i', {}), t('park.let')),
      make('span', {}, make('i', { class: 'is-vacant' }), t('park.vacant_key')),
      make('span', {}, t('park.floors_note')),
    ),
    place,
    more,
  ];
}

function vacantOf(item) {
  return item.floors.reduce((sum, floor) => sum + (floor.vacant_m2 ?? 0), 0);
}

// ---- enterprises ----

function enterprises(profile) {
  const roles = ['leading', 'supporting', 'other', 'uncoded'];
  const list = table(
    [
      {
        key: 'name',
        label: t('park.enterprise'),
        isHead: true,
        css: 'name',
        value: (item) => item.name,
        show: (item) =>
          make(
            'span',
            {},
            dataText(shorten(item.name, 60)),
            ' ',
            item.illustrative ? illustrativeMark() : null,
            make('span', { class: 'under' }, dataText(item.enterprise_id)),
          ),
      },
      {
        key: 'industry',
        label: t('park.industry'),
        value: (item) => item.industry_code,
        show: (item) =>
          make(
            'span',
            {},
            dataText(item.industry_name),
            make('span', { class: 'under' }, dataText(item.industry_code)),
          ),
      },
      {
        key: 'role',
        label: t('park.role'),
        value: (item) => roles.indexOf(item.role),
        show: (item) =>
          make(
            'span',
            { class: `chip${item.role === 'leading' ? ' is-current' : ''}` },
            t(`park.role_${item.role}`),
          ),
      },
      {
        key: 'output',
        label: t('park.output_wan'),
        css: 'number',
        isDownFirst: true,
        value: (item) => item.output_cny,
        show: (item) => tenThousand(item.output_cny),
      },
      {
        key: 'tax',
        label: t('park.tax_wan'),
        css: 'number',
        isDownFirst: true,
        value: (item) => item.tax_cny,
        show: (item) => tenThousand(item.tax_cny),
      },
      {
        key: 'land',
        label: t('basis.land'),
        css: 'number',
        isDownFirst: true,
        value: (item) => item.land_m2,
        show: (item) => (item.land_m2 ? area(item.land_m2) : isGiven(item.land_m2) ? '0' : '—'),
      },
      {
        key: 'floor',
        label: t('park.floor_area_m2'),
        css: 'number',
        isDownFirst: true,
        value: (item) => item.floor_m2,
        show: (item) => count(item.floor_m2),
      },
      {
        key: 'status',
        label: t('park.status'),
        value: (item) => item.status,
        show: (item) => (has(`park.status_${item.status}`) ? t(`park.status_${item.status}`) : '—'),
      },
      {
        key: 'grade',
        label: t('park.grade'),
        css: 'number',
        value: (item) => item.grade,
        show: (item) => item.grade ?? '—',
      },
    ],
    {
      caption: t('park.enterprises'),
      rowId: (item) => item.enterprise_id,
      sort: ['output', true],
      empty: () => emptyState(t('park.no_enterprises')),
    },
  );
  list.update(profile.enterprises);
  return list.node;
}

// ---- the page ----

async function load() {
  try {
    const [feature, profile] = await Promise.all([
      get(`/api/parks/${encodeURIComponent(parkId)}`),
      get(`/api/parks/${encodeURIComponent(parkId)}/profile`),
    ]);
    draw(feature.properties, profile);
  } catch (error) {
    showPage(pageHead(t('console.park_title')), errorState(error, load));
  }
}

function draw(park, profile) {
  const map = mapFrame('/maps/park', { park_id: parkId }, t('park.map'), {
    onSelected: (layer, id) => layer === 'findings' && list.choose(id, { isFromMap: true }),
  });
  const list = findingList({
    ruleTitle: (finding) => finding.rule_title,
    parkName: () => null,
    onSelect: (finding) => finding && map.select('findings', finding.finding_id),
    showMap: () => map.node.scrollIntoView({ block: 'center' }),
  });
  const worst = [...profile.findings].sort(
    (one, other) =>
      Boolean(one.waived) - Boolean(other.waived) ||
      WORST_FIRST.indexOf(one.verdict) - WORST_FIRST.indexOf(other.verdict),
  );
  list.update(worst);
  setTitle(shorten(park.name, 60));
  showPage(
    pageHead(dataText(shorten(park.name, 120)), {
      above: make(
        'nav',
        { class: 'crumb', 'aria-label': t('park.crumb') },
        make('a', { href: page('/') }, t('console.nav_home')),
        make('span', { 'aria-hidden': 'true' }, '/'),
        tierMark(park.tier),
        park.township ? make('span', {}, dataText(park.township)) : null,
        make('code', {}, dataText(park.park_id)),
        park.illustrative ? illustrativeMark() : null,
      ),
      tools: [
        make(
          'a',
          {
            class: 'button plain',
            href: page(
              `/reviews/${encodeURIComponent(start.review_id)}?park=${encodeURIComponent(parkId)}`,
            ),
          },
          t('park.in_review'),
        ),
        make(
          'button',
          { type: 'button', class: 'button plain', click: printPage },
          t('console.print'),
        ),
      ],
    }),
    head(park, profile),
    make(
      'div',
      { class: 'grid-2 park-figures' },
      panel(t('park.mix'), { note: t('park.mix_note') }, mixFigure(profile)),
      panel(t('park.trend'), { note: t('park.trend_note') }, trendFigure(profile)),
    ),
    make(
      'div',
      { class: 'review-grid' },
      panel(
        t('park.findings'),
        {
          note: profile.findings.length
            ? t('park.findings_count', { count: count(profile.findings.length) })
            : null,
        },
        profile.findings.length
          ? list.node
          : emptyState(t('park.no_findings'), { hint: t('park.no_findings_hint') }),
      ),
      map.panel(),
    ),
    panel(t('park.floors_title'), {}, floorsPanel(profile)),
    panel(
      t('park.enterprises'),
      {
        note: profile.focus.year ? t('park.enterprises_note', { year: profile.focus.year }) : null,
      },
      enterprises(profile),
    ),
  );
}

load();
