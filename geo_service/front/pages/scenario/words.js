// What is said of edits and of what went wrong with them.
import { dataText, make } from '../../shared/dom.js';
import { ServiceError, errorState } from '../api.js';
import { t } from '../frame.js';
import { button } from '../parts.js';

/** @type {[string, string[]][]} */
export const OPS = [
  ['enterprises', ['move_enterprise', 'add_enterprise', 'close_enterprise']],
  ['parks', ['set_leading_industry', 'reshape_park', 'add_park', 'close_park']],
  ['parcels', ['rezone_parcel', 'split_parcel', 'merge_parcels']],
  ['project', ['place_project']],
  ['built', ['add_building', 'add_facility', 'add_road', 'add_zone']],
  ['value', ['set_value']],
];
export const EVERY_OP = OPS.flatMap(([, ops]) => ops);

const AUTHOR = 'geo-author';

// Who works at this browser, as it was said last.
export function author() {
  try {
    return sessionStorage.getItem(AUTHOR) ?? '';
  } catch {
    return '';
  }
}

export function keepAuthor(name) {
  try {
    sessionStorage.setItem(AUTHOR, name);
  } catch {
    // Then it is asked again.
  }
}

/**
 * A fault in words: somebody else was quicker, or what the service refuses.
 * @param {any} error
 * @param {(() => unknown) | null} [reload]
 */
export function faultOf(error, reload = null) {
  if (error instanceof ServiceError && error.status === 412 && reload) {
    return make(
      'div',
      { class: 'callout', role: 'alert' },
      make('p', {}, t('scenarios.stale')),
      button(t('scenarios.reload'), reload, { kind: 'plain small', sign: 'again' }),
    );
  }
  if (error instanceof ServiceError && error.kind === 'refused') {
    const lines = error.document?.faults?.length
      ? error.document.faults.map((fault) => fault.message)
      : error.errors.length
        ? error.errors
        : [error.detail];
    const head = error.document?.faults?.length ? error.detail.split('\n')[0] : null;
    return make(
      'div',
      { class: 'field-fault', role: 'alert' },
      head ? make('p', {}, dataText(head)) : null,
      lines.map((line) => make('p', {}, dataText(line))),
    );
  }
  return errorState(error);
}
