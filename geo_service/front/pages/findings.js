// Findings as a list: what is wrong, how grave, on what evidence and basis, and what cures it.
import { dataText, elementIn, make, shorten } from '../shared/dom.js';
import { errorState, get } from './api.js';
import { moreOf } from './parts.js';
import { exact } from './amounts.js';
import { basisMark, citation } from './bases.js';
import { parkAddress, t, wordOf } from './frame.js';
import { findingBadge, illustrativeMark, severityMark } from './marks.js';

// How many findings a list asks for at a time.
export const AT_A_TIME = window.matchMedia('(max-width: 640px)').matches ? 15 : 50;
// How many are put on paper at most; exports hold all.
export const ON_PAPER = 500;

/**
 * Findings of a review as lists show them, without geometry.
 * @param {string} reviewId
 * @param {Record<string, any>} query
 * @param {{ offset?: number, limit?: number, signal?: AbortSignal }} [options]
 * @returns {Promise<{ findings: any[], total: number }>}
 */
export async function askFindings(
  reviewId,
  query,
  { offset = 0, limit = AT_A_TIME, signal = undefined } = {},
) {
  const path = `/api/reviews/${encodeURIComponent(reviewId)}/findings`;
  const parameters = { sort: 'verdict', ...query, geometry: false, limit, offset };
  const found = await get(path, parameters, { signal });
  return {
    findings: found.features.map(({ properties }) => properties),
    total: found.numberMatched,
  };
}

