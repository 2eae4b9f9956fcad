// A park's findings folded by rule: a row each, which opens to its findings.
import { dataText, icon, make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { area, count } from '../amounts.js';
import { errorState, loadingState } from '../api.js';
import { ON_PAPER, askFindings, findingList } from '../findings.js';
import { t } from '../frame.js';
import { LIST_SIGNS, severityMark, verdictBadge, worklistOf } from '../marks.js';

export class RuleRows {
  // context: { reviewId, parkId, onSelect(finding), showMap() }
  constructor(rules, context) {
    this.context = context;
    this.rows = rules.map((rule) => this.row(rule));
    this.node = make(
      'div',
      { class: 'fold-rows' },
      this.rows.map(({ node }) => node),
    );
  }

  /** @returns {any} */
  row(rule) {
    const inner = rule.folded.map((one) => this.row(one));
    const body = make(
      'div',
      { class: 'fold-body' },
      inner.map(({ node }) => node),
    );
    const node = make(
      'details',
      { class: 'fold-row', 'data-rule': rule.rule_id ?? '', 'data-list': gravest(rule) },
      head(rule),
      body,
    );
    const row = { rule, node, body, inner, list: null, loading: null };
    if (!inner.length) {
      node.addEventListener('toggle', () => node.open && this.load(row));
    }
    return row;
  }

  every() {
    return this.rows.flatMap((row) => (row.inner.length ? row.inner : [row]));
  }

  // Fetches the findings of a row once.
  load(row) {
    row.loading ??= this.fill(row);
    return row.loading;
  }

  async fill(row) {
    const { reviewId, parkId, onSelect, showMap } = this.context;
    const query = { park: parkId, rule: row.rule.rule_id, set_aside: 'no' };
    row.body.replaceChildren(loadingState());
    try {
      const { findings, total } = await askFindings(reviewId, query);
      const list = findingList({
        ruleTitle: (finding) => finding.rule_title,
        parkName: () => null,
        onSelect,
        showMap,
        more: async (offset) => (await askFindings(reviewId, query, { offset })).findings,
      });
      list.update(findings, total);
      row.list = list;
      row.body.replaceChildren(list.node);
    } catch (error) {
      row.loading = null;
      row.body.replaceChildren(errorState(error, () => this.load(row)));
    }
  }

  // Opens a finding that was chosen on the map; null closes the one that is open.
  async choose(id) {
    if (id === null) {
      this.every().forEach(({ list }) => list?.choose(null, { isFromMap: true }));
      return;
    }
    const { reviewId } = this.context;
    const found = await askFindings(reviewId, { q: id }, { limit: 1 }).catch(() => null);
    const finding = found?.findings[0];
    const row = finding && this.every().find(({ rule }) => rule.rule_id === finding.rule_id);
    if (!row) {
      return;
    }
    this.rows.filter(({ inner }) => inner.includes(row)).forEach(({ node }) => openIt(node));
    openIt(row.node);
    await this.load(row);
    if (row.list && !row.list.has(id)) {
      row.list.putFirst(finding);
    }
    row.list?.choose(id, { isFromMap: true });
  }

  // Opens every row for paper, up to as many findings as go on paper.
  async openAll() {
    let room = ON_PAPER;
    for (const row of this.every()) {
      await this.load(row);
      await row.list?.showUpTo(Math.max(0, room));
      room -= row.list?.rows.length ?? 0;
    }
    this.node.querySelectorAll('details').forEach(openIt);
  }
}

function openIt(details) {
  details.open = true;
}

function head(rule) {
  return make(
    'summary',
    { class: 'fold-head' },
    icon('right', 16),
    verdictBadge(LIST_SIGNS[gravest(rule)], 18),
    make('span', { class: 'fold-title' }, dataText(rule.title)),
    rule.severity ? severityMark(rule.severity) : null,
    make('span', { class: 'fold-more' }, subjects(rule)),
    make('span', { class: 'fold-count' }, numbers(rule)),
  );
}

function subjects({ layer, subjects: number, area_m2: areaM2 }) {
  if (!layer) {
    return null;
  }
  const words = t(`park_verdict.of_${layer}`, { count: count(number) });
  return hasValue(areaM2) ? [words, ' · ', area(areaM2)] : words;
}

function numbers(rule) {
  const kinds = Object.entries(listCounts([rule]));
  return kinds.length === 1
    ? count(rule.findings)
    : kinds.map(([list, number]) =>
        make('span', { class: 'fold-part' }, verdictBadge(LIST_SIGNS[list], 13), count(number)),
      );
}

// The list that the gravest findings of a row stand in, whose sign the row has.
export function gravest(rule) {
  return Object.keys(listCounts([rule]))[0];
}

// How many findings of some rows stand in each list, the gravest list first.
export function listCounts(rules) {
  const sums = { rectify: 0, watch: 0, supplement: 0 };
  for (const rule of rules.flatMap((one) => (one.folded.length ? one.folded : [one]))) {
    for (const [verdict, number] of Object.entries(rule.by_verdict)) {
      sums[worklistOf({ severity: rule.severity, verdict })] += number;
    }
  }
  return Object.fromEntries(Object.entries(sums).filter(([, number]) => number));
}
