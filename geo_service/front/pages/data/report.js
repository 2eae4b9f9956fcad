// What a file would bring in, before it is published: what fits, what changes, what is refused.
import { dataText, make } from '../../shared/dom.js';
import { commaIn, hasValue } from '../../shared/format.js';
import { count } from '../amounts.js';
import { start, t } from '../frame.js';
import { mapFrame } from '../mapframe.js';
import { changedFeatures } from './changes.js';
import { effectBox, lostColumns } from './costs.js';
import { decision } from './decision.js';
import { columnName, layerList, titleOf } from './layer_list.js';
import { listing, worded } from './listing.js';

function facts(pairs) {
  return make(
    'dl',
    { class: 'facts' },
    pairs
      .filter(([, value]) => hasValue(value))
      .map(([name, value]) =>
        make(
          'div',
          {},
          make('dt', {}, name),
          make('dd', {}, value instanceof Node ? value : dataText(value)),
        ),
      ),
  );
}

function outcomeOf(found) {
  if (found.obstacle && found.obstacle !== 'unsaid') {
    return make(
      'div',
      { class: 'state is-error', role: 'alert' },
      make('p', { class: 'state-title' }, t(`data.obstacle_${found.obstacle}`)),
      found.breaks.length
        ? make(
            'ul',
            { class: 'detail' },
            found.breaks.slice(0, 20).map((text) => make('li', {}, dataText(text))),
          )
        : null,
    );
  }
  return found.refused_count
    ? make(
        'p',
        { class: 'callout', role: 'status' },
        t('data.some_refused', { count: count(found.refused_count), rows: count(found.rows) }),
      )
    : make(
        'p',
        { class: 'cure', role: 'status' },
        t(found.as === 'update' ? 'data.all_update' : 'data.all_fit', {
          count: count(found.joined ?? found.features),
        }),
      );
}

// How many features publishing adds, changes, removes and leaves.
function changes(found) {
  if (found.status === 'published') {
    return null;
  }
  const { added, changed, removed, unchanged, altered, moved } = found.changes;
  return make(
    'div',
    { class: 'import-changes' },
    make('h4', {}, t('data.changes')),
    found.changes.is_mostly_removed
      ? make(
          'p',
          { class: 'callout', role: 'alert' },
          t('data.mostly_removed', {
            removed: count(removed),
            before: count(removed + changed + unchanged),
          }),
        )
      : null,
    lostColumns(found),
    facts(
      Object.entries({ added, changed, removed, unchanged }).map(([name, value]) => [
        t(`data.changes_${name}`),
        count(value),
      ]),
    ),
    changed
      ? make(
          'p',
          { class: 'note', id: 'changed-how' },
          t('data.changed_how', { altered: count(altered), moved: count(moved) }),
        )
      : null,
  );
}

// What would be new, changed, gone and refused, over the ground of the county.
function previewMap(found) {
  if (
    found.status === 'published' ||
    !layerList.importable.some((layer) => layer.name === found.layer && layer.has_geometry)
  ) {
    return null;
  }
  return make(
    'div',
    { class: 'preview-map' },
    make('h4', {}, t('data.preview_map')),
    mapFrame('/maps/preview', { import_id: found.import_id }, t('data.preview_map')).node,
  );
}

// Shows the report of an import, with the ways to publish and to discard it.
export function report(result, container) {
  const own = `/api/imports/${encodeURIComponent(result.import_id)}`;
  const outcome = make('div', { 'aria-live': 'polite' });
  container.replaceChildren(
    ...[
      make('h3', {}, t('data.preview')),
      outcomeOf(result),
      changes(result),
      effectBox(result, own),
      about(result),
      previewMap(result),
      changedFeatures(result, own),
      ...listings(result, own),
      result.status === 'published' ? null : decision(result, own, container, outcome),
      outcome,
    ].filter(Boolean),
  );
}

