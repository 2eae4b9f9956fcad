// Puts a scenario on the plan of now. What merges by itself is merged; of each conflict somebody
// decides, looking at the value as it was, is now and would become, and at the verdicts under each
// choice. Nothing is chosen beforehand.
import { dataText, make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { VERDICTS } from '../../shared/symbols.js';
import { count, exact } from '../amounts.js';
import { ServiceError, loadingState } from '../api.js';
import { t, wordOf } from '../frame.js';
import { verdictBadge } from '../marks.js';
import { button, freshId } from '../parts.js';
import { openDialog } from '../dialog.js';
import { faultOf } from './words.js';

const CHOICES = ['ours', 'theirs'];

export function openRebase(bench) {
  const { document } = bench.store;
  const layers = document.moved_layers.map((layer) => wordOf('layer', layer));
  openDialog(t('scenarios.rebase'), (close) => {
    const box = make('div', { class: 'stack-small' });
    begin(bench, box, close);
    return [
      make('p', { class: 'note' }, t('scenarios.rebase_is', { layers: layers.join(', ') })),
      box,
    ];
  });
}

async function send(bench, box, close, choices) {
  box.replaceChildren(loadingState(t('scenarios.judging')));
  try {
    const body = { choices };
    const { document } = await bench.store.ask({ method: 'POST', path: '/rebase', body });
    close();
    bench.rebased(document);
  } catch (error) {
    const conflicts = error instanceof ServiceError ? error.document?.conflicts : null;
    if (conflicts) {
      showConflicts(bench, box, close, conflicts);
    } else {
      box.replaceChildren(faultOf(error, () => bench.reload()));
    }
  }
}

function begin(bench, box, close) {
  return send(bench, box, close, {});
}

function showConflicts(bench, box, close, conflicts) {
  /** @type {Record<string, string>} */
  const choices = {};
  const submit = make(
    'button',
    { type: 'submit', class: 'button strong', id: 'rebase', disabled: true },
    t('scenarios.rebase_now'),
  );
  const left = make('p', { class: 'note', role: 'status' });
  const tell = () => {
    const open = conflicts.length - Object.keys(choices).length;
    submit.disabled = open > 0;
    left.textContent = open ? t('scenarios.undecided', { count: count(open) }) : '';
  };
  const choose = (id, side) => {
    choices[id] = side;
    tell();
  };
  box.replaceChildren(
    make('p', {}, t('scenarios.conflicts', { count: count(conflicts.length) })),
    make(
      'form',
      {
        class: 'stack-small',
        submit: (event) => {
          event.preventDefault();
          send(bench, box, close, choices);
        },
      },
      conflicts.map((one) => conflictPart(one, choose)),
      make('div', { class: 'tools form-end' }, submit, button(t('console.cancel'), close), left),
    ),
  );
  tell();
}

function conflictPart(conflict, choose) {
  const name = freshId('choice');
  const words = { ours: t('scenarios.ours'), theirs: t('scenarios.theirs') };
  const heads = ['base', ...CHOICES].map((side) =>
    make('th', { scope: 'col' }, t(`scenarios.side_${side}`)),
  );
  return make(
    'fieldset',
    { class: 'conflict', 'data-id': conflict.edit_id },
    make('legend', {}, dataText(conflict.text)),
    make('p', { class: 'edit-reason' }, dataText(conflict.reason)),
    make(
      'div',
      { class: 'scroll' },
      make(
        'table',
        { class: 'table is-plain' },
        make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, t('scenarios.what')), heads)),
        make('tbody', {}, conflict.values.map(valueRow), verdictRow(conflict)),
      ),
    ),
    parksUnder(conflict.parks),
    conflict.can_stay ? null : refusalOf(conflict.refusal),
    make(
      'div',
      { class: 'choice', role: 'radiogroup', 'aria-label': t('scenarios.decide') },
      CHOICES.map((side) =>
        make(
          'label',
          {},
          make('input', {
            type: 'radio',
            name,
            value: side,
            disabled: side === 'ours' && !conflict.can_stay,
            change: () => choose(conflict.edit_id, side),
          }),
          words[side],
        ),
      ),
    ),
  );
}

// The parks whose verdict is another under each choice.
function parksUnder(parks) {
  return parks.length
    ? make(
        'ul',
        { class: 'plain-list under' },
        parks.map((park) =>
          make(
            'li',
            {},
            make('code', {}, dataText(park.park_id)),
            ' ',
            t('scenarios.park_under', {
              ours: verdictWord(park.ours),
              theirs: verdictWord(park.theirs),
            }),
          ),
        ),
      )
    : make('p', { class: 'under' }, t('scenarios.parks_alike'));
}

// Why the edit cannot stay.
function refusalOf(lines) {
  return make(
    'div',
    { class: 'field-fault' },
    make('p', {}, t('scenarios.cannot_stay')),
    lines.map((line) => make('p', {}, dataText(line))),
  );
}

function verdictWord(verdict) {
  return verdict ? t(`verdict.${verdict}`) : t('scenarios.no_park');
}

function valueRow(value) {
  const name = [
    wordOf('layer', value.layer),
    ' ',
    make('code', {}, dataText(value.id)),
    ' ',
    value.column ? dataText(value.label) : t('scenarios.feature_gone'),
  ];
  const cell = (side) => make('td', { 'data-side': side }, sideOf(value[side], value.column));
  return make('tr', {}, make('th', { scope: 'row' }, name), ['base', ...CHOICES].map(cell));
}

function sideOf(value, column) {
  if (column === null || !hasValue(value)) {
    return make('span', { class: 'note' }, '—');
  }
  if (typeof value === 'object') {
    return t('scenarios.a_shape');
  }
  return dataText(exact(value));
}

// Verdicts of the county under each choice.
function verdictRow({ verdicts }) {
  const cell = (side) => {
    const told = verdicts[side];
    return make(
      'td',
      { 'data-verdicts': side },
      told
        ? [
            VERDICTS.map((verdict) => [
              verdictBadge(verdict, 13),
              make('span', { class: 'hidden-words' }, t(`verdict.${verdict}`)),
              ` ${count(told.verdicts[verdict])} `,
            ]),
            make(
              'span',
              { class: 'under' },
              t('scenarios.so_many_findings', { count: count(told.findings_count) }),
            ),
          ]
        : make('span', { class: 'note' }, t('scenarios.not_possible')),
    );
  };
  return make(
    'tr',
    {},
    make('th', { scope: 'row' }, t('scenarios.verdicts')),
    make('td', {}, '—'),
    CHOICES.map(cell),
  );
}
