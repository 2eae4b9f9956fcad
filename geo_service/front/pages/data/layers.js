// The table of layers: how many features, what is made up, which version, from where.
import { dataText, make, nodesOf, shorten } from '../../shared/dom.js';
import { count, percent, time } from '../amounts.js';
import { address, ask, errorState, fillWith, get, loadingState } from '../api.js';
import { start, t } from '../frame.js';
import { button } from '../parts.js';
import { table } from '../table.js';
import { layerList } from './layer_list.js';

export const layersContainer = make('div');

function provenance(layer) {
  if (layer.isRaster) {
    return make(
      'span',
      { class: layer.illustrative ? 'chip is-illustrative' : 'chip' },
      t(layer.illustrative ? 'data.illustrative_all' : 'data.unmarked'),
    );
  }
  if (!layer.features) {
    return '—';
  }
  if (!layer.illustrative) {
    return make('span', { class: 'chip', title: t('data.unmarked_hint') }, t('data.unmarked'));
  }
  if (layer.illustrative === layer.features) {
    return make('span', { class: 'chip is-illustrative' }, t('data.illustrative_all'));
  }
  return make(
    'span',
    { class: 'chip is-illustrative' },
    t('data.illustrative_some', { share: percent(layer.illustrative / layer.features) }),
  );
}

// What became of a layer's own file, where a person has to know.
const FILE_STATES = ['changed', 'broken', 'missing', 'unrecorded'];

function fileState(layer) {
  return FILE_STATES.includes(layer.own_file)
    ? make('span', { class: 'chip is-changed' }, t(`data.file_${layer.own_file}`))
    : null;
}

// Whether own files count, and which of them wait to be imported or cannot be read.
function fileNotices() {
  const told = layerList.layers.filter((layer) => FILE_STATES.includes(layer.own_file));
  const lines = told.map((layer) =>
    make('li', {}, make('strong', {}, layer.title), ' ', t(`data.file_${layer.own_file}_long`)),
  );
  const callout = (id, ...body) => make('div', { class: 'callout', role: 'status', id }, body);
  return [
    layerList.isPublished ? null : callout('own-files', t('data.own_counts')),
    lines.length ? callout('edited-files', make('ul', { class: 'plain-list' }, lines)) : null,
  ];
}

// Shows the table of layers as it is known now, below what is to be told.
export function showLayers(...notices) {
  layersContainer.replaceChildren(...nodesOf([notices, fileNotices(), layerTable()]));
}

function history(layer) {
  if (layer.isRaster) {
    return null;
  }
  const container = make('div');
  const node = make(
    'details',
    {
      toggle: () =>
        node.open && !container.childElementCount && fillWith(container, () => versions(layer)),
    },
    make('summary', {}, t('data.history')),
    container,
  );
  return node;
}

// A button that publishes an earlier version again, once it is told what that means.
function restore(layer, item, newest) {
  const container = make('div');
  const askAgain = () => {
    const no = button(t('console.cancel'), () => container.replaceChildren(first), {
      kind: 'quiet small',
    });
    const yes = button(t('data.restore_now'), () => restoreNow(layer, item, newest, container), {
      kind: 'strong small',
    });
    container.replaceChildren(
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
  container.append(first);
  return container;
}

async function restoreNow(layer, item, newest, container) {
  container.replaceChildren(loadingState(t('console.working')));
  try {
    const made = (
      await ask(`/api/layers/${encodeURIComponent(layer.name)}/rollback`, {
        method: 'POST',
        body: { version: String(item.number), expected: newest.version },
      })
    ).document;
    await layerList.refresh();
    showLayers(
      make(
        'p',
        { class: 'cure', role: 'status' },
        t('data.restored', { layer: layer.title, from: item.number, number: made.number }),
      ),
    );
  } catch (error) {
    container.replaceChildren(errorState(error));
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
              [
                item.as ? t(`taken_as.${item.as}`) : null,
                item.number === 0 ? t('data.own_file') : item.note,
                item.source,
                item.account,
              ]
                .filter(Boolean)
                .join(' · '),
            ),
          ),
          item.version === newest.version || !start.may.import
            ? null
            : restore(layer, item, newest),
        ),
      ),
  );
  const map = address('/maps/time', { layer: layer.name });
  const link = layer.has_geometry ? make('a', { href: map }, t('data.time_map')) : null;
  return make('div', {}, list, link);
}

function sources(layer) {
  if (!layer.sources.length) {
    return '—';
  }
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
        show: (item) =>
          make(
            'span',
            {},
            make('code', {}, dataText(item.version)),
            ' ',
            fileState(item),
            history(item),
          ),
      },
      { key: 'sources', label: t('data.sources'), css: 'sources-cell', show: sources },
    ],
    { caption: t('data.layers') },
  );
  list.update(layerList.elevation ? [...layerList.layers, layerList.elevation] : layerList.layers);
  return list.node;
}

// The elevation model among the layers: a raster, which is not imported and has no versions.
export function rasterOf(found) {
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
