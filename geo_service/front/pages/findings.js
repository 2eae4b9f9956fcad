// Findings as a list: what is wrong, how grave, on what evidence and basis, and what cures it.
import { dataText, elementIn, make, shorten } from '../shared/dom.js';
import { moreOf } from './parts.js';
import { exact } from './amounts.js';
import { basisMark, citation } from './bases.js';
import { parkAddress, t, wordOf } from './frame.js';
import { WORST_FIRST, illustrativeMark, severityMark, verdictBadge } from './marks.js';

const AT_A_TIME = window.matchMedia('(max-width: 640px)').matches ? 15 : 50;

function lines(pairs) {
  return make(
    'dl',
    { class: 'facts' },
    pairs
      .filter(Boolean)
      .map(([name, ...value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
  );
}

function details(finding, context) {
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

// Whether a finding counts for its park's verdict.
export function isCounted({ waived, approval }) {
  return !waived && !approval;
}

function asideMark({ waived, approval }) {
  if (approval) {
    const number = dataText(shorten(approval.document_number, 40), {}, 'span');
    return make('span', { class: 'chip is-approved' }, t('finding_words.is_approved'), ' ', number);
  }
  return waived ? make('span', { class: 'chip is-waived' }, t('finding_words.is_waived')) : null;
}

function head(finding, context, isOpen, press) {
  const parkName = context.parkName(finding);
  return make(
    'button',
    { type: 'button', class: 'finding-head', 'aria-expanded': String(isOpen), click: press },
    verdictBadge(finding.verdict, 20),
    make(
      'span',
      { class: 'finding-words' },
      make(
        'span',
        { class: 'finding-title' },
        make('span', { class: 'hidden-words' }, `${t(`verdict.${finding.verdict}`)} `),
        dataText(finding.title),
      ),
      make(
        'span',
        { class: 'finding-under' },
        severityMark(finding.severity),
        basisMark(finding.basis_tag),
        asideMark(finding),
        parkName ? dataText(parkName, { class: 'data park-words' }) : null,
        finding.illustrative ? illustrativeMark() : null,
      ),
    ),
  );
}

// What cures a finding, and the ways to its park and to its place on the map.
function links(finding, context) {
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

// Orders findings: those that do not count last, the gravest verdicts first.
export function worstFirst(one, other) {
  return (
    Number(!isCounted(one)) - Number(!isCounted(other)) ||
    WORST_FIRST.indexOf(one.verdict) - WORST_FIRST.indexOf(other.verdict)
  );
}

// context: { ruleTitle(finding), parkName(finding) -> text or null, onSelect(finding), showMap() }
export function findingList(context) {
  return new FindingList(context);
}

class FindingList {
  constructor(context) {
    this.context = context;
    this.rows = [];
    this.shown = AT_A_TIME;
    this.selected = null;
    this.list = make('ol', { class: 'findings' });
    this.more = make('div', { class: 'more' });
    this.node = make('div', {}, this.list, this.more);
    // On paper every finding is wanted.
    window.addEventListener('beforeprint', () => this.showUpTo(this.rows.length));
  }

  update(found) {
    this.rows = found;
    this.shown = AT_A_TIME;
    if (!found.some((finding) => finding.finding_id === this.selected)) {
      this.selected = null;
    }
    this.draw();
  }

  showUpTo(count) {
    this.shown = count;
    this.draw();
  }

  draw() {
    const { rows, shown } = this;
    const press = () => this.showUpTo(shown + AT_A_TIME);
    this.list.replaceChildren(...rows.slice(0, shown).map((finding) => this.item(finding)));
    this.more.replaceChildren(...moreOf(shown, rows.length, press));
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

  elementOf(id) {
    return id === null ? null : this.list.querySelector(`[data-finding="${CSS.escape(id)}"]`);
  }

  choose(id, { isFromMap = false } = {}) {
    const before = this.selected;
    this.selected = id;
    const index = this.rows.findIndex((finding) => finding.finding_id === id);
    if (index >= this.shown) {
      this.showUpTo(index + 1);
    } else {
      const focused = id === null ? before : id;
      for (const key of new Set([before, id])) {
        this.redraw(key, !isFromMap && key === focused);
      }
    }
    this.elementOf(id)?.scrollIntoView({ block: 'nearest', behavior: 'auto' });
    if (!isFromMap) {
      this.context.onSelect?.(id === null ? null : this.rows[index]);
    }
  }

  redraw(id, isFocused) {
    const old = this.elementOf(id);
    if (!old) {
      return;
    }
    const made = this.item(this.rows.find((finding) => finding.finding_id === id));
    old.replaceWith(made);
    if (isFocused) {
      elementIn(made, '.finding-head')?.focus({ preventScroll: true });
    }
  }
}
