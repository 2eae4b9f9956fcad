// The layers: how many features, what is made up, which version, from where; and a way to
// bring in a file, looked at before it is published.
import { ask, errorState, fillWith, get, loadingState } from './api.js';
import { dataText, make, shorten } from '../shared/dom.js';
import { button, labelled, pageHead, panel, select } from './parts.js';
import { commaIn, isGiven } from '../shared/format.js';
import { count, exact, percent, time } from './amounts.js';
import { has, setTitle, showPage, start, t } from './frame.js';
import { run } from './jobs.js';
import { mapFrame } from './mapframe.js';
import { table } from './table.js';

const CRS = ['auto', 'EPSG:4490', 'EPSG:4545', 'EPSG:4544', 'EPSG:4326', 'GCJ-02', 'BD-09'];
const SHOWN = 100;
let layers = [];
let elevation = null;
let importable = [];

function provenance(layer) {
  if (layer.isRaster)
    {return make(
      'span',
      { class: layer.illustrative ? 'chip is-illustrative' : 'chip is-real' },
      t(layer.illustrative ? 'data.illustrative_all' : 'data.real'),
    );}
  if (!layer.features) {return '—';}
  if (!layer.illustrative) {return make('span', { class: 'chip is-real' }, t('data.real'));}
  if (layer.illustrative === layer.features)
    {return make('span', { class: 'chip is-illustrative' }, t('data.illustrative_all'));}
  return make(
    'span',
    { class: 'chip is-illustrative' },
    t('data.illustrative_some', { share: percent(layer.illustrative / layer.features) }),
  );
}

function history(layer) {
  if (layer.isRaster) {return null;}
  const place = make('div');
  const node = make(
    'details',
    {
      toggle: () => node.open && !place.childElementCount && fillWith(place, () => versions(layer)),
    },
    make('summary', {}, t('data.history')),
    place,
  );
  return node;
}

// A button that publishes an earlier version again, once it is told what that means.
function restore(layer, item, newest) {
  const place = make('div');
  const askAgain = () => {
    const no = button(t('console.cancel'), () => place.replaceChildren(first), {
      kind: 'quiet small',
    });
    const yes = button(t('data.restore_now'), () => restoreNow(layer, item, newest, place), {
      kind: 'strong small',
    });
    place.replaceChildren(
      make(
        'p',
        { class: 'callout', role: 'status' },
        t('data.restore_sure', { layer: layer.title, number: item.number }),
      ),
      make('div', { class: 'tools' }, yes, no),
    );
    yes.focus();
  };
  const first = button(t('data.restore'), askAgain, {
    kind: 'plain small',
    'aria-label': t('data.restore_number', { number: item.number }),
  });
  place.append(first);
  return place;
}

async function restoreNow(layer, item, newest, place) {
  place.replaceChildren(loadingState(t('console.working')));
  try {
    const made = (
      await ask(`/api/layers/${encodeURIComponent(layer.name)}/rollback`, {
        method: 'POST',
        body: { version: String(item.number), expected: newest.version },
      })
    ).document;
    layers = (await get('/api/layers')).layers;
    layerPlace.replaceChildren(
      make(
        'p',
        { class: 'cure', role: 'status' },
        t('data.restored', { layer: layer.title, from: item.number, number: made.number }),
      ),
      layerTable(),
    );
  } catch (error) {
    place.replaceChildren(errorState(error));
  }
}

async function versions(layer) {
  const found = await get(`/api/layers/${encodeURIComponent(layer.name)}/history`);
  const [newest] = found.versions;
  const list = make(
    'ol',
    { class: 'plain-list versions-list' },
    found.versions
      .slice(0, 20)
      .map((item) =>
        make(
          'li',
          {},
          make('strong', {}, t('data.number', { number: item.number })),
          ' ',
          make('code', {}, dataText(item.version)),
          ' ',
          time(item.made_at),
          ' ',
          t('data.features_count', { count: count(item.features) }),
          make(
            'span',
            { class: 'under' },
            dataText(
              [item.number === 0 ? t('data.own_file') : item.note, item.source]
                .filter(Boolean)
                .join(' · '),
            ),
          ),
          item.version === newest.version ? null : restore(layer, item, newest),
        ),
      ),
  );
  return make(
    'div',
    {},
    list,
    layer.has_geometry
      ? make(
          'a',
          {
            href: `${start.root}/maps/time?${new URLSearchParams({ layer: layer.name, lang: start.lang })}`,
          },
          t('data.time_map'),
        )
      : null,
  );
}

