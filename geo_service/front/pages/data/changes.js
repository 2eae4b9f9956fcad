// What an import changes, feature by feature: values before and after, and shapes that move.
import { make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { number, squareMetres } from '../amounts.js';
import { fillWith, get } from '../api.js';
import { t } from '../frame.js';
import { columnName } from './layer_list.js';
import { listing, worded } from './listing.js';

// Each changed value of each feature is a line of its own.
function lines(altered) {
  return altered.flatMap(({ id, columns }) =>
    Object.entries(columns).map(([name, { before, after }]) => ({ id, name, before, after })),
  );
}

function metres(value) {
  return hasValue(value) ? `${number(value)} m` : null;
}

function lists({ altered, moved, counts }) {
  const values = lines(altered);
  const isCut = altered.length < counts.altered;
  return [
    listing(
      t('data.altered', { features: counts.altered }),
      isCut ? Math.max(values.length + 1, counts.altered) : values.length,
      [
        [t('data.feature'), (row) => row.id],
        [t('data.column'), (row) => columnName(row.name)],
        [t('data.was'), (row) => worded(row.before)],
        [t('data.now'), (row) => worded(row.after)],
      ],
      values,
    ),
    listing(
      t('data.moved'),
      counts.moved,
      [
        [t('data.feature'), (row) => row.id],
        [t('data.area_before'), (row) => squareMetres(row.geometry.area_before_m2)],
        [t('data.area_after'), (row) => squareMetres(row.geometry.area_after_m2)],
        [t('data.moved_area'), (row) => squareMetres(row.geometry.moved_area_m2)],
        [t('data.shifted'), (row) => metres(row.geometry.hausdorff_m)],
      ],
      moved,
    ),
  ];
}

// The two lists, fetched once they are put on the page; nothing where nothing is changed.
export function changedFeatures(found, own) {
  if (found.status === 'published' || !found.changes.changed) {
    return null;
  }
  const container = make('div', { id: 'changed-features' });
  fillWith(container, async () => lists(await get(`${own}/changes`)));
  return container;
}
