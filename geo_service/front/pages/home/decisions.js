// The parks that need a decision, the worst first, each with the one reason that decides.
import { dataText, make, shorten } from '../../shared/dom.js';
import { emptyState } from '../api.js';
import { count } from '../amounts.js';
import { pageAddress, parkAddress, start, t } from '../frame.js';
import { verdictBadge } from '../marks.js';

const LISTS = { fail: 'rectify', watch: 'watch', unknown: 'supplement' };

// The review's own list of what stands behind verdicts of a kind.
export function listAddress(verdict, park = '') {
  if (start.is_public) {
    return park ? parkAddress(park) : pageAddress('/');
  }
  const query = new URLSearchParams({ list: LISTS[verdict] ?? '' });
  if (park) {
    query.set('park', park);
  }
  return pageAddress(`/reviews/${encodeURIComponent(start.review_id)}?${query}`);
}

// found: what the service tells; parks by id; onPark(id) is called for one that is chosen.
export function decisionList({ decisions, decided_on: verdict }, parks, onPark) {
  if (!decisions.length) {
    return emptyState(t(verdict === 'pass' ? 'home.nothing_to_decide' : 'home.none_of_these'));
  }
  return make(
    'ol',
    { class: 'decisions' },
    decisions.map((item) => {
      const name = parks.get(item.park_id)?.name ?? item.park_id;
      const rules = t('home.decision_rules', {
        rules: count(item.rules),
        findings: count(item.findings),
      });
      return make(
        'li',
        {
          'data-park': item.park_id,
          click: (event) => !event.target.closest('a') && onPark(item.park_id),
        },
        verdictBadge(verdict, 16),
        make(
          'span',
          { class: 'decision-words' },
          make(
            'span',
            { class: 'decision-head' },
            make('a', { href: parkAddress(item.park_id) }, dataText(shorten(name, 60))),
            item.text
              ? make(
                  'a',
                  { class: 'decision-more', href: listAddress(verdict, item.park_id) },
                  rules,
                )
              : null,
          ),
          item.text
            ? make('span', { class: 'decision-reason', title: item.text }, dataText(item.text))
            : null,
        ),
      );
    }),
  );
}
