// The documents that rules rest on: when they are in force, and how far somebody has read them.
import { dataText, make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { count, day, percent } from '../amounts.js';
import { t } from '../frame.js';
import { button } from '../parts.js';
import { table } from '../table.js';

const STATES = ['in_force', 'to_come', 'ended'];

// documents and rules: as /api/rules gives them. showRules(document) shows what rests on it.
export function documentTable(documents, rules, showRules) {
  const resting = (one) => rules.filter((rule) => restsOn(rule, one));
  const columns = [...aboutColumns(), ...readColumns(), rulesColumn(resting, showRules)];
  const rows = table(columns, { caption: t('rulebook.documents') });
  rows.update(documents);
  return rows.node;
}

// Whether one of a rule's bases is a document; one that no register holds is known by its name.
export function restsOn(rule, { document_id: id, name }) {
  return hasValue(id)
    ? rule.bases.some((basis) => basis.document_id === id)
    : rule.legal_basis.document === name;
}

function aboutColumns() {
  return [
    {
      key: 'name',
      label: t('rulebook.document'),
      isHead: true,
      css: 'name',
      value: (item) => item.name,
      show: (item) =>
        make(
          'span',
          {},
          dataText(item.name),
          make(
            'span',
            { class: 'under' },
            [item.number === item.name ? null : item.number, item.issuer]
              .filter(Boolean)
              .map((text) => [dataText(text), ' ']),
            item.successor ? t('rulebook.successor', { name: item.successor }) : null,
          ),
        ),
    },
    {
      key: 'kind',
      label: t('rulebook.kind'),
      value: (item) => item.kind,
      show: (item) => t(`document_kind.${item.kind}`),
    },
    {
      key: 'state',
      label: t('rulebook.state'),
      value: (item) => STATES.indexOf(item.state),
      show: (item) =>
        make('span', { class: `chip is-${item.state}` }, t(`document_state.${item.state}`)),
    },
    {
      key: 'in_force',
      label: t('rulebook.in_force'),
      value: (item) => item.in_force_from,
      show: ({ in_force_from: from, in_force_until: until }) =>
        make(
          'span',
          {},
          from ? t('rulebook.from', { from: day(from) }) : until ? null : '—',
          until
            ? make('span', { class: 'under' }, t('rulebook.until', { until: day(until) }))
            : null,
        ),
    },
  ];
}

function readColumns() {
  return [
    {
      key: 'looked_at',
      label: t('rulebook.looked_at'),
      value: (item) => item.looked_at ?? '',
      show: (item) =>
        make(
          'span',
          {},
          item.looked_at ? day(item.looked_at) : t('rulebook.never'),
          ' ',
          item.is_stale
            ? make('span', { class: 'chip is-changed is-stale' }, t('rulebook.stale'))
            : null,
        ),
    },
    {
      key: 'trust',
      label: t('rulebook.trust'),
      value: (item) => item.trust,
      show: ({ trust, certainty, note }) =>
        make(
          'span',
          {},
          t(`trust.${trust}`),
          hasValue(certainty)
            ? [' ', t('rulebook.certainty', { share: percent(certainty) })]
            : null,
          note ? make('span', { class: 'under document-note' }, dataText(note)) : null,
        ),
    },
  ];
}

function rulesColumn(resting, showRules) {
  return {
    key: 'rules',
    label: t('rulebook.rules'),
    css: 'number',
    isDownFirst: true,
    value: (item) => resting(item).length,
    show: (item) =>
      button(count(resting(item).length), () => showRules(item), {
        kind: 'quiet small',
        'aria-label': t('rulebook.to_rules', { count: resting(item).length, name: item.name }),
      }),
  };
}
