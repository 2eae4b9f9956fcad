// One review: findings as a list and as a map, each following the other; rules; exports.
import { emptyState, errorState, get } from './api.js';
import { dataText, make, shorten } from '../shared/dom.js';
import { button, labelled, later, pageHead, panel, select } from './parts.js';
import { findingList } from './findings.js';
import { count, percent } from './amounts.js';
import { has, page, printPage, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { VERDICTS } from '../shared/symbols.js';
import { SEVERITIES, WORST_FIRST, legend, severityMark, verdictBadge } from './marks.js';
import { table } from './table.js';

const MOST = 10_000;
const EXPORTS = ['xlsx', 'docx', 'gpkg', 'geojson', 'json'];
const FILTERS = ['rule', 'severity', 'township', 'verdict', 'park', 'words', 'waived'];
const reviewId = start.shown_review_id;
const own = `/api/reviews/${encodeURIComponent(reviewId)}`;
const state = Object.fromEntries(
  FILTERS.map((name) => [name, new URLSearchParams(window.location.search).get(name) ?? '']),
);

async function load() {
  try {
    draw(await get(`${own}/register`, { limit: MOST }));
  } catch (error) {
    showPage(pageHead(t('console.review_title')), errorState(error, load));
  }
}

function exportsMenu() {
  const address = (format) => `${start.root}${own}/export?format=${format}&lang=${start.lang}`;
  return make(
    'details',
    { class: 'menu-list no-print' },
    make('summary', { class: 'button plain' }, t('console.download')),
    make(
      'ul',
      {},
      EXPORTS.map((format) =>
        make(
          'li',
          {},
          make(
            'a',
            { href: address(format), download: '' },
            t(`review.export_${format}`),
            make('small', {}, t(`review.export_${format}_hint`)),
          ),
        ),
      ),
    ),
  );
}

function draw(register) {
  const { summary, rules } = register;
  const parks = new Map(register.parks.map((park) => [park.park_id, park]));
  const titles = new Map(rules.map((rule) => [rule.rule_id, rule]));
  for (const finding of register.findings) {
    const park = parks.get(finding.park_id);
    finding.words = [
      finding.title,
      finding.search ?? '',
      titles.get(finding.rule_id)?.title ?? '',
      finding.park_id ?? '',
      park?.name ?? '',
      ...(park?.search ?? []),
      finding.subject.id,
    ]
      .join('\n')
      .toLowerCase();
  }
  const isKept = (finding) =>
    (!state.rule || finding.rule_id === state.rule || finding.family === state.rule) &&
    (!state.severity || finding.severity === state.severity) &&
    (!state.township || (parks.get(finding.park_id)?.township ?? '') === state.township) &&
    (!state.verdict || finding.verdict === state.verdict) &&
    (!state.park || finding.park_id === state.park) &&
    (!state.waived || Boolean(finding.waived) === (state.waived === 'yes')) &&
    (!state.words || finding.words.includes(state.words.trim().toLowerCase()));

  const map = mapFrame('/maps/review', { review_id: reviewId }, t('review.map'), {
    onSelected: (layer, id) => {
      if (layer === 'findings') {list.choose(id, { isFromMap: true });}
      else if (layer === 'parks') {change({ park: id ?? '' }, { isFromMap: true });}
    },
  });
  const list = findingList({
    ruleTitle: (finding) => titles.get(finding.rule_id)?.title ?? finding.rule_id,
    parkName: (finding) =>
      finding.park_id ? shorten(parks.get(finding.park_id)?.name ?? finding.park_id, 80) : null,
    onSelect: (finding) => finding && map.select('findings', finding.finding_id),
    showMap: () => map.node.scrollIntoView({ block: 'center' }),
  });

  // ---- filters ----
  const present = (pick) => [...new Set(register.findings.map(pick).filter(Boolean))];
  const families = [...new Set(rules.map(({ family }) => family))];
  const counts = (pick) =>
    register.findings.reduce(
      (found, finding) => found.set(pick(finding), (found.get(pick(finding)) ?? 0) + 1),
      new Map(),
    );
  const byRule = counts((finding) => finding.rule_id);
  const ruleSelect = make(
    'select',
    { id: 'rule', change: (event) => change({ rule: event.target.value }) },
    make('option', { value: '' }, t('console.all')),
    families.map((family) => {
      const found = rules.filter((rule) => rule.family === family && byRule.has(rule.rule_id));
      if (!found.length) {return null;}
      const name = has(`family.${family}`) ? t(`family.${family}`) : family;
      return make(
        'optgroup',
        { label: name },
        make('option', { value: family }, t('review.whole_family', { family: name })),
        found.map((rule) =>
          make(
            'option',
            { value: rule.rule_id },
            `${shorten(rule.title, 40)} (${byRule.get(rule.rule_id)})`,
          ),
        ),
      );
    }),
  );
  const townships = present((finding) => parks.get(finding.park_id)?.township).sort((one, other) =>
    one.localeCompare(other, start.lang),
  );
  const choose = (name) => (event) => change({ [name]: event.target.value });
  const controls = {
    rule: ruleSelect,
    severity: select(
      [['', t('console.all')], ...SEVERITIES.map((item) => [item, t(`severity.${item}`)])],
      { id: 'severity', change: choose('severity') },
    ),
    township: select(
      [['', t('console.all')], ...townships.map((item) => [item, shorten(item, 40)])],
      { id: 'township', change: choose('township') },
    ),
    waived: select(
      [
        ['', t('console.all')],
        ['no', t('review.not_waived')],
        ['yes', t('finding_words.is_waived')],
      ],
      { id: 'waived', change: choose('waived') },
    ),
    words: make('input', {
      type: 'search',
      id: 'words',
      maxlength: 100,
      autocomplete: 'off',
      placeholder: t('review.search_hint'),
      input: later(() => change({ words: controls.words.value }), 150),
    }),
  };
  const verdictCounts = make('div', {
    class: 'verdict-counts',
    role: 'group',
    'aria-label': t('review.by_verdict'),
  });
  const parkChip = make('span');
  const shown = make('span', { class: 'note', role: 'status' });
  const clear = button(
    t('console.reset'),
    () => change(Object.fromEntries(FILTERS.map((name) => [name, '']))),
    { kind: 'quiet small' },
  );
  const place = make('div', { class: 'findings-scroll' });

  function drawVerdicts(found) {
    const counted = new Map(
      VERDICTS.map((verdict) => [
        verdict,
        register.findings.filter(
          (finding) =>
            finding.verdict === verdict &&
            isKept({ ...finding, verdict: state.verdict || verdict }),
        ).length,
      ]),
    );
    const focused = document.activeElement?.dataset?.verdict;
    verdictCounts.replaceChildren(
      ...VERDICTS.filter((verdict) => verdict !== 'pass').map((verdict) =>
        make(
          'button',
          {
            type: 'button',
            class: 'count',
            'data-verdict': verdict,
            'aria-pressed': String(state.verdict === verdict),
            click: () => change({ verdict: state.verdict === verdict ? '' : verdict }),
          },
          verdictBadge(verdict, 18),
          make('span', {}, t(`verdict.${verdict}`)),
          make('strong', {}, count(counted.get(verdict))),
        ),
      ),
    );
    if (focused) {verdictCounts.querySelector(`[data-verdict="${focused}"]`)?.focus();}
    shown.textContent = t('review.shown', {
      shown: count(found.length),
      total: count(register.numberMatched),
    });
  }

  function change(values, { isFromMap = false } = {}) {
    Object.assign(state, values);
    for (const [name, control] of Object.entries(controls))
      {if (control.value !== state[name]) {control.value = state[name];}}
    const found = register.findings
      .filter(isKept)
      .sort(
        (one, other) =>
          Boolean(one.waived) - Boolean(other.waived) ||
          WORST_FIRST.indexOf(one.verdict) - WORST_FIRST.indexOf(other.verdict) ||
          SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity),
      );
    drawVerdicts(found);
    parkChip.replaceChildren(
      ...(state.park
        ? [
            button(
              shorten(parks.get(state.park)?.name ?? state.park, 40),
              () => change({ park: '' }),
              {
                kind: 'plain small',
                sign: 'close',
                'aria-label': t('review.clear_park', {
                  park: shorten(parks.get(state.park)?.name ?? state.park, 40),
                }),
              },
            ),
          ]
        : []),
    );
    clear.hidden = !FILTERS.some((name) => state[name]);
    list.update(found);
    place.replaceChildren(
      found.length
        ? list.node
        : register.findings.length
          ? emptyState(t('review.nothing'), { hint: t('review.nothing_hint'), sign: 'search' })
          : emptyState(t('review.no_findings'), { hint: t('review.no_findings_hint') }),
    );
    if (!isFromMap)
      {map.filter(
        'findings',
        found.length === register.findings.length
          ? null
          : found.map((finding) => finding.finding_id),
      );}
    const query = new URLSearchParams(
      FILTERS.filter((name) => state[name]).map((name) => [name, state[name]]),
    );
    window.history.replaceState(
      null,
      '',
      `${window.location.pathname}${query.size ? `?${query}` : ''}`,
    );
  }

  // ---- rules ----
  function ruleTable() {
    const rows = table(
      [
        {
          key: 'title',
          label: t('review.rule'),
          isHead: true,
          css: 'name',
          value: (rule) => rule.title,
          show: (rule) =>
            make(
              'span',
              {},
              dataText(rule.title),
              make('span', { class: 'under' }, make('code', {}, rule.rule_id)),
            ),
        },
        {
          key: 'family',
          label: t('review.family'),
          value: (rule) => families.indexOf(rule.family),
          show: (rule) => (has(`family.${rule.family}`) ? t(`family.${rule.family}`) : rule.family),
        },
        {
          key: 'severity',
          label: t('review.severity'),
          value: (rule) => SEVERITIES.indexOf(rule.severity),
          show: (rule) => severityMark(rule.severity),
        },
        {
          key: 'checked',
          label: t('review.checked'),
          css: 'number',
          isDownFirst: true,
          value: (rule) => rule.checked,
          show: (rule) => count(rule.checked),
        },
        {
          key: 'passed',
          label: t('review.passed'),
          css: 'number',
          isDownFirst: true,
          value: (rule) => rule.passed,
          show: (rule) =>
            make(
              'span',
              {},
              count(rule.passed),
              make(
                'span',
                { class: 'under' },
                rule.checked ? percent(rule.passed / rule.checked) : '—',
              ),
            ),
        },
        {
          key: 'findings',
          label: t('review.findings'),
          css: 'number',
          isDownFirst: true,
          value: (rule) => byRule.get(rule.rule_id) ?? 0,
          show: (rule) =>
            byRule.has(rule.rule_id)
              ? button(count(byRule.get(rule.rule_id)), () => showRule(rule.rule_id), {
                  kind: 'quiet small',
                  'aria-label': t('review.show_rule', {
                    count: byRule.get(rule.rule_id),
                    rule: rule.title,
                  }),
                })
              : '0',
        },
      ],
      { caption: t('review.rules') },
    );
    rows.update(rules);
    return rows.node;
  }

  function showRule(ruleId) {
    change({ ...Object.fromEntries(FILTERS.map((name) => [name, ''])), rule: ruleId });
    findingsPanel.scrollIntoView();
    ruleSelect.focus({ preventScroll: true });
  }

  const findingsPanel = panel(
    t('review.findings'),
    { className: 'is-findings' },
    make(
      'div',
      { class: 'review-filters', role: 'search' },
      labelled(t('review.search'), controls.words, { className: 'grows' }),
      labelled(t('review.severity'), controls.severity),
      labelled(t('review.rule'), controls.rule),
      labelled(t('review.township'), controls.township),
      labelled(t('review.waivers'), controls.waived),
    ),
    make('div', { class: 'list-line' }, verdictCounts, parkChip, shown, clear),
    register.numberMatched > register.numberReturned
      ? make(
          'p',
          { class: 'note' },
          t('review.first_only', { count: count(register.numberReturned) }),
        )
      : null,
    place,
  );

  const verdictsOf = make(
    'dl',
    { class: 'figures-row' },
    VERDICTS.map((verdict) =>
      make(
        'div',
        {},
        make('dt', {}, verdictBadge(verdict, 15), ' ', t(`verdict.${verdict}`)),
        make('dd', {}, count(summary.verdicts[verdict])),
      ),
    ),
    make(
      'div',
      {},
      make('dt', {}, t('review.findings')),
      make('dd', {}, count(summary.findings_count)),
    ),
    make(
      'div',
      {},
      make('dt', {}, t('finding_words.is_waived')),
      make('dd', {}, count(summary.waived_count)),
    ),
  );

  setTitle(t('console.review_title'), summary.review_id);
  showPage(
    pageHead(t('review.title', { day: summary.as_of }), {
      above: make(
        'nav',
        { class: 'crumb', 'aria-label': t('review.crumb') },
        make('a', { href: page('/reviews') }, t('console.nav_reviews')),
        make('span', { 'aria-hidden': 'true' }, '/'),
        make('code', {}, summary.review_id),
        reviewId === start.review_id
          ? make('span', { class: 'chip is-current' }, t('review.current'))
          : null,
      ),
      line: summary.basis_line,
      tools: [
        make(
          'a',
          { class: 'button plain', href: page(`/reviews?after=${encodeURIComponent(reviewId)}`) },
          t('review.compare'),
        ),
        exportsMenu(),
        button(t('console.print'), printPage, { sign: 'print' }),
      ],
    }),
    panel(
      t('review.verdicts'),
      { note: t('review.verdicts_note', { count: count(register.parks.length) }) },
      verdictsOf,
      make('div', { class: 'print-only' }, legend()),
    ),
    make('div', { class: 'review-grid' }, findingsPanel, map.panel()),
    panel(t('review.rules'), { note: t('review.rules_note') }, ruleTable()),
  );
  change({});
}

document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('.menu-list[open]'))
    {if (!menu.contains(event.target)) {menu.open = false;}}
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') {return;}
  for (const menu of document.querySelectorAll('.menu-list[open]')) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});

load();
