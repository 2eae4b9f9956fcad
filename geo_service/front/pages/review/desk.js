// A review's findings in groups, a row a cause: groups unfold to rows, rows to their evidence.
import { dataText, icon, make } from '../../shared/dom.js';
import { errorState, get, loadingState } from '../api.js';
import { count } from '../amounts.js';
import { AT_A_TIME, askFindings, details, links, marks } from '../findings.js';
import { t, wordOf } from '../frame.js';
import { findingBadge, verdictBadge, worklistOf } from '../marks.js';
import { button, moreOf } from '../parts.js';
import { workBox } from './work.js';

export class Desk {
  /**
   * @param {{ reviewId: string, asked: () => Record<string, any>, nameOf: (group: any) => string,
   *   reasonsOf: (group: any) => string, context: any,
   *   onSelect: (finding: any | null) => unknown }} options
   *   asked returns the filters; context is what findings are told with; onSelect hears of each
   *   finding that is opened, and of null
   */
  constructor(options) {
    this.options = options;
    this.groups = [];
    this.selected = null;
    this.list = make('ol', { class: 'groups' });
    this.paperNote = make('p', { class: 'note print-only' });
    this.node = make('div', {}, this.list, this.paperNote);
    this.list.addEventListener('keydown', (event) => this.onKey(event));
  }

  // Shows the groups that the service tells; for none there is one without a head. A single one is
  // open.
  update(groups, by) {
    this.selected = null;
    this.by = by;
    this.groups = groups.map((told) => new RowGroup(this, told));
    this.list.replaceChildren(...this.groups.map((group) => group.node));
    return this.groups.length === 1 ? this.groups[0].open() : Promise.resolve();
  }

  // Opens a finding by its id, wherever it stands; one that does not fit the filters comes first.
  async reveal(id, { isTold = true } = {}) {
    const found = await askFindings(this.options.reviewId, { q: id }, { limit: 1 }).catch(
      () => null,
    );
    const finding = found?.findings[0];
    if (!finding) {
      return null;
    }
    const key = this.by === 'rule' ? finding.rule_id : finding.park_id;
    const group = this.groups.find((one) => !one.hasHead || one.told.key === key);
    await group?.open();
    const held = group?.rows.find((one) => one.holds(finding));
    const row = held ?? (group ?? this.outside()).putFirst(finding);
    row.open(finding, { isTold });
    row.node.scrollIntoView({ block: 'nearest' });
    return finding;
  }

  // A group for what the filters leave out.
  outside() {
    const told = { key: null, findings: 0, rows: 0, verdict: 'pass', reasons: [] };
    const group = new RowGroup(this, told, { hasHead: false });
    this.groups.unshift(group);
    this.list.prepend(group.node);
    return group;
  }

  select(row, finding, isTold) {
    if (this.selected && this.selected !== row) {
      this.selected.close();
    }
    this.selected = row;
    if (isTold) {
      this.options.onSelect(finding);
    }
  }

  // Opens groups until so many rows are shown, or all.
  async showUpTo(most) {
    for (const group of this.groups) {
      await group.open();
      while (this.shown() < most && group.rows.length < group.total) {
        const before = group.rows.length;
        await group.showMore();
        if (group.rows.length === before) {
          break;
        }
      }
      if (this.shown() >= most) {
        break;
      }
    }
    const total = this.groups.reduce((sum, group) => sum + group.told.rows, 0);
    const values = { count: count(this.shown()), total: count(total) };
    this.paperNote.textContent = this.shown() < total ? t('finding_words.first_only', values) : '';
  }

  shown() {
    return this.groups.reduce((sum, group) => sum + group.rows.length, 0);
  }

  // Up and down through heads and rows; left and right fold and unfold.
  onKey(event) {
    const { key, target } = event;
    const places = [...this.list.querySelectorAll('.group-head, .row-head')];
    const at = places.indexOf(target);
    if (at < 0) {
      return;
    }
    const steps = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: places.length - 1 };
    const isOpen = target.getAttribute('aria-expanded') === 'true';
    if (key in steps) {
      event.preventDefault();
      /** @type {HTMLElement | undefined} */ (places[steps[key]])?.focus();
    } else if ((key === 'ArrowRight' && !isOpen) || (key === 'ArrowLeft' && isOpen)) {
      event.preventDefault();
      target.click();
    }
  }
}

