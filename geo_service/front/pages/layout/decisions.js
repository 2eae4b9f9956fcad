// What a layout decides: terms before and after, parks, projects and moves, each with its reason.
import { dataText, make } from '../../shared/dom.js';
import { money, number, percent } from '../amounts.js';
import { emptyState } from '../api.js';
import { parkAddress, t } from '../frame.js';
import { panel } from '../parts.js';
import { change, signed } from '../scenario/differences.js';
import { table } from '../table.js';
import { industry, points, saysUnit, termAmount } from './words.js';

// ---- terms ----

export function termsPanel(found) {
  const rows = Object.entries(found.terms).map(([name, term]) => ({ name, ...term }));
  const list = table(
    [
      { key: 'term', label: t('layout.head_term'), isHead: true, show: (one) => one.label },
      {
        key: 'before',
        label: t('layout.head_before'),
        css: 'number',
        show: (one) => termAmount(one.before, one.unit),
      },
      {
        key: 'after',
        label: t('layout.head_after'),
        css: 'number',
        show: (one) => [
          termAmount(one.after, one.unit),
          ' ',
          signed(one.after - one.before, (value) => termAmount(value, one.unit)),
        ],
      },
      {
        key: 'unit',
        label: t('layout.head_unit'),
        show: (one) =>
          make(
            'span',
            { class: 'note' },
            [
              saysUnit(one.unit) ? null : t(`layout_unit.${one.unit}`),
              one.is_wanted ? null : t('layouts.not_wanted'),
            ]
              .filter(Boolean)
              .join(' · '),
          ),
      },
    ],
    { caption: t('layout.terms'), rowId: (one) => one.name },
  );
  list.update(rows);
  return panel(t('layout.terms'), { note: t('layouts.terms_note'), id: 'terms' }, list.node);
}

// ---- what stands beside every decision ----

function firmMark(acceptance, subject) {
  const one = acceptance.firmness.get(subject);
  if (!one) {
    return '—';
  }
  const share = t('layouts.stands_in', { share: percent(one.share), runs: one.runs });
  return make(
    'span',
    { class: `chip ${one.is_firm ? 'is-real' : 'is-changed'}`, title: share },
    t(one.is_firm ? 'layouts.firm' : 'layouts.open'),
    one.is_firm ? null : ` ${percent(one.share)}`,
  );
}

function tickColumn(acceptance, subject, name) {
  return {
    key: 'accept',
    label: t('layouts.accept_short'),
    css: 'no-print',
    show: (one) =>
      acceptance.all.includes(subject(one)) ? acceptance.tick(subject(one), name(one)) : null,
  };
}

function reasonColumns(acceptance, subject) {
  return [
    {
      key: 'regret',
      label: t('layout.head_regret'),
      css: 'number',
      value: (one) => one.regret,
      isDownFirst: true,
      show: (one) => points(one.regret),
    },
    ...(acceptance.firmness.size
      ? [
          {
            key: 'firm',
            label: t('layouts.firmness_short'),
            value: (one) => acceptance.firmness.get(subject(one))?.share,
            show: (one) => firmMark(acceptance, subject(one)),
          },
        ]
      : []),
    {
      key: 'why',
      label: t('layout.head_reason'),
      css: 'reason',
      show: (one) => (one.why ? dataText(one.why) : '—'),
    },
  ];
}

function parkLink(id, name) {
  return make('a', { href: parkAddress(id) }, dataText(name ?? id));
}

// ---- parks ----

function parkColumns(acceptance, subject) {
  return [
    tickColumn(acceptance, subject, (one) => one.name),
    {
      key: 'park',
      label: t('layout.head_park'),
      isHead: true,
      css: 'name-cell',
      value: (one) => one.name,
      show: (one) => [parkLink(one.park_id, one.name), ' ', make('code', {}, one.park_id)],
    },
    {
      key: 'proposed',
      label: t('layouts.industry_change'),
      value: (one) => one.proposed,
      show: (one) =>
        one.is_changed
          ? change(one.leading_industry, one.proposed, (code) =>
              code === one.proposed
                ? make('span', {}, industry(code, one.proposed_name))
                : make('span', {}, industry(code, one.leading_industry_name)),
            )
          : make('span', {}, industry(one.proposed, one.proposed_name)),
    },
    {
      key: 'speciality',
      label: t('layout.head_speciality'),
      css: 'wide-only',
      show: (one) => dataText(one.speciality),
    },
    {
      key: 'share',
      label: t('layouts.share_change'),
      css: 'number',
      value: (one) => one.share_after,
      show: (one) => change(percent(one.share_before), percent(one.share_after), (text) => text),
    },
    ...reasonColumns(acceptance, subject),
  ];
}