function sources(layer) {
  if (!layer.sources.length) {return '—';}
  const [first, ...rest] = layer.sources;
  return make(
    'div',
    { class: 'sources' },
    make('p', {}, dataText(shorten(first, 160))),
    rest.length
      ? make(
          'details',
          {},
          make('summary', {}, t('data.more_sources', { count: rest.length })),
          make(
            'ul',
            { class: 'reasons' },
            rest.map((text) => make('li', {}, dataText(text))),
          ),
        )
      : null,
  );
}

function layerTable() {
  const list = table(
    [
      {
        key: 'title',
        label: t('data.layer'),
        isHead: true,
        value: (item) => item.title,
        show: (item) =>
          make(
            'span',
            {},
            item.title,
            make('span', { class: 'under' }, make('code', {}, item.name)),
          ),
      },
      {
        key: 'features',
        label: t('data.features'),
        css: 'number',
        isDownFirst: true,
        value: (item) => item.features,
        show: (item) => (item.isRaster ? t('data.raster') : count(item.features)),
      },
      {
        key: 'illustrative',
        label: t('data.kind'),
        value: (item) =>
          item.features ? item.illustrative / item.features : Number(item.illustrative),
        show: provenance,
      },
      {
        key: 'version',
        label: t('data.version'),
        show: (item) => make('span', {}, make('code', {}, dataText(item.version)), history(item)),
      },
      { key: 'sources', label: t('data.sources'), css: 'sources-cell', show: sources },
    ],
    { caption: t('data.layers') },
  );
  list.update(elevation ? [...layers, elevation] : layers);
  return list.node;
}

// The elevation model among the layers: a raster, which is not imported and has no versions.
function rasterOf(found) {
  return (
    found && {
      ...found,
      isRaster: true,
      name: 'dem',
      features: 0,
      sources: [found.source, t('data.elevation_note', { datum: found.vertical_datum })],
    }
  );
}

// ---- import ----

function facts(pairs) {
  return make(
    'dl',
    { class: 'facts' },
    pairs
      .filter(([, value]) => isGiven(value))
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

function columnName(name) {
  return has(`column.${name}`) ? t(`column.${name}`) : name;
}

const VALUES = ['tier', 'status', 'zone', 'scheme', 'facility', 'river', 'severity'];

// A value that is a word of the product, in the reader's language.
function worded(value) {
  const section = typeof value === 'string' && VALUES.find((one) => has(`${one}.${value}`));
  return section ? t(`${section}.${value}`) : value;
}

function written(value) {
  if (value === null || value === undefined) {return '—';}
  if (typeof value === 'boolean') {return t(value ? 'console.yes' : 'console.no');}
  return typeof value === 'object' ? JSON.stringify(value) : exact(value);
}

// A list of the report as a table that folds away. columns: [label, row => text]
function listing(title, total, columns, rows, link = null) {
  if (!rows.length) {return null;}
  const shown = rows.slice(0, SHOWN);
  return make(
    'details',
    { class: 'fold', open: rows.length <= 12 },
    make('summary', {}, `${title} (${count(total)})`),
    make(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
      make(
        'table',
        { class: 'table is-plain' },
        make('caption', { class: 'hidden-words' }, title),
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            columns.map(([label]) => make('th', { scope: 'col' }, label)),
          ),
        ),
        make(
          'tbody',
          {},
          shown.map((row) =>
            make(
              'tr',
              {},
              columns.map(([, cell]) => make('td', {}, dataText(shorten(written(cell(row)), 160)))),
            ),
          ),
        ),
      ),
    ),
    total > shown.length
      ? make(
          'p',
          { class: 'note' },
          t('console.shown', { shown: shown.length, total: count(total) }),
          ' ',
          link,
        )
      : link,
  );
}

function outcomeOf(found) {
  if (found.obstacle)
    {return make(
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
    );}
  return found.refused_count
    ? make(
        'p',
        { class: 'callout', role: 'status' },
        t('data.some_refused', { count: count(found.refused_count), rows: count(found.rows) }),
      )
    : make(
        'p',
        { class: 'cure', role: 'status' },
        t('data.all_fit', { count: count(found.features) }),
      );
}

// How many features publishing adds, changes, removes and leaves.
function changes(found) {
  if (found.status === 'published') {return null;}
  const { added, changed, removed, unchanged } = found.changes;
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
    facts(
      Object.entries({ added, changed, removed, unchanged }).map(([name, value]) => [
        t(`data.changes_${name}`),
        count(value),
      ]),
    ),
  );
}