class RowGroup {
  constructor(desk, told, { hasHead = desk.by !== 'none' } = {}) {
    this.desk = desk;
    this.told = told;
    this.hasHead = hasHead;
    this.total = told.rows;
    this.rows = [];
    this.isOpen = false;
    this.asking = null;
    this.items = make('ol', { class: 'rows' });
    this.more = make('div', { class: 'more', 'aria-live': 'polite' });
    this.body = make('div', { hidden: true }, this.items, this.more);
    this.head = hasHead ? this.makeHead() : null;
    this.node = make('li', { class: 'group', 'data-group': told.key ?? '' }, this.head, this.body);
  }

  makeHead() {
    const { told } = this;
    const { nameOf, reasonsOf } = this.desk.options;
    const reasons = reasonsOf(told);
    return make(
      'button',
      {
        type: 'button',
        class: 'group-head',
        'aria-expanded': 'false',
        title: `${nameOf(told)}: ${reasons}`,
        click: () => (this.isOpen ? this.close() : this.open()),
      },
      icon('chevron', 14),
      verdictBadge(told.verdict, 15),
      make('span', { class: 'hidden-words' }, t(`verdict.${told.verdict}`)),
      make('strong', {}, dataText(nameOf(told))),
      make('span', { class: 'group-reasons' }, dataText(reasons)),
      make('span', { class: 'group-count' }, count(told.findings)),
    );
  }

  async open() {
    this.isOpen = true;
    this.body.hidden = false;
    this.head?.setAttribute('aria-expanded', 'true');
    if (!this.rows.length) {
      await this.showMore();
    }
  }

  close() {
    this.isOpen = false;
    this.body.hidden = true;
    this.head?.setAttribute('aria-expanded', 'false');
  }

  // The filters that mean this group.
  asked() {
    const { by, options } = this.desk;
    const { key } = this.told;
    const own = by === 'rule' ? { rule: key } : key === null ? NO_PARK : { park: key };
    return { ...options.asked(), ...(this.hasHead ? own : {}) };
  }

  // Asks for the next rows, once at a time.
  showMore() {
    this.asking ??= this.askMore().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  async askMore() {
    const { reviewId } = this.desk.options;
    const path = `/api/reviews/${encodeURIComponent(reviewId)}/rows`;
    const offset = this.rows.filter((row) => !row.isOutOfTurn).length;
    this.more.replaceChildren(loadingState());
    try {
      const found = await get(path, { ...this.asked(), limit: AT_A_TIME, offset });
      this.total = found.numberMatched;
      const fresh = found.rows.map((told) => new Row(this, told));
      this.rows.push(...fresh);
      this.items.append(...fresh.map((row) => row.node));
      const shown = this.rows.filter((row) => !row.isOutOfTurn).length;
      this.more.replaceChildren(...moreOf(shown, this.total, () => this.showMore()));
    } catch (error) {
      this.more.replaceChildren(errorState(error, () => this.showMore()));
    }
  }

  // Puts a finding first that is not among the rows.
  putFirst(finding) {
    const { subject } = finding;
    const merged = { findings: 1, by_layer: { [subject.layer]: 1 } };
    const row = new Row(this, { ...finding, merged });
    row.isOutOfTurn = true;
    this.rows.unshift(row);
    this.items.prepend(row.node);
    this.body.hidden = false;
    return row;
  }
}

const NO_PARK = { park: '', without_park: true };

class Row {
  constructor(group, told) {
    this.group = group;
    this.told = told;
    this.isOutOfTurn = false;
    this.body = make('div', { class: 'finding-body', hidden: true });
    this.head = this.makeHead();
    this.node = make(
      'li',
      { class: `row is-${told.verdict}`, 'data-finding': told.finding_id },
      this.head,
      this.body,
    );
  }

