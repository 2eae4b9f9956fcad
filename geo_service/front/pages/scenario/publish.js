// Lets a scenario become the plan: which edits, and who does it; and takes a publication back.
import { dataText, make } from '../../shared/dom.js';
import { count, time } from '../amounts.js';
import { loadingState } from '../api.js';
import { t, wordOf } from '../frame.js';
import { button, labelled } from '../parts.js';
import { openDialog } from './dialog.js';
import { author, faultOf, keepAuthor } from './words.js';

export function openPublish(bench) {
  const { document } = bench.store;
  openDialog(t('scenarios.publish'), (close) => {
    const outcome = make('div');
    const ticks = document.edits.map((edit) =>
      make('input', {
        type: 'checkbox',
        checked: edit.enabled,
        value: edit.edit_id,
        change: () => tell(),
      }),
    );
    const by = make('input', { type: 'text', maxlength: 200, autocomplete: 'name' });
    by.value = author();
    const submit = make(
      'button',
      { type: 'submit', class: 'button strong', id: 'publish-now' },
      t('scenarios.publish_now'),
    );
    const chosen = () => ticks.filter((tick) => tick.checked).map((tick) => tick.value);
    const tell = () => {
      submit.disabled = !chosen().length;
    };
    const send = async () => {
      submit.disabled = true;
      keepAuthor(by.value);
      outcome.replaceChildren(loadingState(t('scenarios.publishing')));
      try {
        const body = {
          edits: chosen(),
          plan_version: document.base.plan_version,
          author: by.value,
        };
        const done = await bench.store.ask({ method: 'POST', path: '/publish', body });
        close();
        bench.published(done.document, t('scenarios.published', layersOf(done.document)));
      } catch (error) {
        outcome.replaceChildren(faultOf(error, () => bench.reload()));
        tell();
      }
    };
    tell();
    return make(
      'form',
      {
        class: 'stack-small',
        submit: (event) => {
          event.preventDefault();
          send();
        },
      },
      make('p', { class: 'note' }, t('scenarios.publish_is')),
      document.is_current ? null : make('p', { class: 'callout' }, t('scenarios.rebase_first')),
      make(
        'fieldset',
        { class: 'publish-edits' },
        make('legend', {}, t('scenarios.which_edits')),
        document.edits.map((edit, at) =>
          make(
            'label',
            { class: 'check' },
            ticks[at],
            make(
              'span',
              {},
              `${at + 1} · `,
              dataText(edit.text),
              make('span', { class: 'under' }, dataText(edit.reason)),
            ),
          ),
        ),
      ),
      labelled(t('scenarios.publisher'), by, { help: t('scenarios.publisher_help') }),
      outcome,
      make('div', { class: 'tools form-end' }, submit, button(t('console.cancel'), close)),
    );
  });
}

function layersOf({ layers }) {
  return { count: count(layers.length) };
}

// What of a scenario was published, the latest first, each with a way back.
export function publications(bench) {
  const { published } = bench.store.document;
  if (!published.length) {
    return null;
  }
  return make(
    'section',
    { class: 'stack-small', 'aria-labelledby': 'published-title' },
    make('h3', { id: 'published-title' }, t('scenarios.publications')),
    make(
      'ul',
      { class: 'plain-list' },
      [...published].reverse().map((one) => publication(bench, one)),
    ),
  );
}

function publication(bench, one) {
  const outcome = make('div');
  const layers = Object.keys(one.layers).map((layer) => wordOf('layer', layer));
  const undo = async () => {
    outcome.replaceChildren(loadingState());
    try {
      const body = { publication_id: one.publication_id };
      const done = await bench.store.ask({ method: 'POST', path: '/undo', body });
      bench.published(done.document, t('scenarios.unpublished'));
    } catch (error) {
      outcome.replaceChildren(faultOf(error, () => bench.reload()));
    }
  };
  return make(
    'li',
    { class: 'publication', 'data-id': one.publication_id },
    make(
      'p',
      {},
      time(one.at),
      one.author ? [' · ', dataText(one.author)] : null,
      ' · ',
      t('scenarios.so_many_edits', { count: count(one.edits.length) }),
    ),
    make('p', { class: 'under' }, layers.join(' · ')),
    one.undone_at
      ? make('p', { class: 'under' }, t('scenarios.undone', { time: time(one.undone_at) }))
      : button(t('scenarios.unpublish'), undo, { kind: 'plain small', 'data-undo': '' }),
    outcome,
  );
}
