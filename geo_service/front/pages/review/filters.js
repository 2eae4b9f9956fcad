// What findings of a review are looked for: the controls, what they keep, and their address.
import { elementIn, make, nodesOf, shorten } from '../../shared/dom.js';
import { VERDICTS } from '../../shared/symbols.js';
import { count } from '../amounts.js';
import { BASIS_GROUPS } from '../bases.js';
import { capitalText, start, t } from '../frame.js';
import { LIST_SIGNS, SEVERITIES, verdictBadge } from '../marks.js';
import { button, labelled, later, select } from '../parts.js';
import { familyName } from './rules.js';

const NAMES = [
  ...['list', 'rule', 'family', 'severity', 'basis', 'township', 'verdict', 'park', 'words'],
  'work',
];
const WORK = ['mine', 'overdue', 'in_work', 'deferred', 'done'];
// What stands behind a fold; the others are always in sight.
const FOLDED = ['rule', 'severity', 'basis', 'township', 'verdict', 'work'];
export const LISTS = ['rectify', 'watch', 'supplement', 'waived', 'approved'];
const LONGEST = 100;
/** @type {Record<string, string[]>} */
const KNOWN = {
  severity: SEVERITIES,
  basis: BASIS_GROUPS,
  verdict: VERDICTS,
  list: LISTS,
  work: WORK,
};
// What addresses said before there were lists.
const OLD_LISTS = { yes: 'waived', approved: 'approved' };

// What an address says of a filter, as far as it means something.
function readable(name, value) {
  const isKnown = !(name in KNOWN) || KNOWN[name].includes(value);
  return isKnown && value.length <= LONGEST ? value : '';
}

function elementWithFocus(container) {
  const { activeElement } = document;
  return container.contains(activeElement) ? activeElement : null;
}

export class Filters {
  // view: the ReviewView; it is told of each change.
  constructor(view) {
    this.view = view;
    const query = new URLSearchParams(window.location.search);
    this.state = Object.fromEntries(
      NAMES.map((name) => [name, readable(name, query.get(name) ?? '')]),
    );
    this.state.list ||= OLD_LISTS[query.get('waived') ?? ''] ?? '';
    this.controls = this.makeControls();
    this.state.township = this.codeOf(this.state.township);
    this.tabs = make('div', { class: 'tabs', role: 'group', 'aria-label': t('review.lists') });
    this.chosen = make('span', { class: 'chips' });
    this.shown = make('span', { class: 'note', role: 'status' });
    this.clear = button(t('console.reset'), () => view.change(this.none()), {
      kind: 'quiet small',
    });
  }

  none() {
    return Object.fromEntries(NAMES.map((name) => [name, '']));
  }

  set(values) {
    Object.assign(this.state, values);
    for (const [name, control] of Object.entries(this.controls)) {
      if (control.value !== this.state[name]) {
        control.value = this.state[name];
      }
    }
  }

  query() {
    const given = NAMES.filter((name) => this.state[name]);
    return new URLSearchParams(given.map((name) => [name, this.state[name]]));
  }

  // What is asked of the service.
  asked() {
    const { words, list, park, ...others } = this.state;
    const isOfNone = park === '-';
    return {
      ...others,
      park: isOfNone ? '' : park,
      without_park: isOfNone || '',
      q: words.trim(),
      worklist: list,
    };
  }

  isAny() {
    return NAMES.some((name) => this.state[name]);
  }

  makeControls() {
    const { view } = this;
    const all = ['', t('console.all')];
    const chooser = (name, choices) =>
      select([all, ...choices], {
        id: name,
        change: (event) => view.change({ [name]: event.target.value }),
      });
    const words = make('input', {
      type: 'search',
      id: 'words',
      maxlength: 100,
      autocomplete: 'off',
      placeholder: t('review.search_hint'),
      input: later(() => view.change({ words: words.value }), 150),
    });
    return {
      rule: this.ruleSelect(),
      severity: chooser(
        'severity',
        SEVERITIES.map((item) => [item, t(`severity.${item}`)]),
      ),
      basis: chooser(
        'basis',
        BASIS_GROUPS.map((item) => [item, capitalText(`basis_group.${item}`)]),
      ),
      township: chooser(
        'township',
        this.townships().map(([code, name]) => [code, shorten(name, 40)]),
      ),
      verdict: chooser(
        'verdict',
        VERDICTS.filter((verdict) => verdict !== 'pass').map((item) => [
          item,
          t(`verdict.${item}`),
        ]),
      ),
      work: chooser(
        'work',
        WORK.map((item) => [item, t(`work_filter.${item}`)]),
      ),
      words,
    };
  }

  // Townships of the review's parks, by code.
  townships() {
    const named = this.view.register.parks
      .filter(({ township_code: code }) => this.view.counted.by_township[code])
      .map((park) => [park.township_code, park.township]);
    return [...new Map(named)].sort(([, one], [, other]) => one.localeCompare(other, start.lang));
  }

