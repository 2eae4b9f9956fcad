// Where a project fits: the form, the ranking that follows the weights at once, why each
// candidate stands where it does, candidates side by side, and what is excluded and why.
import { ask, emptyState, errorState, fillWith, get, loadingState } from './api.js';
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
import { dataText, make, shorten } from '../shared/dom.js';
import { button, later, pageHead, panel, select } from './parts.js';
import { isGiven } from '../shared/format.js';
import { area, count, moneyPerMu, number, percent, squareMetres, time } from './amounts.js';
import { page, parkAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { run } from './jobs.js';
import { mapFrame } from './mapframe.js';
import { illustrativeMark, verdictMark } from './marks.js';
import { projectForm } from './projectform.js';
import { table } from './table.js';

const MOST_COMPARED = 4;
const CHARTED = 8;
const DOWNLOADS = ['xlsx', 'geojson', 'json'];
const UNIT_NAMES = {
  min: 'minutes',
  enterprises: 'enterprises',
  parks: 'parks',
  '°': 'degrees',
  '%': 'percent',
};
const results = make('div', { class: 'stack', id: 'results' });
let form = null;

function rankingPath(rankingId) {
  return `/api/rankings/${encodeURIComponent(rankingId)}`;
}

// A criterion's value in its unit; what cannot be reached and what is missing are said.
function raw(figures) {
  if (!figures) {return '—';}
  if (figures.is_unreachable) {return t('sites.unreachable');}
  if (!isGiven(figures.raw)) {return t('sites.no_data');}
  const { raw: value, unit } = figures;
  if (unit === 'share') {return percent(value);}
  if (unit === 'share_change') {return t('sites.in_points', { value: number(value * 100) });}
  if (unit === 'm²') {return squareMetres(value);}
  if (unit === 'CNY/mu') {return moneyPerMu(value);}
  if (unit === '1' || unit === 'grade') {return number(value);}
  const name = UNIT_NAMES[unit];
  return name
    ? t(`sites.in_${name}`, { value: number(value) })
    : `${number(value)} ${unit ?? ''}`.trim();
}

// A score between 0 and 1 on a scale of a hundred.
function points(value) {
  return isGiven(value) ? number(value * 100) : '—';
}

function stability(candidate) {
  const { first, in_top3: top3 } = candidate.stability ?? {};
  return isGiven(first)
    ? make(
        'span',
        {},
        percent(first),
        isGiven(top3)
          ? make('span', { class: 'under' }, t('sites.top3', { share: percent(top3) }))
          : null,
      )
    : '—';
}

function effect(candidate) {
  const found = candidate.focus_effect;
  if (!found) {return '—';}
  return make(
    'span',
    {},
    make(
      'span',
      { class: 'amount' },
      `${percent(found.before.share)} → ${percent(found.after.share)}`,
    ),
    make('span', { class: 'under' }, verdictMark(found.after.verdict)),
  );
}

// ---- a ranking on show ----

function show(first) {
  let now = first;
  const before = new Map(first.candidates.map((item) => [item.candidate_id, item.rank]));
  const compared = new Set();
  let selected = null;

  // What the ranking on show is weighed by; null while it is the kept one.
  let weighing = null;
  const weighed = () =>
    weighing ? { weights: JSON.stringify(weighing.weights), method: weighing.method } : {};

  const map = mapFrame('/maps/ranking', { ranking_id: first.ranking_id }, t('sites.map'), {
    onSelected: (layer, id) =>
      layer === 'candidates' && id !== null && choose(id, { isFromMap: true }),
  });
  const columns = [
    {
      key: 'rank',
      label: t('sites.rank_no'),
      css: 'nowrap',
      value: (item) => item.rank,
      show: (item) =>
        make(
          'span',
          {},
          make('span', { class: `rank-no${item.rank === 1 ? ' is-first' : ''}` }, count(item.rank)),
          moved(item),
        ),
    },
    {
      key: 'label',
      label: t('sites.candidate'),
      isHead: true,
      css: 'name',
      value: (item) => item.label,
      show: (item) =>
        make(
          'span',
          {},
          make(
            'button',
            { type: 'button', class: 'link', click: () => choose(item.candidate_id) },
            dataText(shorten(item.label, 90)),
          ),
          ' ',
          item.illustrative ? illustrativeMark() : null,
          item.unknowns?.length
            ? make('span', { class: 'chip is-changed' }, t('sites.has_unknowns'))
            : null,
          make(
            'span',
            { class: 'under' },
            t(`sites.candidate_${item.kind}`),
            ' · ',
            dataText(shorten(item.candidate_id, 60)),
          ),
        ),
    },
    {
      key: 'area',
      label: t('sites.area'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.area_m2,
      show: (item) => (item.kind === 'floors' ? squareMetres(item.area_m2) : area(item.area_m2)),
    },
    {
      key: 'score',
      label: t('sites.score'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.score,
      show: (item) => make('strong', {}, points(item.score)),
    },
    {
      key: 'stability',
      label: t('sites.stability'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.stability?.first,
      show: stability,
    },
    {
      key: 'effect',
      label: t('sites.effect'),
      value: (item) => item.focus_effect?.after?.share,
      show: effect,
    },
    {
      key: 'compare',
      label: t('sites.compare'),
      show: (item) =>
        make(
          'label',
          { class: 'check' },
          make('input', {
            type: 'checkbox',
            checked: compared.has(item.candidate_id),
            disabled: !compared.has(item.candidate_id) && compared.size >= MOST_COMPARED,
            'aria-label': t('sites.compare_one', { label: shorten(item.label, 60) }),
            change: (event) => compareOne(item.candidate_id, event.target.checked),
          }),
        ),
    },
  ];
  const list = table(columns, {
    caption: t('sites.ranking'),
    rowId: (item) => item.candidate_id,
    atATime: 10,
    isGrownKept: true,
    onRow: (item) => choose(item.candidate_id),
    empty: () => emptyState(t('sites.no_candidates'), { hint: t('sites.no_candidates_hint') }),
  });
  const explanation = make('div', { id: 'explanation', tabindex: '-1' });
  const sideBySide = make('div', { class: 'side-by-side' });
  const status = make('p', { class: 'note', role: 'status' });
  const bars = scoreChart(now);

  function moved(item) {
    const change = (before.get(item.candidate_id) ?? item.rank) - item.rank;
    if (!change) {return null;}
    return make(
      'span',
      { class: `rank-move ${change > 0 ? 'is-up' : 'is-down'}` },
      make('span', { 'aria-hidden': 'true' }, change > 0 ? `↑${change}` : `↓${-change}`),
      make(
        'span',
        { class: 'hidden-words' },
        t(change > 0 ? 'sites.moved_up' : 'sites.moved_down', { count: Math.abs(change) }),
      ),
    );
  }

  function draw() {
    list.update(now.candidates);
    if (selected !== null) {list.select(selected);}
    bars?.set(scoreOption(now));
    drawCompared();
  }

  function choose(candidateId, { isFromMap = false } = {}) {
    selected = candidateId;
    list.select(candidateId);
    if (!isFromMap) {map.select('candidates', candidateId);}
    explain();
  }

  function explain() {
    const candidate = now.candidates.find((item) => item.candidate_id === selected);
    if (!candidate) {
      explanation.replaceChildren(
        emptyState(t('sites.choose_one'), { hint: t('sites.choose_one_hint'), sign: 'pin' }),
      );
      return;
    }
    fillWith(explanation, async () => {
      const found = await get(`${rankingPath(first.ranking_id)}/explanation`, {
        candidate: candidate.candidate_id,
        ...weighed(),
      });
      const summary = [found.summary].flat();
      return make(
        'div',
        {},
        make(
          'h3',
          {},
          make(
            'span',
            { class: `rank-no${candidate.rank === 1 ? ' is-first' : ''}` },
            count(candidate.rank),
          ),
          ' ',
          dataText(shorten(candidate.label, 120)),
        ),
        candidate.park_id
          ? make(
              'p',
              { class: 'finding-links no-print' },
              make('a', { href: parkAddress(candidate.park_id) }, t('sites.open_park')),
            )
          : null,
        make(
          'div',
          { class: 'explain' },
          make(
            'div',
            {},
            summary.map((text) => make('p', { class: 'cure' }, dataText(text))),
            make(
              'ul',
              {},
              found.sentences.map(({ text }) => make('li', {}, dataText(text))),
            ),
            unknowns(candidate),
          ),
          figuresOf(candidate),
        ),
      );
    });
  }

  function unknowns(candidate) {
    if (!candidate.unknowns?.length) {return null;}
    return make(
      'div',
      {},
      make('h4', {}, t('sites.unknowns')),
      make(
        'ul',
        { class: 'reasons' },
        candidate.unknowns.map((item) =>
          make('li', {}, dataText(typeof item === 'string' ? item : item.detail)),
        ),
      ),
    );
  }

  function figuresOf(candidate) {
    return make(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('sites.figures') },
      make(
        'table',
        { class: 'table is-plain' },
        make('caption', { class: 'hidden-words' }, t('sites.figures')),
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            [
              t('sites.criterion'),
              t('sites.raw'),
              t('sites.normalised'),
              t('sites.weight'),
              t('sites.contribution'),
            ].map((text, place) =>
              make('th', { scope: 'col', class: place ? 'number' : '' }, text),
            ),
          ),
        ),
        make(
          'tbody',
          {},
          first.criteria.map((item) => {
            const figures = candidate.criteria[item.name];
            return make(
              'tr',
              {},
              make('th', { scope: 'row' }, dataText(item.label)),
              [
                raw(figures),
                points(figures?.normalised),
                percent(figures?.weight),
                points(figures?.contribution),
              ].map((text) => make('td', { class: 'number' }, text)),
            );
          }),
        ),
      ),
    );
  }

  // ---- side by side ----
  function compareOne(candidateId, isChosen) {
    if (isChosen) {compared.add(candidateId);}
    else {compared.delete(candidateId);}
    draw();
    const box = list.node.querySelector(`[data-id="${CSS.escape(candidateId)}"] input`);
    box?.focus();
  }

  function drawCompared() {
    const chosen = now.candidates.filter((item) => compared.has(item.candidate_id));
    if (chosen.length < 2) {
      sideBySide.replaceChildren(
        emptyState(t('sites.compare_none'), {
          hint: t('sites.compare_none_hint', { most: MOST_COMPARED }),
        }),
      );
      return;
    }
    // The best of a line, and what reads the same; nobody where all read the same.
    const bestOf = (item) => {
      const worth = (one) => one.criteria[item.name]?.normalised ?? -Infinity;
      const best = raw(
        [...chosen].sort((one, other) => worth(other) - worth(one))[0].criteria[item.name],
      );
      const alike = chosen.filter((one) => raw(one.criteria[item.name]) === best);
      return new Set(alike.length < chosen.length ? alike : []);
    };
    const line = (name, cells) => make('tr', {}, make('th', { scope: 'row' }, name), cells);
    sideBySide.replaceChildren(
      make(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('sites.side_by_side') },
        make(
          'table',
          { class: 'table' },
          make('caption', { class: 'hidden-words' }, t('sites.side_by_side')),
          make(
            'thead',
            {},
            make(
              'tr',
              {},
              make('th', { scope: 'col' }, t('sites.criterion')),
              chosen.map((item) => make('th', { scope: 'col' }, dataText(shorten(item.label, 60)))),
            ),
          ),
          make(
            'tbody',
            {},
            line(
              t('sites.rank_no'),
              chosen.map((item) =>
                make(
                  'td',
                  {},
                  make(
                    'span',
                    { class: `rank-no${item.rank === 1 ? ' is-first' : ''}` },
                    count(item.rank),
                  ),
                ),
              ),
            ),
            line(
              t('sites.score'),
              chosen.map((item) => make('td', {}, points(item.score))),
            ),
            line(
              t('sites.area'),
              chosen.map((item) =>
                make(
                  'td',
                  {},
                  item.kind === 'floors' ? squareMetres(item.area_m2) : area(item.area_m2),
                ),
              ),
            ),
            line(
              t('sites.stability'),
              chosen.map((item) => make('td', {}, stability(item))),
            ),
            line(
              t('sites.effect'),
              chosen.map((item) => make('td', {}, effect(item))),
            ),
            first.criteria.map((item) => {
              const best = bestOf(item);
              return line(
                dataText(item.label),
                chosen.map((one) =>
                  make(
                    'td',
                    { class: best.has(one) ? 'is-best' : '' },
                    raw(one.criteria[item.name]),
                    make(
                      'span',
                      { class: 'under' },
                      t('sites.points', { value: points(one.criteria[item.name]?.normalised) }),
                    ),
                  ),
                ),
              );
            }),
          ),
        ),
      ),
    );
  }

  // ---- weights ----
  let asked = 0;
  let stop = null;
  const sliders = new Map();
  const reweigh = later(async () => {
    asked += 1;
    const own = asked;
    stop?.abort();
    stop = new AbortController();
    const weights = Object.fromEntries(
      [...sliders].map(([name, { input }]) => [name, Number(input.value)]),
    );
    if (!Object.values(weights).some((value) => value > 0)) {
      status.textContent = t('sites.weights_zero');
      return;
    }
    try {
      const { document } = await ask(`${rankingPath(first.ranking_id)}/weights`, {
        method: 'POST',
        body: { weights, method: methodSelect.value || undefined },
        signal: stop.signal,
      });
      if (own !== asked) {return;}
      now = document;
      weighing = { weights, method: document.method };
      for (const [name, { output }] of sliders)
        {output.textContent = percent(document.weights[name]);}
      status.textContent = t('sites.reweighed', {
        label: shorten(document.candidates[0]?.label ?? '—', 80),
      });
      draw();
      follow();
    } catch (error) {
      if (error.name !== 'AbortError') {status.replaceChildren(errorState(error, reweigh));}
    }
  }, 40);
  // What is slower than the table follows once the slider rests: reasons, map, addresses.
  const follow = later(() => {
    keep.hidden = !weighing;
    for (const [format, link] of links) {link.href = exportPath(format);}
    map.refresh('candidates', weighed());
    explain();
  }, 300);
  const most = Math.max(40, ...Object.values(first.weights).map((value) => Math.ceil(value * 200)));
  for (const item of first.criteria) {
    const input = make('input', {
      type: 'range',
      min: 0,
      max: most,
      step: 0.5,
      id: `weight-${sliders.size}`,
      value: first.weights[item.name] * 100,
      input: reweigh,
    });
    sliders.set(item.name, {
      input,
      output: make('output', { for: input.id }, percent(first.weights[item.name])),
    });
  }
  const methodSelect = select(
    ['weighted_sum', 'topsis', 'vikor', 'promethee_ii'].map((item) => [
      item,
      t(`sites.${item}_method`),
    ]),
    { value: first.method, change: reweigh, id: 'method-now' },
  );
  const reset = button(
    t('sites.weights_reset'),
    () => {
      for (const [name, { input, output }] of sliders) {
        input.value = first.weights[name] * 100;
        output.textContent = percent(first.weights[name]);
      }
      methodSelect.value = first.method;
      asked += 1;
      stop?.abort();
      now = first;
      weighing = null;
      status.textContent = '';
      draw();
      follow();
    },
    { kind: 'plain small' },
  );
  const keep = button(
    t('sites.weights_keep'),
    async () => {
      keep.disabled = true;
      try {
        const { document } = await ask(`${rankingPath(first.ranking_id)}/run`, {
          method: 'POST',
          body: weighing,
        });
        open(document.ranking_id);
      } catch (error) {
        keep.disabled = false;
        status.replaceChildren(errorState(error));
      }
    },
    { kind: 'plain small', hidden: true },
  );
  const weightPanel = panel(
    t('sites.weights'),
    {
      note: t('sites.weights_note'),
      className: 'is-weights no-print',
      tools: [
        make('label', { for: 'method-now', class: 'hidden-words' }, t('sites.method_label')),
        methodSelect,
        reset,
        keep,
      ],
    },
    make(
      'div',
      { class: 'weights' },
      first.criteria.map((item) =>
        make(
          'div',
          { class: 'weight' },
          make('label', { for: sliders.get(item.name).input.id }, dataText(item.label)),
          sliders.get(item.name).output,
          sliders.get(item.name).input,
        ),
      ),
    ),
    status,
  );

  const isEmpty = !first.candidates.length;
  const exportPath = (format) =>
    `${start.root}${rankingPath(first.ranking_id)}/export?${new URLSearchParams({ format, lang: start.lang, ...weighed() })}`;
  const links = DOWNLOADS.map((format) => [
    format,
    make('a', { href: exportPath(format), download: '' }, t(`sites.export_${format}`)),
  ]);
  const downloads = make(
    'details',
    { class: 'menu-list no-print' },
    make('summary', { class: 'button plain' }, t('console.download')),
    make(
      'ul',
      {},
      links.map(([, link]) => make('li', {}, link)),
    ),
  );
  results.replaceChildren(
    ...[
      panel(
        t('sites.result', { name: shorten(first.project.name, 60) }),
        {
          note: t('sites.result_note', {
            candidates: count(first.candidates_count ?? first.candidates.length),
            excluded: count(first.excluded.length),
            method: t(`sites.${first.method}_method`),
            day: first.as_of ?? start.as_of,
          }),
          tools: downloads,
          className: 'is-result',
        },
        first.notes.length
          ? make(
              'ul',
              { class: 'callouts' },
              first.notes.map((text) => make('li', {}, dataText(text))),
            )
          : null,
        isEmpty ? list.node : null,
      ),
      isEmpty ? null : weightPanel,
      isEmpty ? null : panel(t('sites.ranking'), { note: t('sites.ranking_note') }, list.node),
      isEmpty ? null : panel(t('sites.explanation'), {}, explanation),
      map.panel(),
      isEmpty || !bars
        ? null
        : panel(
            t('sites.scores'),
            { note: t('sites.scores_note', { count: Math.min(CHARTED, first.candidates.length) }) },
            bars.node,
          ),
      isEmpty
        ? null
        : panel(
            t('sites.side_by_side'),
            { note: t('sites.side_by_side_note', { most: MOST_COMPARED }) },
            sideBySide,
          ),
      first.nearest_misses?.length && isEmpty
        ? panel(
            t('sites.misses'),
            { note: t('sites.misses_note') },
            exclusions(first.nearest_misses, t('sites.misses')),
          )
        : null,
      panel(
        t('sites.excluded'),
        { note: t('sites.excluded_note', { count: count(first.excluded.length) }) },
        first.excluded.length
          ? exclusions(first.excluded, t('sites.excluded'))
          : emptyState(t('sites.none_excluded')),
      ),
    ].filter(Boolean),
  );
  draw();
  explain();
  if (first.candidates.length) {choose(first.candidates[0].candidate_id);}
}