function lines(pairs) {
  return make(
    'dl',
    { class: 'facts' },
    pairs
      .filter(Boolean)
      .map(([name, ...value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
  );
}

export function details(finding, context) {
  return make(
    'div',
    { class: 'finding-more' },
    make(
      'div',
      { class: 'finding-columns' },
      make(
        'div',
        {},
        make('h4', {}, t('finding_words.evidence')),
        lines(finding.evidence_lines.map(([name, value]) => [dataText(name), dataText(value)])),
      ),
      make(
        'div',
        {},
        make('h4', {}, t('finding_words.basis')),
        lines([
          [t('finding_words.legal_basis'), dataText(citation(finding.legal_basis).join(' · '))],
          [t('finding_words.basis_tag'), basisMark(finding.basis_tag)],
          [
            t('finding_words.rule'),
            dataText(context.ruleTitle(finding)),
            ' ',
            make('code', {}, finding.rule_id),
          ],
          [
            t('finding_words.subject'),
            `${wordOf('layer', finding.subject.layer)} `,
            make('code', {}, make('bdi', {}, finding.subject.id)),
          ],
          finding.note ? [t('finding_words.note'), dataText(finding.note)] : null,
          finding.waived
            ? [
                t('finding_words.waived'),
                dataText(
                  Object.values(finding.waived)
                    .map((item) => exact(item))
                    .join(' · '),
                ),
              ]
            : null,
          finding.approval ? [t('finding_words.approval'), approvalLines(finding.approval)] : null,
          [t('finding_words.id'), make('code', {}, finding.finding_id)],
        ]),
      ),
    ),
  );
}

function approvalLines({ document_number: number, authority, approved_on: day, scope, ...more }) {
  const { expires_on: until } = more;
  return make(
    'span',
    { class: 'approval' },
    [
      t('finding_words.approval_line', { number, authority, day }),
      t('finding_words.approval_scope', { scope }),
      until ? t('finding_words.until', { day: until }) : null,
    ]
      .filter(Boolean)
      .map((line) => dataText(line)),
  );
}

function asideMark({ waived, approval }) {
  if (approval) {
    const number = dataText(shorten(approval.document_number, 40), {}, 'span');
    return make('span', { class: 'chip is-approved' }, t('finding_words.is_approved'), ' ', number);
  }
  return waived ? make('span', { class: 'chip is-waived' }, t('finding_words.is_waived')) : null;
}

// What a finding is, in chips: how binding, on what it rests, set aside or not, of which park.
export function marks(finding, context) {
  const parkName = context.parkName(finding);
  return [
    severityMark(finding.severity),
    basisMark(finding.basis_tag),
    asideMark(finding),
    parkName ? dataText(parkName, { class: 'data park-words' }) : null,
    finding.illustrative ? illustrativeMark() : null,
  ];
}

function head(finding, context, isOpen, press) {
  return make(
    'button',
    { type: 'button', class: 'finding-head', 'aria-expanded': String(isOpen), click: press },
    findingBadge(finding, 20),
    make(
      'span',
      { class: 'finding-words' },
      make(
        'span',
        { class: 'finding-title' },
        make('span', { class: 'hidden-words' }, `${t(`verdict.${finding.verdict}`)} `),
        dataText(finding.title),
      ),
      make('span', { class: 'finding-under' }, marks(finding, context)),
    ),
  );
}

// What cures a finding, and the ways to its park and to its place on the map.
export function links(finding, context) {
  const { cure, park_id: parkId } = finding;
  const onMap = () =>
    make(
      'button',
      { type: 'button', class: 'link', click: context.showMap },
      t('finding_words.on_map'),
    );
  return [
    cure
      ? make(
          'p',
          { class: 'cure' },
          make('strong', {}, t('finding_words.cure')),
          ' ',
          dataText(cure),
        )
      : null,
    make(
      'p',
      { class: 'finding-links no-print' },
      context.parkName(finding) && parkId
        ? make('a', { href: parkAddress(parkId) }, t('finding_words.open_park'))
        : null,
      finding.has_geometry && context.showMap ? onMap() : null,
    ),
  ];
}

// context: { ruleTitle(finding), parkName(finding) -> text or null, onSelect(finding), showMap(),
//   more(offset) -> the next findings, as a promise }
export function findingList(context) {
  return new FindingList(context);
}

// A list of which the service knows the whole: what is shown is asked for, a page at a time.
class FindingList {
  constructor(context) {
    this.context = context;
    this.rows = [];
    this.total = 0;
    this.selected = null;
    this.list = make('ol', { class: 'findings' });
    this.more = make('div', { class: 'more', 'aria-live': 'polite' });
    this.paperNote = make('p', { class: 'note print-only' });
    this.node = make('div', {}, this.list, this.more, this.paperNote);
  }

  // total: how many findings there are in all.
  update(found, total) {
    this.rows = found;
    this.total = total;
    if (!found.some((finding) => finding.finding_id === this.selected)) {
      this.selected = null;
    }
    this.list.replaceChildren(...found.map((finding) => this.item(finding)));
    this.drawMore();
  }

  drawMore() {
    const { rows, total } = this;
    const press = () => this.showMore();
    this.more.replaceChildren(...moreOf(rows.length, total, press));
    const isWhole = rows.length >= total;
    this.paperNote.textContent = isWhole
      ? ''
      : t('finding_words.first_only', { count: exact(rows.length), total: exact(total) });
  }

  // Asks for the next page; what was asked for before the list changed is not shown.
  async showMore() {
    const { rows } = this;
    for (const pressed of this.more.querySelectorAll('button')) {
      pressed.disabled = true;
    }
    try {
      const found = await this.context.more(rows.length - this.extra());
      if (rows === this.rows) {
        this.append(found);
      }
      return true;
    } catch (error) {
      if (rows === this.rows) {
        this.more.replaceChildren(errorState(error, () => this.showMore()));
      }
      return false;
    }
  }

  // How many rows stand in the list out of turn: a finding that was chosen on the map.
  extra() {
    return this.rows.filter((finding) => finding.isOutOfTurn).length;
  }

  append(found) {
    const known = new Set(this.rows.map((finding) => finding.finding_id));
    for (const finding of this.rows.filter(({ isOutOfTurn }) => isOutOfTurn)) {
      finding.isOutOfTurn = !found.some(({ finding_id: id }) => id === finding.finding_id);
    }
    const fresh = found.filter((finding) => !known.has(finding.finding_id));
    this.rows = [...this.rows, ...fresh];
    this.list.append(...fresh.map((finding) => this.item(finding)));
    this.drawMore();
  }

  // Puts a finding first that is not among those shown yet.
  putFirst(finding) {
    this.rows = [{ ...finding, isOutOfTurn: true }, ...this.rows];
    this.list.prepend(this.item(finding));
  }

  // Asks for pages until so many findings are shown, or all.
  async showUpTo(most) {
    let isGoingOn = true;
    while (isGoingOn && this.rows.length < Math.min(most, this.total)) {
      const before = this.rows.length;
      isGoingOn = (await this.showMore()) && this.rows.length > before;
    }
  }

  item(finding) {
    const { context } = this;
    const id = finding.finding_id;
    const isOpen = this.selected === id;
    return make(
      'li',
      {
        class: `finding is-${finding.verdict}${isOpen ? ' is-open' : ''}`,
        'data-finding': id,
      },
      head(finding, context, isOpen, () => this.choose(isOpen ? null : id)),
      make(
        'div',
        { class: 'finding-body', hidden: !isOpen },
        links(finding, context),
        details(finding, context),
      ),
    );
  }

  has(id) {
    return this.rows.some((finding) => finding.finding_id === id);
  }

  elementOf(id) {
    return id === null ? null : this.list.querySelector(`[data-finding="${CSS.escape(id)}"]`);
  }

  choose(id, { isFromMap = false } = {}) {
    const before = this.selected;
    this.selected = id;
    const focused = id === null ? before : id;
    for (const key of new Set([before, id])) {
      this.redraw(key, !isFromMap && key === focused);
    }
    this.elementOf(id)?.scrollIntoView({ block: 'nearest', behavior: 'auto' });
    if (!isFromMap) {
      const chosen = this.rows.find((finding) => finding.finding_id === id);
      this.context.onSelect?.(chosen ?? null);
    }
  }

  redraw(key, isFocused) {
    const old = this.elementOf(key);
    if (!old) {
      return;
    }
    const made = this.item(this.rows.find((finding) => finding.finding_id === key));
    old.replaceWith(made);
    if (isFocused) {
      elementIn(made, '.finding-head')?.focus({ preventScroll: true });
    }
  }
}
