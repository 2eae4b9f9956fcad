// The form by which a file is brought in, looked at before it is published.
import { dataText, make, shorten } from '../../shared/dom.js';
import { has, t } from '../frame.js';
import { run } from '../jobs.js';
import { button, labelled, select } from '../parts.js';
import { columnName, layerList } from './layer_list.js';
import { report } from './report.js';

const CRS = ['auto', 'EPSG:4490', 'EPSG:4545', 'EPSG:4544', 'EPSG:4326', 'GCJ-02', 'BD-09'];

// What only the sender knows is asked: each choice with what speaks for it. It is answered under
// the name that it was asked by (`crs`, `unit:investment_cny`).
function choices(error, answer) {
  if (!error.choices?.length) {
    return null;
  }
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

export function importForm() {
  const file = make('input', { type: 'file', required: true, id: 'import-file' });
  const layer = select(
    layerList.importable.map((item) => [item.name, item.title]),
    { id: 'import-layer', value: 'parcels' },
  );
  const crs = select(
    CRS.map((item) => [item, item === 'auto' ? t('data.crs_auto') : item]),
    { id: 'import-crs', value: 'auto' },
  );
  const mapping = make('input', { type: 'file', accept: '.toml', id: 'import-mapping' });
  const container = make('div', { id: 'import-report', 'aria-live': 'polite' });
  const send = async (answers = {}) => {
    const chosen = file.files?.[0];
    if (!chosen) {
      file.focus();
      return;
    }
    press.disabled = true;
    const map = mapping.files?.[0];
    const columns = map ? { mapping: await map.text() } : {};
    const parameters = {
      layer: layer.value,
      filename: chosen.name,
      crs: crs.value,
      ...columns,
      ...answers,
    };
    const again = () => send(answers);
    const onFault = (error) => choices(error, (name, value) => send({ ...answers, [name]: value }));
    const body = { parameters, raw: chosen };
    const found = await run(container, '/api/imports', body, again, { onFault });
    press.disabled = false;
    if (found) {
      report(found, container);
    }
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
    container,
  ];
}