function exclusions(items, caption) {
  const list = table(
    [
      {
        key: 'label',
        label: t('sites.candidate'),
        isHead: true,
        css: 'name',
        value: (item) => item.label,
        show: (item) =>
          make(
            'span',
            {},
            dataText(shorten(item.label ?? item.candidate_id, 90)),
            make('span', { class: 'under' }, dataText(shorten(item.candidate_id, 60))),
          ),
      },
      {
        key: 'reasons',
        label: t('sites.reasons'),
        show: (item) =>
          make(
            'ul',
            { class: 'reasons' },
            item.reasons.map((reason) =>
              make(
                'li',
                {},
                dataText(reason.detail),
                ' ',
                reason.rule_id ? make('code', {}, reason.rule_id) : null,
                reason.cure
                  ? make(
                      'span',
                      { class: 'under' },
                      t('finding_words.cure'),
                      ' ',
                      dataText(reason.cure),
                    )
                  : null,
                reason.legal_basis
                  ? make(
                      'span',
                      { class: 'under' },
                      dataText(
                        [
                          reason.legal_basis.document,
                          reason.legal_basis.number,
                          reason.legal_basis.article,
                        ]
                          .filter(Boolean)
                          .join(' · '),
                      ),
                    )
                  : null,
              ),
            ),
          ),
      },
    ],
    { caption, rowId: (item) => item.candidate_id, atATime: 10 },
  );
  list.update(items);
  return list.node;
}

