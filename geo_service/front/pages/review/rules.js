// The rules of a review: how many subjects each has checked, and what it has found.
import { dataText, make } from '../../shared/dom.js';
import { count, percent } from '../amounts.js';
import { BASIS_TAGS, basisMark } from '../bases.js';
import { t, wordOf } from '../frame.js';
import { SEVERITIES, severityMark } from '../marks.js';
import { button } from '../parts.js';
import { table } from '../table.js';

export function familyName(family) {
  return wordOf('family', family);
}

// counted: how many findings there are by rule, in the whole review. showRule(ruleId) shows those
// of one.
export function ruleTable(rules, counted, showRule) {
  const columns = [...aboutColumns(rules), ...countColumns(), findingsColumn(counted, showRule)];
  const rows = table(columns, { caption: t('review.rules') });
  rows.update(rules);
  return rows.node;
}

function aboutColumns(rules) {
  const families = [...new Set(rules.map(({ family }) => family))];
  return [
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
      show: (rule) => familyName(rule.family),
    },
    {
      key: 'severity',
      label: t('review.severity'),
      value: (rule) => SEVERITIES.indexOf(rule.severity),
      show: (rule) => (rule.severity ? severityMark(rule.severity) : '—'),
    },
    {
      key: 'basis',
      label: t('review.basis'),
      value: (rule) => BASIS_TAGS.indexOf(rule.basis_tag),
      show: (rule) => (rule.basis_tag ? basisMark(rule.basis_tag) : '—'),
    },
  ];
}

function countColumns() {
  const passedShare = (rule) => (rule.checked ? percent(rule.passed / rule.checked) : '—');
  return [
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
        make('span', {}, count(rule.passed), make('span', { class: 'under' }, passedShare(rule))),
    },
  ];
}

function findingsColumn(counted, showRule) {
  return {
    key: 'findings',
    label: t('review.findings'),
    css: 'number',
    isDownFirst: true,
    value: (rule) => counted[rule.rule_id] ?? 0,
    show: ({ rule_id: ruleId, title }) =>
      counted[ruleId]
        ? button(count(counted[ruleId]), () => showRule(ruleId), {
            kind: 'quiet small',
            'aria-label': t('review.show_rule', { count: count(counted[ruleId]), rule: title }),
          })
        : '0',
  };
}
