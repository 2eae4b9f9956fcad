// The reviews that are kept: make another, look into one, compare two.
import { commaIn, hasValue } from '../shared/format.js';
import { emptyState, errorState, fillWith, get } from './api.js';
import { dataText, make } from '../shared/dom.js';
import { button, labelled, labelledFile, pageHead, panel, select } from './parts.js';
import { count, time } from './amounts.js';
import { notRecorded } from './bases.js';
import { has, pageAddress, setTitle, showPage, start, t } from './frame.js';
import { run } from './jobs.js';
import { CHANGE_KINDS, changeChip, changeCounts, parkLink, shownOf } from './changes.js';
import { mapFrame } from './mapframe.js';
import { actMark } from './review/act.js';
import { VERDICTS } from '../shared/symbols.js';
import { severityMark, verdictBadge, verdictBar, verdictMark } from './marks.js';
import { table } from './table.js';

const query = new URLSearchParams(window.location.search);
const LISTED = 200;
// How many changes of each kind are listed.
const COMPARED = 500;
const EXAMPLE = [
  'format: "1"',
  'title: {zh-Hans: 试算, en: Trial}',
  'extends: default',
  'rules:',
  '  focus.leading_share:',
  '    parameters: {pass_share: 0.75}',
].join('\n');
let reviews = [];

const SECTIONS = ['evidence_name', 'measure', 'parameter', 'column'];

// What changed of a finding, in the reader's words: a field, or a name of its evidence.
function changedName(name) {
  const [last] = name.split('.').slice(-1);
  if (has(`review.field_${name}`)) {
    return t(`review.field_${name}`);
  }
  const section = SECTIONS.find((one) => has(`${one}.${last}`));
  return section ? t(`${section}.${last}`) : last;
}

const reviewAddress = (reviewId) => pageAddress(`/reviews/${encodeURIComponent(reviewId)}`);

function reviewTable() {
  const options = { caption: t('review.kept'), rowId: (item) => item.review_id };
  const rows = table([...aboutColumns(), ...countColumns(), ...versionColumns()], options);
  rows.update(reviews);
  return rows.node;
}

function aboutColumns() {
  return [
    {
      key: 'made',
      label: t('review.made_at'),
      isHead: true,
      value: (item) => item.made_at,
      isDownFirst: true,
      show: (item) =>
        make(
          'span',
          { class: 'chips' },
          make('a', { href: reviewAddress(item.review_id) }, time(item.made_at)),
          item.review_id === start.review_id
            ? make('span', { class: 'chip is-current' }, t('review.current'))
            : null,
          item.is_trial ? make('span', { class: 'chip' }, t('review.trial')) : null,
          actMark(item.act_state),
          item.saved ? null : notSavedMark(item),
          make('span', { class: 'under' }, make('code', {}, item.review_id)),
        ),
    },
    {
      key: 'day',
      label: t('review.day'),
      value: (item) => item.as_of,
      isDownFirst: true,
      show: (item) => item.as_of,
    },
    {
      key: 'verdicts',
      label: t('review.verdicts'),
      show: (item) =>
        make(
          'span',
          { class: 'verdict-cell' },
          verdictBar(item.verdicts),
          make(
            'span',
            { class: 'verdict-line' },
            VERDICTS.map((verdict) =>
              make(
                'span',
                { class: 'verdict' },
                verdictBadge(verdict, 15),
                make('span', { class: 'hidden-words' }, t(`verdict.${verdict}`)),
                count(item.verdicts[verdict]),
              ),
            ),
          ),
        ),
    },
  ];
}

function countColumns() {
  return [
    {
      key: 'findings',
      label: t('review.findings'),
      css: 'number',
      value: (item) => item.findings_count,
      isDownFirst: true,
      show: (item) => count(item.findings_count),
    },
    {
      key: 'waived',
      label: t('finding_words.is_waived'),
      css: 'number',
      value: (item) => item.waived_count,
      show: (item) => count(item.waived_count),
    },
    {
      key: 'approved',
      label: t('finding_words.is_approved'),
      css: 'number',
      value: (item) => item.approved_count,
      show: (item) => (hasValue(item.approved_count) ? count(item.approved_count) : notRecorded()),
    },
  ];
}