// ---- what scores are made of ----

function scoreOption(ranking) {
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
    series: ranking.criteria.map((criterion, place) => ({
      name: plainText(criterion.label),
      type: 'bar',
      stack: 'score',
      barMaxWidth: 22,
      emphasis: { focus: 'series' },
      itemStyle: { color: palette[place % palette.length], borderColor: '#fff', borderWidth: 1 },
      data: shown.map((item) =>
        isGiven(item.criteria[criterion.name]?.contribution)
          ? item.criteria[criterion.name].contribution * 100
          : null,
      ),
    })),
  };
}

function scoreChart(ranking) {
  const isTold = ranking.candidates.some((item) =>
    Object.values(item.criteria ?? {}).some((figures) => isGiven(figures.contribution)),
  );
  if (!isTold) {return null;}
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

// ---- the page ----

async function submit(project) {
  form.setBusy(true);
  const made = await run(results, '/api/rankings', { body: project }, () => submit(project));
  form.setBusy(false);
  if (!made) {
    results.scrollIntoView({ block: 'start' });
    return;
  }
  window.history.replaceState(
    null,
    '',
    page(`/sites?ranking=${encodeURIComponent(made.ranking_id)}`),
  );
  show(made);
  if (window.innerWidth <= 1180) {results.scrollIntoView({ block: 'start' });}
}

function earlier(rankings) {
  if (!rankings.length) {return null;}
  return select(
    [
      ['', t('sites.earlier')],
      ...rankings.map((item) => [
        item.ranking_id,
        `${time(item.made_at)} · ${shorten(item.project?.name ?? item.ranking_id, 30)}`,
      ]),
    ],
    {
      'aria-label': t('sites.earlier'),
      change: (event) => {
        if (event.target.value) {open(event.target.value);}
      },
    },
  );
}

async function open(rankingId) {
  results.replaceChildren(loadingState());
  try {
    const found = await get(rankingPath(rankingId));
    form.fill(found.project);
    window.history.replaceState(null, '', page(`/sites?ranking=${encodeURIComponent(rankingId)}`));
    show(found);
  } catch (error) {
    results.replaceChildren(errorState(error, () => open(rankingId)));
  }
}

async function load() {
  try {
    const [schema, { rankings }] = await Promise.all([
      get('/api/project-schema'),
      get('/api/rankings', { limit: 30 }),
    ]);
    form = projectForm(schema, submit);
    setTitle(t('console.sites_title'));
    results.replaceChildren(
      make(
        'div',
        { class: 'panel' },
        emptyState(t('sites.start'), { hint: t('sites.start_hint'), sign: 'pin' }),
        make(
          'ol',
          { class: 'steps' },
          ['exclude', 'score', 'decide'].map((step, place) =>
            make(
              'li',
              {},
              make('span', { class: 'rank-no' }, String(place + 1)),
              make(
                'div',
                {},
                make('h3', {}, t(`sites.step_${step}`)),
                make('p', { class: 'note' }, t(`sites.step_${step}_is`)),
              ),
            ),
          ),
        ),
      ),
    );
    showPage(
      pageHead(t('console.sites_title'), {
        line: t('sites.lead'),
        tools: [earlier(rankings), button(t('console.print'), printPage, { sign: 'print' })],
      }),
      make(
        'div',
        { class: 'sites-grid' },
        panel(
          t('sites.project'),
          { note: t('sites.project_note'), className: 'no-print' },
          form.node,
        ),
        results,
      ),
    );
    const wanted = new URLSearchParams(window.location.search).get('ranking');
    if (wanted) {open(wanted);}
  } catch (error) {
    showPage(pageHead(t('console.sites_title')), errorState(error, load));
  }
}

load();