function about(found) {
  return facts([
    [t('data.file'), `${found.file} · ${found.format}`],
    [t('data.layer'), titleOf(found.layer)],
    [t('data.guessed'), found.guessed?.text],
    [t('data.as'), t(`taken_as.${found.as}`)],
    [t('data.rows'), count(found.rows)],
    [t('data.features'), count(found.features)],
    [t('data.refused'), count(found.refused_count)],
    [t('data.encoding'), found.encoding],
    [t('data.crs_declared'), found.crs.declared],
    [t('data.crs_detected'), found.crs.detected],
    [t('data.crs_evidence'), listOf(found.crs.evidence)],
    [t('data.filled'), listOf(filled(found))],
    [t('data.unused'), found.unused_columns.join(commaIn(start.lang))],
    [t('data.notes'), listOf(found.notes)],
  ]);
}

// Columns that the file does not have, and what stands in for them.
function filled({ filled: values }) {
  return Object.entries(values).map(([name, value]) => {
    const label = columnName(name);
    if (name === 'illustrative') {
      return t('data.filled_unmarked', { label });
    }
    const how = value === '' ? 'empty' : value === 'measured' ? 'measured' : 'value';
    return t(`data.filled_${how}`, { label, value: worded(value) });
  });
}

function listOf(texts) {
  return texts.length
    ? make(
        'ul',
        { class: 'plain-list' },
        texts.map((text) => make('li', {}, dataText(text))),
      )
    : null;
}

function listings(found, own) {
  const whole = (name) =>
    make('a', { href: `${start.root}${own}/${name}`, download: '' }, t('data.whole_list'));
  const repairs = Object.values(found.repair_counts).reduce((sum, one) => sum + one, 0);
  return [
    listing(
      t('data.refused_list'),
      found.refused_count,
      [...placeColumns(), [t('data.reason'), (row) => row.text]],
      found.refused,
      whole('refused'),
    ),
    found.needs_look_count
      ? make(
          'p',
          { class: 'callout', role: 'status', id: 'needs-look' },
          t('data.needs_look_count', { count: count(found.needs_look_count) }),
        )
      : null,
    listing(t('data.repairs'), repairs, repairColumns(), repairsOf(found), whole('repairs')),
    listing(t('data.columns'), found.columns.length, columnColumns(), found.columns),
    listing(t('data.sample'), found.sample.length, sampleColumns(found), found.sample),
  ];
}

/** @returns {[string, (row: any) => unknown][]} */
function placeColumns() {
  return [
    [t('data.row'), (row) => row.row],
    [t('data.feature'), (row) => row.feature],
    [t('data.column'), (row) => columnName(row.column)],
  ];
}

// Those that somebody should look at come first.
function repairsOf({ repairs }) {
  return [...repairs].sort((one, other) => Number(other.needs_look) - Number(one.needs_look));
}

/** @returns {[string, (row: any) => unknown][]} */
function repairColumns() {
  const [row, feature, column] = placeColumns();
  return [
    row,
    feature,
    [t('data.repair'), (item) => item.text],
    column,
    [t('data.was'), (item) => item.before],
    [t('data.now'), (item) => item.after],
    [t('data.needs_look'), (item) => (item.needs_look ? t('console.yes') : '')],
  ];
}

/** @returns {[string, (row: any) => unknown][]} */
function columnColumns() {
  const units = ({ unit, to_unit: own }) =>
    unit && unit !== own ? `${unit} → ${own}` : (own ?? '');
  return [
    [t('data.column'), (row) => `${columnName(row.column)} (${row.column})`],
    [t('data.from_column'), (row) => row.source],
    [t('data.how'), (row) => row.how_text],
    [t('data.units'), units],
  ];
}

/**
 * Of the columns that have any value, the first eight.
 * @returns {[string, (row: any) => unknown][]}
 */
function sampleColumns({ sample, layer }) {
  const names = Object.keys(sample[0]?.properties ?? {}).filter((name) =>
    sample.some(({ properties }) => hasValue(properties[name])),
  );
  const label = (name) =>
    name === 'park_id' && layer === 'parks' ? t('data.park_id') : columnName(name);
  // A year is no amount: it stands without a comma.
  const cell = (name, value) => (name === 'year' ? String(value) : worded(value));
  return names.slice(0, 8).map((name) => [label(name), (row) => cell(name, row.properties[name])]);
}
