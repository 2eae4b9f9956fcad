// What findings of a review are looked for: the controls, what they keep, and their address.
import { elementIn, make, nodesOf, shorten } from '../../shared/dom.js';
import { VERDICTS } from '../../shared/symbols.js';
import { count } from '../amounts.js';
import { BASIS_GROUPS } from '../bases.js';
import { start, t } from '../frame.js';
import { SEVERITIES, verdictBadge } from '../marks.js';
import { button, labelled, later, select } from '../parts.js';
import { familyName } from './rules.js';

const NAMES = ['rule', 'severity', 'basis', 'township', 'verdict', 'park', 'words', 'waived'];
const LONGEST = 100;
/** @type {Record<string, string[]>} */
const KNOWN = {
  severity: SEVERITIES,
  basis: BASIS_GROUPS,
  verdict: VERDICTS,
  waived: ['no', 'yes', 'approved'],
};
const SET_ASIDE = { no: 'no', yes: 'waived', approved: 'approved' };

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
    this.controls = this.makeControls();
    this.state.township = this.codeOf(this.state.township);
    this.verdicts = make('div', {
      class: 'verdict-counts',
      role: 'group',
      'aria-label': t('review.by_verdict'),
    });
    this.park = make('span');
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
    const { words, waived, ...others } = this.state;
    return { ...others, q: words.trim(), set_aside: SET_ASIDE[waived] ?? '' };
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
        BASIS_GROUPS.map((item) => [item, t(`basis_group.${item}`)]),
      ),
      township: chooser(
        'township',
        this.townships().map(([code, name]) => [code, shorten(name, 40)]),
      ),
      waived: chooser('waived', [
        ['no', t('review.is_counted')],
        ['yes', t('finding_words.is_waived')],
        ['approved', t('finding_words.is_approved')],
      ]),
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

  fields() {
    const { controls } = this;
    return make(
      'div',
      { class: 'review-filters', role: 'search' },
      labelled(t('review.search'), controls.words, { className: 'grows' }),
      labelled(t('review.severity'), controls.severity),
      labelled(t('review.basis'), controls.basis),
      labelled(t('review.rule'), controls.rule, { className: 'grows' }),
      labelled(t('review.township'), controls.township),
      labelled(t('review.set_aside'), controls.waived),
    );
  }

  line() {
    return make('div', { class: 'list-line' }, this.verdicts, this.park, this.shown, this.clear);
  }

  // counts: how many findings there are by facet, each under all other filters.
  draw(counts) {
    this.drawVerdicts(counts.by_verdict);
    this.drawRules(counts.by_rule);
    this.shown.textContent = t('review.shown', {
      shown: count(counts.numberMatched),
      total: count(this.view.register.summary.findings_count),
    });
    this.drawPark();
    this.clear.hidden = !this.isAny();
  }

  drawPark() {
    this.park.replaceChildren(...(this.state.park ? [this.parkChip(this.state.park)] : []));
  }

  drawVerdicts(byVerdict) {
    const focused = elementWithFocus(this.verdicts)?.getAttribute('data-verdict');
    const buttons = VERDICTS.filter((verdict) => verdict !== 'pass').map((verdict) => {
      const isOn = this.state.verdict === verdict;
      return make(
        'button',
        {
          type: 'button',
          class: 'count',
          'data-verdict': verdict,
          'aria-pressed': String(isOn),
          click: () => this.view.change({ verdict: isOn ? '' : verdict }),
        },
        verdictBadge(verdict, 18),
        make('span', {}, t(`verdict.${verdict}`)),
        make('strong', {}, count(byVerdict[verdict] ?? 0)),
      );
    });
    this.verdicts.replaceChildren(...buttons);
    if (focused) {
      elementIn(this.verdicts, `[data-verdict="${focused}"]`)?.focus();
    }
  }

  parkChip(parkId) {
    const name = this.view.parkName(parkId, 40);
    return button(name, () => this.view.change({ park: '' }), {
      kind: 'plain small',
      sign: 'close',
      'aria-label': t('review.clear_park', { park: name }),
    });
  }
}