function versionColumns() {
  return [
    {
      key: 'rulebook',
      label: t('console.nav_rulebook'),
      value: (item) => item.rulebook_version,
      show: (item) => make('code', {}, item.rulebook_version),
    },
    {
      key: 'plan',
      label: t('console.nav_data'),
      value: (item) => item.plan_version,
      show: (item) => make('code', {}, item.plan_version),
    },
  ];
}

// ---- another review ----

function again() {
  const container = make('div', { 'aria-live': 'polite' });
  const text = make('textarea', {
    id: 'rulebook-text',
    spellcheck: 'false',
    maxlength: 500000,
    placeholder: EXAMPLE,
  });
  const file = make('input', {
    type: 'file',
    accept: '.yaml,.yml,.json',
    change: async () => {
      const chosen = file.files?.[0];
      if (chosen) {
        text.value = await chosen.text();
      }
    },
  });
  const day = make('input', { type: 'date', id: 'review-day', max: '9999-12-31' });
  const send = async () => {
    press.disabled = true;
    const rulebook = text.value.trim();
    const body = { ...(rulebook ? { rulebook } : {}), ...(day.value ? { as_of: day.value } : {}) };
    const made = await run(container, '/api/reviews', { body }, send);
    press.disabled = false;
    if (!made) {
      return;
    }
    container.replaceChildren(...madeNotes(made));
    reviews = (await get('/api/reviews', { limit: LISTED })).reviews;
    saved.replaceChildren(reviewTable());
    drawComparison();
  };
  const press = button(t('review.again'), send, {
    kind: 'strong',
    sign: 'again',
    id: 'review-again',
  });
  return [
    make('p', { class: 'note' }, t('review.again_note')),
    make(
      'div',
      { class: 'form again-form' },
      labelled(t('review.day'), day, { help: t('review.day_help') }),
    ),
    make('div', { class: 'tools again-tools' }, press),
    make(
      'details',
      { class: 'fold' },
      make('summary', {}, t('review.other_rulebook')),
      make(
        'div',
        { class: 'form' },
        labelled(t('review.rulebook_text'), text, { help: t('review.rulebook_help') }),
        labelledFile(t('review.rulebook_file'), file),
      ),
    ),
    container,
  ];
}

function notSavedMark(item) {
  const attributes = { class: 'chip is-changed', title: item.not_saved };
  return make('span', attributes, t('review.not_saved'));
}

function madeNotes(made) {
  const link = make('a', { href: reviewAddress(made.review_id) }, t('review.open_made'));
  const note = make('p', { role: 'status', class: 'cure' }, t('review.made'), ' ', link);
  return made.saved
    ? [note]
    : [note, make('p', { role: 'alert', class: 'callout' }, dataText(made.not_saved))];
}

// ---- two reviews ----

const saved = make('div');
const before = select([], { id: 'before' });
const after = select([], { id: 'after' });
const outcome = make('div');
const comparison = make('div');

function fillChoices() {
  for (const control of [before, after]) {
    control.replaceChildren(
      ...reviews.map((item) =>
        make(
          'option',
          { value: item.review_id },
          [time(item.made_at), item.review_id, item.is_trial ? t('review.trial') : '']
            .filter(Boolean)
            .join(' · '),
        ),
      ),
    );
  }
}

// What is said under a change: what differs, or why it is not compared.
function moreOf(change) {
  if (change.reason) {
    return t(`change_hint.why_${change.reason}`);
  }
  return change.changed
    .map((name) =>
      name === 'verdict'
        ? `${t(`verdict.${change.before.verdict}`)} → ${t(`verdict.${change.after.verdict}`)}`
        : changedName(name),
    )
    .join(commaIn(start.lang));
}

function compared(document, parks) {
  const rows = document.changes.map((change) => ({
    kind: change.kind,
    finding: shownOf(change),
    more: moreOf(change),
  }));
  const found = table([...changeColumns(parks), ...gradeColumns()], {
    caption: t('review.compared'),
    empty: () => emptyState(t('review.no_changes'), { hint: t('review.no_changes_hint') }),
  });
  found.update(rows);
  const map = rows.length
    ? mapFrame(
        '/maps/compare',
        { review_id: after.value, before: before.value },
        t('review.compare_map'),
      )
    : null;
  return [
    changeCounts(document.counts, { all: true }),
    found.node,
    firstOnly(document.counts, rows.length),
    map ? make('div', { class: 'compare-map' }, map.node) : null,
  ];
}

