// Why a project is not in a park: the rules or needs that speak against it, or what it would lose.
import { dataText, make } from '../../shared/dom.js';
import { fillWith, get } from '../api.js';
import { t } from '../frame.js';
import { button, labelled, panel, select } from '../parts.js';
import { points } from './words.js';

export class WhyNot {
  constructor(found, path) {
    this.found = found;
    this.path = path;
    const given = new URLSearchParams(window.location.search);
    const projects = found.projects.map((one) => [one.project, one.project]);
    this.project = select(projects, { value: given.get('project') ?? '', id: 'why-project' });
    this.park = select(
      found.parks.map((park) => [park.park_id, `${park.name} ${park.park_id}`]),
      { value: given.get('park') ?? '', id: 'why-park' },
    );
    this.outcome = make('div', { id: 'why-not-outcome', 'aria-live': 'polite' });
  }

  panel() {
    if (!this.found.projects.length) {
      return null;
    }
    return panel(
      t('layouts.why_not'),
      { note: t('layouts.why_not_note'), id: 'why-not', className: 'no-print' },
      make(
        'div',
        { class: 'filters' },
        labelled(t('layout.head_project'), this.project),
        labelled(t('layout.head_park'), this.park),
        button(t('layouts.ask'), () => this.ask(), { id: 'ask-why-not' }),
      ),
      this.outcome,
    );
  }

  ask() {
    const parameters = { project: this.project.value, park: this.park.value };
    return fillWith(this.outcome, async () =>
      answer(await get(`${this.path}/why-not`, parameters)),
    );
  }
}

function answer(found) {
  return make(
    'div',
    { class: 'callout' },
    make('p', {}, dataText(found.why)),
    found.candidate_id
      ? make('p', { class: 'note' }, t('layouts.best_there'), ' ', code(found.candidate_id))
      : null,
    found.gains.length
      ? make(
          'ul',
          {},
          found.gains.map((text) => make('li', {}, dataText(text))),
        )
      : null,
    found.reasons.length
      ? make(
          'ul',
          {},
          found.reasons.map((reason) =>
            make('li', {}, code(reason.rule_id), ' ', dataText(reason.detail)),
          ),
        )
      : null,
    found.loses === null
      ? null
      : make('p', { class: 'note' }, t('layouts.would_lose', { points: points(found.loses) })),
  );
}

function code(text) {
  return make('code', {}, dataText(text));
}
