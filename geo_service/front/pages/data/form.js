// The form by which a file is brought in, looked at before it is published.
import { dataText, make, shorten } from '../../shared/dom.js';
import { address } from '../api.js';
import { has, t, wordOf } from '../frame.js';
import { run } from '../jobs.js';
import { button, labelled, labelledFile, select } from '../parts.js';
import { columnName, layerList } from './layer_list.js';
import { report } from './report.js';
import { waysChoice } from './ways.js';

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
          button(
            dataText(choiceWord(error.parameter, choice.value)),
            () => answer(error.parameter, choice.value),
            { kind: 'plain small' },
          ),
          ' ',
          dataText(choice.evidence),
        ),
      ),
    ),
  );
}

// The workbooks to fill in, one for each layer.
function templatesFold() {
  const link = ({ name, title }) =>
    make(
      'a',
      {
        id: `template-${name}`,
        href: address(`/api/imports/templates/${encodeURIComponent(name)}`),
        download: '',
      },
      title,
    );
  return make(
    'details',
    { class: 'fold', id: 'templates' },
    make('summary', {}, t('data.templates')),
    make('p', { class: 'note' }, t('data.templates_note')),
    make(
      'ul',
      { class: 'templates' },
      layerList.importable.map((layer) => make('li', {}, link(layer))),
    ),
  );
}

// Whether a layer that was chosen has no features yet.
function isEmpty(layer) {
  return layer !== 'auto' && !layerList.layers.find((item) => item.name === layer)?.features;
}

// A file may be dropped anywhere on the page.
function takeDropped(input, inspect) {
  const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
  const mark = (isOver) => document.body.classList.toggle('is-dropping', isOver);
  document.addEventListener('dragover', (event) => {
    if (carriesFiles(event)) {
      event.preventDefault();
      mark(true);
    }
  });
  document.addEventListener('dragleave', (event) => event.relatedTarget ?? mark(false));
  document.addEventListener('drop', (event) => {
    if (carriesFiles(event)) {
      event.preventDefault();
      mark(false);
      input.files = event.dataTransfer?.files ?? null;
      input.dispatchEvent(new Event('change'));
      inspect();
    }
  });
}

// A choice as readers know it: layers and ways to take a file have names.
function choiceWord(parameter, value) {
  const section = { layer: 'layer', as: 'taken_as' }[parameter];
  return section ? wordOf(section, value) : value;
}

function layerChoice() {
  /** @type {[string, string][]} */
  const named = layerList.importable.map((item) => [item.name, item.title]);
  return select([['auto', t('data.layer_auto')], ...named], { id: 'import-layer', value: 'auto' });
}

function mappingFold(mapping) {
  return make(
    'details',
    { class: 'fold' },
    make('summary', {}, t('data.mapping')),
    labelledFile(t('data.mapping_file'), mapping, { help: t('data.mapping_help') }),
  );
}

export function importForm() {
  const file = make('input', { type: 'file', required: true, id: 'import-file' });
  const layer = layerChoice();
  const ways = waysChoice();
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
      ...ways.said(isEmpty(layer.value)),
      ...columns,
      ...answers,
    };
    const again = () => send(answers);
    const onFault = (error) =>
      choices(error, (name, value) => send({ ...answers, ...ways.answered(name, value) }));
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
  takeDropped(file, () => send());
  return [
    make(
      'div',
      { class: 'compare-form' },
      labelledFile(t('data.file'), file, { help: t('data.file_help') }),
      labelled(t('data.layer'), layer),
      labelled(t('data.crs'), crs),
    ),
    make('div', { class: 'compare-form ways-row' }, ways.node, press),
    templatesFold(),
    mappingFold(mapping),
    container,
  ];
}