export function parksPanel(found, acceptance) {
  const subject = (one) => one.park_id;
  const list = table(parkColumns(acceptance, subject), {
    caption: t('layout.parks'),
    rowId: subject,
    atATime: 20,
    empty: () => emptyState(t('layouts.no_changes')),
  });
  const changed = found.parks.filter((park) => park.is_changed);
  const all = make('input', {
    type: 'checkbox',
    id: 'all-parks',
    change: () => list.update(all.checked ? found.parks : changed),
  });
  list.update(changed);
  return panel(
    t('layout.parks'),
    {
      note: t('layouts.parks_note', { changed: changed.length, all: found.parks.length }),
      tools: make('label', { class: 'check' }, all, t('layouts.unchanged_too')),
      id: 'parks',
    },
    list.node,
  );
}

// ---- projects ----

export function projectsPanel(found, acceptance) {
  if (!found.projects.length) {
    return null;
  }
  const names = new Map(found.parks.map((park) => [park.park_id, park.name]));
  const subject = (one) => one.project;
  const list = table(
    [
      tickColumn(acceptance, subject, subject),
      {
        key: 'project',
        label: t('layout.head_project'),
        isHead: true,
        css: 'name-cell',
        value: subject,
        show: (one) => dataText(one.project),
      },
      {
        key: 'park',
        label: t('layout.head_park'),
        css: 'name-cell',
        value: (one) => one.park_id,
        show: (one) =>
          one.park_id
            ? parkLink(one.park_id, names.get(one.park_id))
            : one.candidate_id
              ? '—'
              : make('span', { class: 'chip is-changed' }, t('layouts.not_placed')),
      },
      {
        key: 'candidate',
        label: t('layout.head_candidate'),
        show: (one) => (one.candidate_id ? make('code', {}, dataText(one.candidate_id)) : '—'),
      },
      {
        key: 'score',
        label: t('layout.head_score'),
        css: 'number',
        value: (one) => one.score,
        isDownFirst: true,
        show: (one) => number(one.score),
      },
      ...reasonColumns(acceptance, subject),
    ],
    { caption: t('layout.projects'), rowId: subject },
  );
  list.update(found.projects);
  const placed = found.projects.filter((one) => one.candidate_id).length;
  const note = t('layouts.projects_note', { placed, all: found.projects.length });
  return panel(t('layout.projects'), { note, id: 'placed' }, list.node);
}

// ---- moves ----

export function movesPanel(found, acceptance) {
  const names = new Map(found.parks.map((park) => [park.park_id, park.name]));
  const subject = (one) => one.enterprise_id;
  const list = table(
    [
      tickColumn(acceptance, subject, (one) => one.name),
      {
        key: 'enterprise',
        label: t('layout.head_enterprise'),
        isHead: true,
        css: 'name-cell',
        value: (one) => one.name,
        show: (one) => [dataText(one.name), ' ', make('code', {}, dataText(one.enterprise_id))],
      },
      {
        key: 'ways',
        label: t('layouts.from_to'),
        css: 'name-cell',
        value: (one) => one.to,
        show: (one) => change(one.from, one.to, (id) => parkLink(id, names.get(id))),
      },
      {
        key: 'place',
        label: t('layout.head_place'),
        show: (one) => make('code', {}, dataText(one.place)),
      },
      {
        key: 'cost',
        label: t('layouts.cost'),
        css: 'number',
        value: (one) => one.cost,
        isDownFirst: true,
        show: (one) => money(one.cost),
      },
      ...reasonColumns(acceptance, subject),
    ],
    {
      caption: t('layout.moves'),
      rowId: subject,
      atATime: 20,
      empty: () => emptyState(t('layouts.no_moves')),
    },
  );
  list.update(found.moves);
  const note = t('layouts.moves_note', { count: found.moves.length });
  return panel(t('layout.moves'), { note, id: 'moves' }, list.node);
}
