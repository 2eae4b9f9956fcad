// One review: findings as a list and as a map, each following the other; rules; exports.
import { dataText, elementIn, make, shorten } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { VERDICTS } from '../shared/symbols.js';
import { count } from './amounts.js';
import { basisTable, notRecorded } from './bases.js';
import { emptyState, errorState, get } from './api.js';
import { ON_PAPER } from './findings.js';
import { capitalText, pageAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { legend, verdictBadge } from './marks.js';
import { button, finePrint, pageHead, panel, select } from './parts.js';
import { actButtons, actMark, actPanel } from './review/act.js';
import { Desk } from './review/desk.js';
import { Filters } from './review/filters.js';
import { Matrix, matrixKey } from './review/matrix.js';
import { ruleTable } from './review/rules.js';

const EXPORTS = ['xlsx', 'docx', 'gpkg', 'geojson', 'json'];
const SAVED_EXPORTS = new Set(['geojson', 'json']);
const GROUPS = ['park', 'rule', 'none'];
const reviewId = start.shown_review_id;
const own = `/api/reviews/${encodeURIComponent(reviewId)}`;

async function load() {
  try {
    const [register, counted] = await Promise.all([
      get(`${own}/register`, { limit: 0 }),
      get(`${own}/counts`),
    ]);
    await new ReviewView(register, counted).show();
  } catch (error) {
    showPage(pageHead(t('console.review_title')), errorState(error, load));
  }
}

// isGone: whether there is only what was saved of the review.
function exportsMenu(isGone) {
  const address = (format) => `${start.root}${own}/export?format=${format}&lang=${start.lang}`;
  const formats = EXPORTS.filter((format) => !isGone || SAVED_EXPORTS.has(format));
  const links = formats.map((format) =>
    make(
      'a',
      { href: address(format), download: '' },
      t(`review.export_${format}`),
      make('small', {}, t(`review.export_${format}_hint`)),
    ),
  );
  return make(
    'details',
    { class: 'menu-list no-print' },
    make('summary', { class: 'button plain' }, t('console.download')),
    make(
      'ul',
      {},
      links.map((link) => make('li', {}, link)),
    ),
  );
}

class ReviewView {
  // counted: how many findings the whole review has by each facet.
  constructor(register, counted) {
    this.register = register;
    this.counted = counted;
    this.parks = new Map(register.parks.map((park) => [park.park_id, park]));
    this.rules = new Map(register.rules.map((rule) => [rule.rule_id, rule]));
    this.filters = new Filters(this);
    // A review that cannot be made again has no map.
    this.map = register.gone
      ? null
      : mapFrame('/maps/review', { review_id: reviewId }, t('review.map'), {
          onSelected: (layer, id) => this.onSelected(layer, id),
        });
    this.matrix = new Matrix(register.parks, (chosen) => this.change({ ...chosen, rule: '' }));
    this.desk = new Desk({
      reviewId,
      asked: () => this.filters.asked(),
      nameOf: (group) => this.groupName(group),
      reasonsOf: (group) => this.reasons(group),
      context: {
        ruleTitle: (finding) => this.ruleTitle(finding.rule_id),
        parkName: (finding) => (finding.park_id ? this.parkName(finding.park_id, 80) : null),
        showMap: this.map ? () => this.map?.node.scrollIntoView({ block: 'center' }) : null,
      },
      onSelect: (finding) => this.onOpened(finding),
    });
    const query = new URLSearchParams(window.location.search);
    this.finding = query.get('finding');
    this.group = select(
      GROUPS.map((by) => [by, capitalText(`review.group_${by}`)]),
      { id: 'group', value: query.get('group') ?? 'park', change: () => this.change({}) },
    );
    this.asking = new AbortController();
    this.scroller = make('div', { class: 'findings-scroll' });
    this.findingsPanel = this.panelOfFindings();
  }

  ruleTitle(ruleId) {
    return this.rules.get(ruleId)?.title ?? ruleId;
  }

  groupName({ key }) {
    if (this.desk.by === 'rule') {
      return this.ruleTitle(key);
    }
    return key === null ? t('review.no_park') : this.parkName(key, 80);
  }

  // What a group's findings are about: the rules of a park, the parks of a rule.
  reasons({ reasons, reasons_count: all }) {
    const isByRule = this.desk.by === 'rule';
    const name = ({ key }) =>
      isByRule
        ? key === null
          ? t('review.no_park')
          : this.parkName(key, 30)
        : this.ruleTitle(key);
    const told = reasons.map(name).join(start.lang === 'en' ? '; ' : '；');
    return all > reasons.length ? `${told} …` : told;
  }

  parkName(parkId, length) {
    return shorten(this.parks.get(parkId)?.name ?? parkId, length);
  }

  onSelected(layer, id) {
    if (layer === 'findings' && id !== null) {
      this.keep(id);
      this.desk.reveal(id, { isTold: false });
    } else if (layer === 'parks') {
      this.change({ park: id ?? '' }, { isFromMap: true });
    }
  }

  // A finding was opened in the list, or none is open any more.
  onOpened(finding) {
    this.keep(finding?.finding_id ?? null);
    if (finding) {
      this.map?.select('findings', finding.finding_id);
    }
  }

  // Has the address say which finding is open.
  keep(findingId) {
    this.finding = findingId;
    const query = this.filters.query();
    if (this.group.value !== 'park') {
      query.set('group', this.group.value);
    }
    if (findingId) {
      query.set('finding', findingId);
    }
    const address = `${window.location.pathname}${query.size ? `?${query}` : ''}`;
    window.history.replaceState(null, '', address);
  }

  // Asks for what the filters say now; of several askings only the last one is shown.
  async change(values, { isFromMap = false, finding = /** @type {string | null} */ (null) } = {}) {
    this.filters.set(values);
    this.keep(finding);
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const asked = this.filters.asked();
    const by = this.group.value;
    if (!isFromMap) {
      this.map?.narrow('findings', asked);
    }
    this.scroller.setAttribute('aria-busy', 'true');
    try {
      const [told, counts] = await Promise.all([
        get(`${own}/desk`, { ...asked, by: by === 'none' ? '' : by }, { signal }),
        this.filters.isAny() ? get(`${own}/counts`, asked, { signal }) : this.counted,
      ]);
      this.filters.draw(counts);
      this.matrix.draw(told, this.filters.state, this.isNarrowed());
      if (!isFromMap) {
        this.fitMap(counts);
      }
      const whole = { key: null, findings: told.numberMatched, rows: told.numberMatched };
      const groups = by === 'none' ? [{ ...whole, verdict: 'pass', reasons: [] }] : told.groups;
      const isAny = told.numberMatched > 0 || finding;
      this.scroller.replaceChildren(isAny ? this.desk.node : this.nothing());
      await this.desk.update(told.numberMatched ? groups : [], by);
    } catch (error) {
      if (!signal.aborted) {
        this.scroller.replaceChildren(errorState(error, () => this.change({}, { isFromMap })));
      }
    }
    if (!signal.aborted) {
      this.scroller.removeAttribute('aria-busy');
    }
  }

  // Whether the filters beside park and family leave something out.
  isNarrowed() {
    const { state } = this.filters;
    return Object.keys(state).some((name) => !['park', 'family'].includes(name) && state[name]);
  }

  // The map shows the parks that the filters leave, and goes there.
  fitMap({ by_park: byPark }) {
    const { park } = this.filters.state;
    const left = park && park !== '-' ? [park] : Object.keys(byPark).filter((id) => byPark[id]);
    const isAny = this.filters.isAny();
    if (isAny || this.isFitted) {
      this.map?.filter('parks', isAny ? left : null, { isFit: true });
    }
    this.isFitted = isAny;
  }

  nothing() {
    return this.register.summary.findings_count
      ? emptyState(t('review.nothing'), { hint: t('review.nothing_hint'), sign: 'search' })
      : emptyState(t('review.no_findings'), { hint: t('review.no_findings_hint') });
  }

  showRule(ruleId) {
    this.change({ ...this.filters.none(), rule: ruleId });
    this.findingsPanel.scrollIntoView();
    this.filters.openFold();
    this.filters.controls.rule.focus({ preventScroll: true });
  }

  panelOfFindings() {
    return panel(
      t('review.findings'),
      { className: 'is-findings' },
      this.filters.tabs,
      this.filters.fields(this.group),
      this.filters.line(),
      this.scroller,
    );
  }

  matrixPanel() {
    return panel(t('review.matrix'), { className: 'is-matrix' }, this.matrix.node, matrixKey());
  }

  verdictCounts() {
    const { summary } = this.register;
    const figure = (name, value) =>
      make('div', {}, make('dt', {}, name), make('dd', {}, count(value)));
    return make(
      'dl',
      { class: 'figures-row' },
      VERDICTS.map((verdict) =>
        figure(
          [verdictBadge(verdict, 15), ' ', capitalText(`verdict.${verdict}`)],
          summary.verdicts[verdict],
        ),
      ),
      figure(t('review.findings'), summary.findings_count),
      figure(t('finding_words.is_waived'), summary.waived_count),
      hasValue(summary.approved_count)
        ? figure(t('finding_words.is_approved'), summary.approved_count)
        : make(
            'div',
            {},
            make('dt', {}, t('finding_words.is_approved')),
            make('dd', {}, notRecorded()),
          ),
    );
  }

  // The rules that were not applied since their documents had ended, if there are any.
  lapsed() {
    const { lapsed, as_of: day } = this.register.summary;
    if (!lapsed) {
      return make('p', { class: 'callout' }, t('review.lapsed_not_recorded'));
    }
    const line = ({ title, document: name, ended }) =>
      t('review.lapsed_item', {
        title,
        document: name,
        ended: ended ?? t('review.lapsed_unknown'),
      });
    return lapsed.length
      ? make(
          'div',
          { class: 'callout', role: 'note' },
          make('p', {}, t('review.lapsed', { count: count(lapsed.length), day })),
          make(
            'ul',
            {},
            lapsed.map((item) => make('li', { 'data-rule': item.rule_id }, dataText(line(item)))),
          ),
        )
      : null;
  }

  mapPanel() {
    return this.map
      ? this.map.panel()
      : panel(t('review.map'), {}, emptyState(t('review.no_map'), { hint: this.register.gone }));
  }

  crumb() {
    return make(
      'nav',
      { class: 'crumb', 'aria-label': t('review.crumb') },
      make('a', { href: pageAddress('/reviews') }, t('console.nav_reviews')),
      make('span', { 'aria-hidden': 'true' }, '/'),
      make('code', {}, this.register.summary.review_id),
      reviewId === start.review_id
        ? make('span', { class: 'chip is-current' }, t('review.current'))
        : null,
      this.register.summary.is_trial
        ? make('span', { class: 'chip is-trial', title: t('review.trial_note') }, t('review.trial'))
        : null,
      actMark(this.register.summary.act.state),
    );
  }

  head() {
    const { summary } = this.register;
    const others = pageAddress(`/reviews?after=${encodeURIComponent(reviewId)}`);
    const title = summary.is_trial ? 'review.trial_title' : 'review.title';
    return pageHead(t(title, { day: summary.as_of }), {
      above: this.crumb(),
      line: finePrint(summary.basis_line),
      tools: [
        ...actButtons(summary.act, own),
        start.may.compare_reviews
          ? make('a', { class: 'button plain', href: others }, t('review.compare'))
          : null,
        exportsMenu(Boolean(this.register.gone)),
        button(t('console.print'), () => this.print(), { sign: 'print' }),
      ],
    });
  }

  async print() {
    await this.desk.showUpTo(ON_PAPER);
    printPage();
  }

  async show() {
    const { summary, parks, rules } = this.register;
    const { finding } = this;
    await this.change({}, { finding });
    setTitle(t('console.review_title'), summary.review_id);
    showPage(
      this.head(),
      make('div', { class: 'desk-grid' }, this.matrixPanel(), this.findingsPanel, this.mapPanel()),
      panel(
        t('review.verdicts'),
        {
          className: 'is-verdicts',
          note: t('review.verdicts_note', { count: count(parks.length) }),
        },
        this.verdictCounts(),
        basisTable(summary.verdicts_by_basis),
        this.lapsed(),
        make('div', { class: 'print-only' }, legend()),
      ),
      actPanel(summary.act),
      panel(
        t('review.rules'),
        { className: 'is-rules', note: t('review.rules_note') },
        ruleTable(rules, this.counted.by_rule, (ruleId) => this.showRule(ruleId)),
      ),
    );
    if (finding) {
      await this.desk.reveal(finding);
    }
  }
}

document.addEventListener('click', (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(/** @type {Node} */ (event.target))) {
      menu.open = false;
    }
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    for (const menu of openMenus()) {
      menu.open = false;
      elementIn(menu, 'summary')?.focus();
    }
  }
});

/** @returns {NodeListOf<HTMLDetailsElement>} */
function openMenus() {
  return document.querySelectorAll('.menu-list[open]');
}

load();
