// What a page says that is about a scenario's plan and not about the county's own.
import { dataText, make } from '../shared/dom.js';
import { pageAddress, start, t } from './frame.js';

/** @param {string} asItIs the address of the same page about the plan of now */
export function scenarioNote(asItIs) {
  if (!start.scenario) {
    return null;
  }
  const bench = pageAddress(`/scenarios/${encodeURIComponent(start.scenario)}`);
  return make(
    'div',
    { class: 'callout', role: 'note', id: 'of-scenario' },
    make('p', {}, t('console.of_scenario'), ' ', dataText(start.scenario_name)),
    make(
      'div',
      { class: 'tools' },
      make('a', { class: 'button plain small', href: bench }, t('console.to_scenario')),
      make('a', { class: 'button plain small', href: asItIs }, t('console.as_it_is')),
    ),
  );
}
