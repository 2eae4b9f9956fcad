// The layers: how many features, what is made up, which version, from where; and a way to
// bring in a file, looked at before it is published.
import { count } from './amounts.js';
import { errorState, get } from './api.js';
import { importForm } from './data/form.js';
import { layerList } from './data/layer_list.js';
import { savedContainer, showSaved } from './data/saved.js';
import { layersContainer, rasterOf, showLayers } from './data/layers.js';
import { setTitle, showPage, start, t } from './frame.js';
import { pageHead, panel } from './parts.js';

async function load() {
  try {
    const [found, imports] = await Promise.all([
      layerList.refresh(),
      start.may.import ? get('/api/imports') : { layers: [] },
    ]);
    layerList.elevation = rasterOf(found.elevation);
    layerList.importable = imports.layers;
    showLayers();
    setTitle(t('console.data_title'));
    showPage(
      pageHead(t('console.data_title'), {
        line: t('data.lead', {
          version: found.plan_version,
          count: count(layerList.layers.length),
        }),
      }),
      start.may.import
        ? panel(
            t('data.import'),
            { note: t('data.import_note'), className: 'no-print' },
            importForm(),
          )
        : null,
      panel(
        t('data.layers'),
        { note: start.illustrative ? t('data.layers_note') : null },
        layersContainer,
      ),
      panel(t('kept.title'), { note: t('kept.note'), className: 'no-print' }, savedContainer),
    );
    showSaved(savedContainer);
  } catch (error) {
    showPage(pageHead(t('console.data_title')), errorState(error, load));
  }
}

load();
