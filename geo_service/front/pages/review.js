// One review: findings as a list and as a map, each following the other; rules; exports.
import { dataText, elementIn, make, shorten } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { VERDICTS } from '../shared/symbols.js';
import { count } from './amounts.js';
import { basisTable, notRecorded } from './bases.js';
import { emptyState, errorState, get } from './api.js';
import { ON_PAPER, askFindings, chooserOf, findingList } from './findings.js';
import { pageAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { legend, verdictBadge } from './marks.js';
import { button, pageHead, panel } from './parts.js';
import { Filters } from './review/filters.js';
import { ruleTable } from './review/rules.js';

const EXPORTS = ['xlsx', 'docx', 'gpkg', 'geojson', 'json'];
const SAVED_EXPORTS = new Set(['geojson', 'json']);
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
    this.list = findingList({
      ruleTitle: (finding) => this.rules.get(finding.rule_id)?.title ?? finding.rule_id,
      parkName: (finding) => (finding.park_id ? this.parkName(finding.park_id, 80) : null),
      onSelect: (finding) => finding && this.map?.select('findings', finding.finding_id),
      showMap: this.map ? () => this.map?.node.scrollIntoView({ block: 'center' }) : null,
      more: async (offset) =>
        (await askFindings(reviewId, this.filters.asked(), { offset })).findings,
    });
    this.showChosen = chooserOf(reviewId, this.list);
    this.asking = new AbortController();
    this.scroller = make('div', { class: 'findings-scroll' });
    this.findingsPanel = this.panelOfFindings();
  }

  parkName(parkId, length) {
    return shorten(this.parks.get(parkId)?.name ?? parkId, length);
  }

  onSelected(layer, id) {
    if (layer === 'findings') {
      this.showChosen(id);
    } else if (layer === 'parks') {
      this.change({ park: id ?? '' }, { isFromMap: true });
    }
  }

  // Asks for what the filters say now; of several askings only the last one is shown.
  async change(values, { isFromMap = false } = {}) {
    this.filters.set(values);
    const query = this.filters.query();
    const address = `${window.location.pathname}${query.size ? `?${query}` : ''}`;
    window.history.replaceState(null, '', address);
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const asked = this.filters.asked();
    if (!isFromMap) {
      this.map?.narrow('findings', asked);
    }
    this.scroller.setAttribute('aria-busy', 'true');
    try {
      const [found, counts] = await Promise.all([
        askFindings(reviewId, asked, { signal }),
        this.filters.isAny() ? get(`${own}/counts`, asked, { signal }) : this.counted,
      ]);
      this.filters.draw(counts);
      this.list.update(found.findings, found.total);
      this.scroller.replaceChildren(found.total ? this.list.node : this.nothing());
    } catch (error) {
      if (!signal.aborted) {
        this.scroller.replaceChildren(errorState(error, () => this.change({}, { isFromMap })));
      }
    }
    if (!signal.aborted) {
      this.scroller.removeAttribute('aria-busy');
    }
  }

  nothing() {
    return this.register.summary.findings_count
      ? emptyState(t('review.nothing'), { hint: t('review.nothing_hint'), sign: 'search' })
      : emptyState(t('review.no_findings'), { hint: t('review.no_findings_hint') });
  }

  showRule(ruleId) {
    this.change({ ...this.filters.none(), rule: ruleId });
    this.findingsPanel.scrollIntoView();
    this.filters.controls.rule.focus({ preventScroll: true });
  }

  panelOfFindings() {
    return panel(
      t('review.findings'),
      { className: 'is-findings' },
      this.filters.fields(),
      this.filters.line(),
      this.scroller,
    );
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
          [verdictBadge(verdict, 15), ' ', t(`verdict.${verdict}`)],
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
    );
  }

  head() {
    const { summary } = this.register;
    const others = pageAddress(`/reviews?after=${encodeURIComponent(reviewId)}`);
    const title = summary.is_trial ? 'review.trial_title' : 'review.title';
    return pageHead(t(title, { day: summary.as_of }), {
      above: this.crumb(),
      line: summary.basis_line,
      tools: [
        make('a', { class: 'button plain', href: others }, t('review.compare')),
        exportsMenu(Boolean(this.register.gone)),
        button(t('console.print'), () => this.print(), { sign: 'print' }),
      ],
    });
  }

  async print() {
    await this.list.showUpTo(ON_PAPER);
    printPage();
  }

  async show() {
    const { summary, parks, rules } = this.register;
    await this.change({});
    setTitle(t('console.review_title'), summary.review_id);
    showPage(
      this.head(),
      panel(
        t('review.verdicts'),
        { note: t('review.verdicts_note', { count: count(parks.length) }) },
        this.verdictCounts(),
        basisTable(summary.verdicts_by_basis),
        this.lapsed(),
        make('div', { class: 'print-only' }, legend()),
      ),
      make('div', { class: 'review-grid' }, this.findingsPanel, this.mapPanel()),
      panel(
        t('review.rules'),
        { note: t('review.rules_note') },
        ruleTable(rules, this.counted.by_rule, (ruleId) => this.showRule(ruleId)),
      ),
    );
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
