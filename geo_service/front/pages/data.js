// The layers: how many features, what is made up, which version, from where; and a way to
// bring in a file, looked at before it is published.
import { count } from './amounts.js';
import { errorState, get } from './api.js';
import { importForm } from './data/form.js';
import { known } from './data/known.js';
import { keptPlace, showKept } from './data/kept.js';
import { layerPlace, rasterOf, showLayers } from './data/layers.js';
import { setTitle, showPage, start, t } from './frame.js';
import { pageHead, panel } from './parts.js';

async function load() {
  try {
    const [found, taken] = await Promise.all([known.refresh(), get('/api/imports')]);
    known.elevation = rasterOf(found.elevation);
    known.importable = taken.layers;
    showLayers();
    setTitle(t('console.data_title'));
    showPage(
      pageHead(t('console.data_title'), {
        line: t('data.lead', { version: found.plan_version, count: count(known.layers.length) }),
      }),
      panel(
        t('data.layers'),
        { note: start.illustrative ? t('data.layers_note') : null },
        layerPlace,
      ),
      panel(t('data.import'), { note: t('data.import_note'), className: 'no-print' }, importForm()),
      panel(t('kept.title'), { note: t('kept.note'), className: 'no-print' }, keptPlace),
    );
    showKept(keptPlace);
  } catch (error) {
    showPage(pageHead(t('console.data_title')), errorState(error, load));
  }
}

load();
