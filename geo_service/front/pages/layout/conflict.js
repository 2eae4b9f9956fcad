// Why no layout meets the goals: the requirements that clash, and the least that would do.
import { dataText, make } from '../../shared/dom.js';
import { exact, percent } from '../amounts.js';
import { emptyState } from '../api.js';
import { t, has } from '../frame.js';
import { panel } from '../parts.js';

export function conflictPanel(found) {
  const clashes = Map.groupBy(found.conflict, (one) => one.clash);
  return panel(
    t('layout.conflict'),
    { note: t('layouts.conflict_note'), id: 'conflict' },
    clashes.size
      ? [...clashes].map(([number, items]) => clash(number, items))
      : emptyState(t('layouts.no_conflict_found')),
  );
}

function clash(number, items) {
  return make(
    'section',
    { class: 'clash', 'data-clash': number },
    make('h3', {}, t('layouts.clash', { number, count: items.length })),
    items[0].is_minimal ? null : make('p', { class: 'note' }, t('layouts.not_minimal')),
    make(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('layout.conflict') },
      tableOf(items),
    ),
  );
}

function tableOf(items) {
  return make(
    'table',
    { class: 'table is-plain' },
    make(
      'thead',
      {},
      make(
        'tr',
        {},
        ['requirement', 'has', 'needs', 'cure'].map((name) =>
          make(
            'th',
            { scope: 'col', class: name === 'has' || name === 'needs' ? 'number' : '' },
            t(`layout.head_${name}`),
          ),
        ),
      ),
    ),
    make(
      'tbody',
      {},
      items.map((one) =>
        make(
          'tr',
          { 'data-kind': one.kind },
          make('th', { scope: 'row' }, dataText(one.requirement)),
          make('td', { class: 'number' }, figure(one.has, one.unit)),
          make('td', { class: 'number' }, figure(one.needs, one.unit)),
          make('td', {}, dataText(one.relaxation_words)),
        ),
      ),
    ),
  );
}

function figure(value, unit) {
  if (value === null || value === undefined) {
    return '—';
  }
  if (unit === 'share') {
    return percent(value);
  }
  const word = unit && has(`layout_unit.${unit}`) ? t(`layout_unit.${unit}`) : (unit ?? '');
  return `${exact(value)} ${word}`.trim();
}