// Says so when there are more changes than are listed.
function firstOnly(counts, listed) {
  const total = CHANGE_KINDS.reduce(
    (sum, kind) => sum + (kind === 'unchanged' ? 0 : counts[kind]),
    0,
  );
  return total > listed
    ? make(
        'p',
        { class: 'note' },
        t('review.first_changes', { count: count(COMPARED), total: count(total) }),
      )
    : null;
}

function changeColumns(parks) {
  return [
    {
      key: 'kind',
      label: t('review.change'),
      value: (row) => CHANGE_KINDS.indexOf(row.kind),
      show: (row) =>
        make(
          'span',
          {},
          changeChip(row.kind),
          row.more ? make('span', { class: 'under' }, dataText(row.more)) : null,
        ),
    },
    {
      key: 'title',
      label: t('review.finding'),
      isHead: true,
      css: 'name',
      show: (row) => dataText(row.finding.title),
    },
    {
      key: 'park',
      label: t('review.park'),
      value: (row) => row.finding.park_id,
      show: (row) =>
        row.finding.park_id ? parkLink(row.finding.park_id, parks.get(row.finding.park_id)) : '—',
    },
  ];
}

function gradeColumns() {
  return [
    {
      key: 'verdict',
      label: t('review.verdict'),
      value: (row) => row.finding.verdict,
      show: (row) => verdictMark(row.finding.verdict),
    },
    {
      key: 'severity',
      label: t('review.severity'),
      value: (row) => row.finding.severity,
      show: (row) => severityMark(row.finding.severity),
    },
  ];
}

async function compare() {
  const address = pageAddress(
    `/reviews?before=${encodeURIComponent(before.value)}&after=${encodeURIComponent(after.value)}`,
  );
  window.history.replaceState(null, '', address);
  if (before.value === after.value) {
    outcome.replaceChildren(emptyState(t('review.same'), { hint: t('review.same_hint') }));
    return;
  }
  await fillWith(outcome, async () => {
    const [document, parks] = await Promise.all([
      get(`/api/reviews/${encodeURIComponent(after.value)}/comparison`, {
        before: before.value,
        limit: COMPARED,
      }),
      get('/api/parks', { limit: 10_000 }),
    ]);
    return compared(
      document,
      new Map(parks.features.map(({ id, properties }) => [id, properties.name])),
    );
  });
}

function compareForm() {
  if (reviews.length < 2) {
    return emptyState(t('review.one_only'), { hint: t('review.one_only_hint') });
  }
  fillChoices();
  const known = (name) => reviews.find((item) => item.review_id === query.get(name))?.review_id;
  after.value = known('after') ?? reviews[0].review_id;
  before.value =
    known('before') ??
    reviews.find((item) => item.review_id !== after.value)?.review_id ??
    reviews[1].review_id;
  return [
    make(
      'div',
      { class: 'compare-form no-print' },
      labelled(t('review.before'), before),
      labelled(t('review.after'), after),
      button(t('review.compare_now'), compare, { kind: 'strong', id: 'compare' }),
    ),
    outcome,
  ];
}

function drawComparison() {
  comparison.replaceChildren(...[compareForm()].flat());
}

async function load() {
  try {
    reviews = (await get('/api/reviews', { limit: LISTED })).reviews;
  } catch (error) {
    showPage(pageHead(t('console.reviews_title')), errorState(error, load));
    return;
  }
  saved.replaceChildren(reviewTable());
  drawComparison();
  setTitle(t('console.reviews_title'));
  showPage(
    pageHead(t('console.reviews_title'), {
      line: t('review.lead'),
      tools: [
        make(
          'a',
          { class: 'button plain', href: reviewAddress(start.review_id) },
          t('review.open_current'),
        ),
      ],
    }),
    panel(t('review.kept'), {}, saved),
    start.may.compare_reviews
      ? panel(t('review.compare_title'), { className: 'is-compare' }, comparison)
      : null,
    start.may.make_reviews
      ? panel(t('review.again_title'), { className: 'no-print' }, again())
      : null,
  );
  const isAsked = query.get('before') && query.get('after') && start.may.compare_reviews;
  if (isAsked && reviews.length > 1) {
    compare();
  }
}

load();