  // An address may name a township; its control knows codes.
  codeOf(township) {
    const known = this.townships().find((names) => names.includes(township));
    return known ? known[0] : township;
  }

  ruleSelect() {
    const { view } = this;
    return make('select', {
      id: 'rule',
      change: (event) => view.change({ rule: event.target.value }),
    });
  }

  // The rules that there are findings of under the other filters, each with their number; what is
  // chosen stays, even when nothing of it is left.
  drawRules(byRule) {
    const option = (value, label) => make('option', { value }, label);
    const { rules } = this.view.register;
    const families = [...new Set(rules.map(({ family }) => family))];
    const groups = families.map((family) => {
      const own = rules.filter((rule) => rule.family === family);
      const found = own.filter(
        ({ rule_id: id }) => byRule[id] || id === this.state.rule || family === this.state.rule,
      );
      const sum = own.reduce((total, { rule_id: id }) => total + (byRule[id] ?? 0), 0);
      const name = familyName(family);
      return found.length
        ? make(
            'optgroup',
            { label: name },
            option(family, `${t('review.whole_family', { family: name })} (${count(sum)})`),
            found.map(({ rule_id: id, title }) =>
              option(id, `${shorten(title, 40)} (${count(byRule[id] ?? 0)})`),
            ),
          )
        : null;
    });
    const { rule } = this.controls;
    rule.replaceChildren(...nodesOf([option('', t('console.all')), groups]));
    rule.value = this.state.rule;
  }

  // group: the control by which rows are grouped.
  fields(group) {
    const { controls } = this;
    this.fold = make(
      'details',
      { class: 'more-filters', open: FOLDED.some((name) => this.state[name]) },
      make('summary', {}, t('review.more_filters')),
      make(
        'div',
        { class: 'filter-grid' },
        labelled(t('review.rule'), controls.rule, { className: 'grows' }),
        labelled(t('review.severity'), controls.severity),
        labelled(t('review.verdict'), controls.verdict),
        labelled(t('review.basis'), controls.basis),
        labelled(t('review.township'), controls.township),
        labelled(t('work_page.title'), controls.work),
      ),
    );
    return make(
      'div',
      { class: 'review-filters', role: 'search' },
      make(
        'div',
        { class: 'review-search' },
        labelled(t('review.search'), controls.words, { className: 'grows' }),
        labelled(t('review.group'), group),
      ),
      this.fold,
    );
  }

  openFold() {
    if (this.fold) {
      this.fold.open = true;
    }
  }

  line() {
    return make('div', { class: 'list-line' }, this.chosen, this.shown, this.clear);
  }

  // counts: how many findings there are by facet, each under all other filters.
  draw(counts) {
    this.drawTabs(counts.by_worklist);
    this.drawRules(counts.by_rule);
    this.shown.textContent = t('review.shown', {
      shown: count(counts.numberMatched),
      total: count(this.view.register.summary.findings_count),
    });
    this.drawChosen();
    this.clear.hidden = !this.isAny();
  }

  // A tab for each list; of those that a review has nothing in, the last two are left out.
  drawTabs(byList) {
    const focused = elementWithFocus(this.tabs)?.getAttribute('data-list');
    const all = LISTS.reduce((sum, list) => sum + (byList[list] ?? 0), 0);
    const isTold = (list) =>
      LIST_SIGNS[list] || this.view.counted.by_worklist[list] || this.state.list === list;
    const tabs = ['', ...LISTS.filter(isTold)].map((list) =>
      make(
        'button',
        {
          type: 'button',
          'data-list': list,
          'aria-pressed': String(this.state.list === list),
          title: list ? t(`review.list_${list}_note`) : null,
          click: () => this.view.change({ list }),
        },
        LIST_SIGNS[list] ? verdictBadge(LIST_SIGNS[list], 14) : null,
        make('span', {}, t(list ? `review.list_${list}` : 'console.all')),
        make('strong', {}, count(list ? (byList[list] ?? 0) : all)),
      ),
    );
    this.tabs.replaceChildren(...tabs);
    if (focused !== null && focused !== undefined) {
      elementIn(this.tabs, `[data-list="${focused}"]`)?.focus();
    }
  }

  // The park and the family that were chosen in the matrix, each to be given up.
  drawChosen() {
    const { park, family } = this.state;
    const chips = [];
    if (park) {
      const name = park === '-' ? t('review.no_park') : this.view.parkName(park, 40);
      chips.push(this.chip(name, { park: '' }, t('review.clear_park', { park: name })));
    }
    if (family) {
      const name = familyName(family);
      chips.push(this.chip(name, { family: '' }, t('review.clear_family', { family: name })));
    }
    this.chosen.replaceChildren(...chips);
  }

  chip(name, change, label) {
    return button(name, () => this.view.change(change), {
      kind: 'plain small',
      sign: 'close',
      'aria-label': label,
    });
  }
}