// What would be new, changed, gone and refused, over the ground of the county.
function previewMap(found) {
  if (
    found.status === 'published' ||
    !importable.some((layer) => layer.name === found.layer && layer.has_geometry)
  )
    {return null;}
  return make(
    'div',
    { class: 'preview-map' },
    make('h4', {}, t('data.preview_map')),
    mapFrame('/maps/preview', { import_id: found.import_id }, t('data.preview_map')).node,
  );
}

function report(found, place) {
  const own = `/api/imports/${encodeURIComponent(found.import_id)}`;
  const outcome = make('div', { 'aria-live': 'polite' });
  const note = make('input', {
    type: 'text',
    maxlength: 500,
    autocomplete: 'off',
    id: 'import-note',
  });
  const publish = button(
    t('data.publish'),
    async () => {
      publish.disabled = true;
      const made = await run(outcome, `${own}/publish`, { parameters: { note: note.value } }, () =>
        publish.click(),
      );
      publish.disabled = false;
      if (!made) {return;}
      place.replaceChildren(
        make(
          'p',
          { class: 'cure', role: 'status' },
          t('data.published', {
            layer: titleOf(made.layer),
            count: count(made.features),
            version: made.version,
          }),
        ),
      );
      layers = (await get('/api/layers')).layers;
      layerPlace.replaceChildren(layerTable());
    },
    { kind: 'strong', id: 'publish', disabled: Boolean(found.obstacle) },
  );
  const discard = button(
    t('data.discard'),
    async () => {
      await ask(own, { method: 'DELETE' }).catch(() => null);
      place.replaceChildren();
    },
    { kind: 'plain' },
  );
  const whole = (name) =>
    make('a', { href: `${start.root}${own}/${name}`, download: '' }, t('data.whole_list'));
  const keys = Object.keys(found.sample[0]?.properties ?? {}).filter((name) =>
    found.sample.some(({ properties }) => isGiven(properties[name])),
  );
  place.replaceChildren(
    ...[
      make('h3', {}, t('data.preview')),
      outcomeOf(found),
      facts([
        [t('data.file'), `${found.file} · ${found.format}`],
        [t('data.layer'), titleOf(found.layer)],
        [t('data.rows'), count(found.rows)],
        [t('data.features'), count(found.features)],
        [t('data.refused'), count(found.refused_count)],
        [t('data.encoding'), found.encoding],
        [t('data.crs_declared'), found.crs.declared],
        [t('data.crs_detected'), found.crs.detected],
        [
          t('data.crs_evidence'),
          found.crs.evidence.length
            ? make(
                'ul',
                { class: 'plain-list' },
                found.crs.evidence.map((text) => make('li', {}, dataText(text))),
              )
            : null,
        ],
        [t('data.unused'), found.unused_columns.join(commaIn(start.lang))],
        [
          t('data.notes'),
          found.notes.length
            ? make(
                'ul',
                { class: 'plain-list' },
                found.notes.map((text) => make('li', {}, dataText(text))),
              )
            : null,
        ],
      ]),
      changes(found),
      previewMap(found),
      listing(
        t('data.refused_list'),
        found.refused_count,
        [
          [t('data.row'), (row) => row.row],
          [t('data.feature'), (row) => row.feature],
          [t('data.column'), (row) => columnName(row.column)],
          [t('data.reason'), (row) => row.text],
        ],
        found.refused,
        whole('refused'),
      ),
      listing(
        t('data.repairs'),
        Object.values(found.repair_counts).reduce((sum, one) => sum + one, 0),
        [
          [t('data.row'), (row) => row.row],
          [t('data.feature'), (row) => row.feature],
          [t('data.repair'), (row) => row.text],
          [t('data.column'), (row) => columnName(row.column)],
          [t('data.was'), (row) => row.before],
          [t('data.now'), (row) => row.after],
        ],
        found.repairs,
        whole('repairs'),
      ),
      listing(
        t('data.columns'),
        found.columns.length,
        [
          [t('data.column'), (row) => `${columnName(row.column)} (${row.column})`],
          [t('data.from_column'), (row) => row.source],
          [t('data.how'), (row) => row.how_text],
          [
            t('data.units'),
            (row) =>
              row.unit && row.unit !== row.to_unit
                ? `${row.unit} → ${row.to_unit}`
                : (row.to_unit ?? ''),
          ],
        ],
        found.columns,
      ),
      keys.length
        ? listing(
            t('data.sample'),
            found.sample.length,
            keys
              .slice(0, 8)
              .map((name) => [
                name === 'park_id' && found.layer === 'parks'
                  ? t('data.park_id')
                  : columnName(name),
                (row) => worded(row.properties[name]),
              ]),
            found.sample,
          )
        : null,
      found.status === 'published'
        ? null
        : make(
            'div',
            { class: 'compare-form form-end' },
            labelled(t('data.note'), note, { help: t('data.note_help') }),
            publish,
            discard,
          ),
      outcome,
    ].filter(Boolean),
  );
}

