// Whom a park's leading industry buys from and sells to, and which of them the county lacks.
import { dataText, make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { count } from '../amounts.js';
import { emptyState } from '../api.js';
import { t } from '../frame.js';

export function chainPanel({ chain }) {
  const { suppliers, customers } = chain;
  if (!suppliers.length && !customers.length) {
    return emptyState(t('park.chain_none'));
  }
  return make(
    'div',
    { class: 'chain' },
    side(t('park.chain_suppliers'), suppliers),
    side(t('park.chain_customers'), customers),
  );
}

function side(title, partners) {
  return make(
    'section',
    {},
    make('h3', {}, title),
    partners.length ? make('ul', {}, partners.map(partner)) : make('p', { class: 'note' }, '—'),
  );
}

function partner({ code, name, relation, in_park: inPark, in_county: inCounty }) {
  const isMissing = inCounty === 0;
  return make(
    'li',
    { class: isMissing ? 'is-missing' : '', 'data-code': code },
    make('span', { class: 'chain-name' }, dataText(`${code} ${name}`)),
    relation ? make('span', { class: 'note' }, dataText(relation)) : null,
    isMissing
      ? make('span', { class: 'chip is-waived' }, t('park.chain_missing'))
      : make(
          'span',
          { class: 'chain-count' },
          hasValue(inCounty)
            ? [
                t('park.chain_in_park', { count: count(inPark) }),
                ' · ',
                t('park.chain_in_county', { count: count(inCounty) }),
              ]
            : null,
        ),
  );
}
