// What findings of a review are looked for: the controls, what they keep, and their address.
import { elementIn, make, shorten } from '../../shared/dom.js';
import { VERDICTS } from '../../shared/symbols.js';
import { count } from '../amounts.js';
import { BASIS_GROUPS, groupOf } from '../bases.js';
import { isCounted } from '../findings.js';
import { start, t } from '../frame.js';
import { SEVERITIES, verdictBadge } from '../marks.js';
import { button, labelled, later, select } from '../parts.js';
import { familyName } from './rules.js';

const NAMES = ['rule', 'severity', 'basis', 'township', 'verdict', 'park', 'words', 'waived'];

// Whether a finding counts (`no`), is waived (`yes`) or approved, as addresses say it.
function standingOf(finding) {
  if (isCounted(finding)) {
    return 'no';
  }
  return finding.approval ? 'approved' : 'yes';
}

export class Filters {
  // view: the ReviewView; it is told of each change.
  constructor(view) {
    this.view = view;
    const query = new URLSearchParams(window.location.search);
    this.state = Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? '']));
    this.controls = this.makeControls();
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

  isKept(finding) {
    const { rule, severity, basis, township, verdict, park, waived, words } = this.state;
    return (
      (!rule || finding.rule_id === rule || finding.family === rule) &&
      (!severity || finding.severity === severity) &&
      (!basis || groupOf(finding.basis_tag) === basis) &&
      (!township || (this.townshipOf(finding) ?? '') === township) &&
      (!verdict || finding.verdict === verdict) &&
      (!park || finding.park_id === park) &&
      (!waived || standingOf(finding) === waived) &&
      (!words || finding.words.includes(words.trim().toLowerCase()))
    );
  }

  townshipOf(finding) {
    return this.view.parks.get(finding.park_id)?.township;
  }

  query() {
    const given = NAMES.filter((name) => this.state[name]);
    return new URLSearchParams(given.map((name) => [name, this.state[name]]));
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
        this.townships().map((item) => [item, shorten(item, 40)]),
      ),
      waived: chooser('waived', [
        ['no', t('review.is_counted')],
        ['yes', t('finding_words.is_waived')],
        ['approved', t('finding_words.is_approved')],
      ]),
      words,
    };
  }

  townships() {
    const all = this.view.register.findings.map((finding) => this.townshipOf(finding));
    return [...new Set(all.filter(Boolean))].sort((one, other) =>
      one.localeCompare(other, start.lang),
    );
  }

  ruleSelect() {
    const { view } = this;
    const { rules } = view.register;
    const option = (value, label) => make('option', { value }, label);
    const groups = [...new Set(rules.map(({ family }) => family))].map((family) => {
      const found = rules.filter(
        (rule) => rule.family === family && view.counted.has(rule.rule_id),
      );
      const name = familyName(family);
      return found.length
        ? make(
            'optgroup',
            { label: name },
            option(family, t('review.whole_family', { family: name })),
            found.map(({ rule_id: id, title }) =>
              option(id, `${shorten(title, 40)} (${view.counted.get(id)})`),
            ),
          )
        : null;
    });
    return make(
      'select',
      { id: 'rule', change: (event) => view.change({ rule: event.target.value }) },
      option('', t('console.all')),
      groups,
    );
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

  draw(found) {
    this.drawVerdicts();
    this.shown.textContent = t('review.shown', {
      shown: count(found.length),
      total: count(this.view.register.numberMatched),
    });
    this.park.replaceChildren(...(this.state.park ? [this.parkChip(this.state.park)] : []));
    this.clear.hidden = !NAMES.some((name) => this.state[name]);
  }

  // How many findings of each verdict there are, whichever verdict is looked for.
  countOf(verdict) {
    return this.view.register.findings.filter(
      (finding) =>
        finding.verdict === verdict &&
        this.isKept({ ...finding, verdict: this.state.verdict || verdict }),
    ).length;
  }

  drawVerdicts() {
    const focused = document.activeElement?.getAttribute('data-verdict');
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
        make('strong', {}, count(this.countOf(verdict))),
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