  makeHead() {
    const { told } = this;
    const { context } = this.group.desk.options;
    const list = worklistOf(told);
    const isByPark = this.group.desk.by === 'park';
    const parkName = isByPark ? null : context.parkName(told);
    const { findings, by_layer: byLayer } = told.merged;
    return make(
      'button',
      {
        type: 'button',
        class: 'row-head',
        'aria-expanded': 'false',
        title: told.title,
        click: () => (this.body.hidden ? this.open(told) : this.shut()),
      },
      findingBadge(told, 15),
      make('span', { class: 'hidden-words' }, `${t(`review.list_${list}`)} `),
      make('span', { class: 'row-title' }, dataText(told.title)),
      parkName ? make('span', { class: 'row-park' }, dataText(parkName)) : null,
      workChip(told.work),
      findings > 1
        ? make(
            'span',
            { class: 'chip', title: layersSaid(byLayer) },
            t('review.merged', { count: count(findings) }),
          )
        : null,
    );
  }

  // Whether a finding is told by this row.
  holds(finding) {
    const { told } = this;
    return (
      told.finding_id === finding.finding_id ||
      (told.merged.findings > 1 &&
        finding.subject.layer in told.merged.by_layer &&
        ['rule_id', 'park_id', 'verdict', 'severity'].every((key) => told[key] === finding[key]) &&
        worklistOf(told) === worklistOf(finding))
    );
  }

  // Shows one finding of the row.
  open(finding, { isTold = true } = {}) {
    const { desk } = this.group;
    const { context } = desk.options;
    desk.select(this, finding, isTold);
    this.node.classList.add('is-open');
    this.head.setAttribute('aria-expanded', 'true');
    this.body.hidden = false;
    const members = this.told.merged.findings > 1 ? this.members(finding) : null;
    this.body.replaceChildren(
      make('p', { class: 'row-whole' }, dataText(finding.title)),
      make('p', { class: 'finding-under' }, marks(finding, context)),
      ...[members].filter((part) => part !== null),
      ...links(finding, context).filter((part) => part !== null),
      details(finding, context),
      workBox(finding),
    );
  }

  shut() {
    this.close();
    this.group.desk.select(null, null, true);
  }

  close() {
    this.node.classList.remove('is-open');
    this.head.setAttribute('aria-expanded', 'false');
    this.body.hidden = true;
  }

  // The findings that the row stands for, each to be opened.
  members(chosen) {
    const { told } = this;
    const box = make('div', { class: 'members' });
    const { reviewId } = this.group.desk.options;
    const asked = {
      ...this.group.asked(),
      rule: told.rule_id,
      park: told.park_id,
      verdict: told.verdict,
      severity: told.severity,
      worklist: worklistOf(told),
    };
    const show = async () => {
      const { findings } = await askFindings(reviewId, asked, { limit: told.merged.findings + 20 });
      const own = findings.filter(({ subject }) => subject.layer in told.merged.by_layer);
      box.replaceChildren(
        ...own.map((finding) => {
          const { layer, id } = finding.subject;
          return button([wordOf('layer', layer), ' ', dataText(id)], () => this.open(finding), {
            kind: 'plain small',
            title: finding.title,
            'aria-pressed': String(finding.finding_id === chosen.finding_id),
          });
        }),
      );
    };
    if (told.merged.findings <= MOST_MEMBERS) {
      show().catch((error) => box.replaceChildren(errorState(error)));
    } else {
      box.textContent = layersSaid(told.merged.by_layer);
    }
    return box;
  }
}

// What is done about the finding of a row, as far as somebody has said anything.
function workChip(work) {
  if (!work) {
    return null;
  }
  const words = work.is_overdue ? t('work_filter.overdue') : t(`work_state.${work.state}`);
  const said = [t(`work_state.${work.state}`), work.owner, work.due].filter(Boolean);
  const css = work.is_overdue ? 'chip is-must' : 'chip';
  return make('span', { class: css, title: said.join(' · ') }, words);
}

// Of a row of more findings the number is told, and not each.
const MOST_MEMBERS = 100;

function layersSaid(byLayer) {
  return Object.entries(byLayer)
    .map(([layer, number]) => `${wordOf('layer', layer)} ${count(number)}`)
    .join(' · ');
}