function titleOf(layer) {
  return has(`layer.${layer}`) ? t(`layer.${layer}`) : layer;
}

// What only the sender knows is asked: each choice with what speaks for it. It is answered under
// the name that it was asked by (`crs`, `unit:investment_cny`).
function choices(error, answer) {
  if (!error.choices?.length) {return null;}
  const [kind, column] = error.parameter.split(':');
  const asked = has(`data.choose_${kind}`)
    ? t(`data.choose_${kind}`, { column: column ? columnName(column) : '' })
    : t('data.choose', { parameter: error.parameter });
  return make(
    'div',
    { class: 'callout choices', role: 'alert' },
    make('p', { class: 'state-title' }, asked),
    make('p', { class: 'note' }, dataText(shorten(error.detail.split(/\. |。|\n/)[0], 300))),
    make(
      'ul',
      { class: 'plain-list' },
      error.choices.map((choice) =>
        make(
          'li',
          {},
          button(dataText(choice.value), () => answer(error.parameter, choice.value), {
            kind: 'plain small',
          }),
          ' ',
          dataText(choice.evidence),
        ),
      ),
    ),
  );
}

function importForm() {
  const file = make('input', { type: 'file', required: true, id: 'import-file' });
  const layer = select(
    importable.map((item) => [item.name, item.title]),
    { id: 'import-layer', value: 'parcels' },
  );
  const crs = select(
    CRS.map((item) => [item, item === 'auto' ? t('data.crs_auto') : item]),
    { id: 'import-crs', value: 'auto' },
  );
  const mapping = make('input', { type: 'file', accept: '.toml', id: 'import-mapping' });
  const place = make('div', { id: 'import-report', 'aria-live': 'polite' });
  const send = async (given = {}) => {
    const chosen = file.files[0];
    if (!chosen) {
      file.focus();
      return;
    }
    press.disabled = true;
    const columns = mapping.files[0] ? { mapping: await mapping.files[0].text() } : {};
    const parameters = {
      layer: layer.value,
      filename: chosen.name,
      crs: crs.value,
      ...columns,
      ...given,
    };
    const found = await run(place, '/api/imports', { parameters, raw: chosen }, () => send(given), {
      onFault: (error) => choices(error, (name, value) => send({ ...given, [name]: value })),
    });
    press.disabled = false;
    if (found) {report(found, place);}
  };
  const press = button(t('data.look'), () => send(), {
    kind: 'strong',
    sign: 'upload',
    id: 'import',
  });
  return [
    make(
      'div',
      { class: 'compare-form' },
      labelled(t('data.file'), file, { help: t('data.file_help') }),
      labelled(t('data.layer'), layer),
      labelled(t('data.crs'), crs),
      press,
    ),
    make(
      'details',
      { class: 'fold' },
      make('summary', {}, t('data.mapping')),
      labelled(t('data.mapping_file'), mapping, { help: t('data.mapping_help') }),
    ),
    place,
  ];
}

const layerPlace = make('div');

async function load() {
  try {
    const [found, taken] = await Promise.all([get('/api/layers'), get('/api/imports')]);
    layers = found.layers;
    elevation = rasterOf(found.elevation);
    importable = taken.layers;
    layerPlace.replaceChildren(layerTable());
    setTitle(t('console.data_title'));
    showPage(
      pageHead(t('console.data_title'), {
        line: t('data.lead', { version: found.plan_version, count: count(layers.length) }),
      }),
      panel(
        t('data.layers'),
        { note: start.illustrative ? t('data.layers_note') : null },
        layerPlace,
      ),
      panel(t('data.import'), { note: t('data.import_note'), className: 'no-print' }, importForm()),
    );
  } catch (error) {
    showPage(pageHead(t('console.data_title')), errorState(error, load));
  }
}

load();
