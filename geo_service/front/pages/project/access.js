// How far a project may lie from facilities: a line each, with its limit.
import { make } from '../../shared/dom.js';
import { start, t, wordOf } from '../frame.js';
import { button, labelled, select } from '../parts.js';
import { numberInput } from './controls.js';

export class AccessRows {
  // kinds: the kinds of facilities that the schema allows; without them, those that have a name.
  constructor(kinds = namedKinds()) {
    this.kinds = kinds;
    this.node = make('div', { class: 'stack-small' });
    this.rows = new Map();
  }

  add(kind = this.kinds[0], limit = {}) {
    const kindSelect = select(
      this.kinds.map((item) => [item, wordOf('facility', item)]),
      { value: kind, class: 'access-kind' },
    );
    const value = numberInput({
      class: 'access-value',
      value: limit.max_minutes ?? limit.max_km ?? '',
    });
    /** @type {[string, string][]} */
    const units = [
      ['max_minutes', t('sites.minutes')],
      ['max_km', t('sites.km')],
    ];
    const unit = select(units, {
      value: 'max_km' in limit ? 'max_km' : 'max_minutes',
      class: 'access-unit',
    });
    const remove = () => {
      this.rows.delete(row);
      row.remove();
    };
    const row = make(
      'div',
      { class: 'access-row' },
      labelled(t('sites.facility'), kindSelect),
      labelled(t('sites.at_most'), value),
      labelled(t('sites.unit'), unit),
      button('', remove, { kind: 'quiet', sign: 'close', 'aria-label': t('sites.remove') }),
    );
    this.rows.set(row, { kind: kindSelect, value, unit });
    this.node.append(row);
  }

  read() {
    const access = {};
    for (const { kind, value, unit } of this.rows.values()) {
      if (value.value !== '') {
        access[kind.value] = { [unit.value]: Number(value.value) };
      }
    }
    return access;
  }

  fill(access) {
    this.rows.clear();
    this.node.replaceChildren();
    for (const [kind, limit] of Object.entries(access)) {
      this.add(kind, limit);
    }
  }
}

function namedKinds() {
  return Object.keys(start.texts)
    .filter((key) => key.startsWith('facility.') && !key.endsWith('_glyph'))
    .map((key) => key.slice('facility.'.length));
}
