// Lets a scenario become the plan: which edits, and who does it; and takes a publication back.
import { dataText, make } from '../../shared/dom.js';
import { count, time } from '../amounts.js';
import { loadingState } from '../api.js';
import { start, t, wordOf } from '../frame.js';
import { button, labelled } from '../parts.js';
import { openDialog } from '../dialog.js';
import { author, faultOf, keepAuthor } from './words.js';

export function openPublish(bench) {
  openDialog(t('scenarios.publish'), (close) => new PublishForm(bench, close).node);
}

class PublishForm {
  constructor(bench, close) {
    this.bench = bench;
    this.close = close;
    const { document } = bench.store;
    this.outcome = make('div');
    this.ticks = document.edits.map((edit) =>
      make('input', {
        type: 'checkbox',
        checked: edit.enabled,
        value: edit.edit_id,
        change: () => this.tell(),
      }),
    );
    this.by = make('input', { type: 'text', maxlength: 200, autocomplete: 'name' });
    this.by.value = author();
    this.send = make(
      'button',
      { type: 'submit', class: 'button strong', id: 'publish-now' },
      t('scenarios.publish_now'),
    );
    this.node = make(
      'form',
      {
        class: 'stack-small',
        submit: (event) => {
          event.preventDefault();
          this.submit();
        },
      },
      make('p', { class: 'note' }, t('scenarios.publish_is')),
      document.is_current ? null : make('p', { class: 'callout' }, t('scenarios.rebase_first')),
      make(
        'fieldset',
        { class: 'publish-edits' },
        make('legend', {}, t('scenarios.which_edits')),
        document.edits.map((edit, at) => tickOf(edit, at, this.ticks[at])),
      ),
      labelled(t('scenarios.publisher'), this.by, { help: t('scenarios.publisher_help') }),
      this.outcome,
      make('div', { class: 'tools form-end' }, this.send, button(t('console.cancel'), close)),
    );
    this.tell();
  }

  get chosen() {
    return this.ticks.filter((tick) => tick.checked).map((tick) => tick.value);
  }

  tell() {
    this.send.disabled = !this.chosen.length;
  }

  async submit() {
    const { store } = this.bench;
    this.send.disabled = true;
    keepAuthor(this.by.value);
    this.outcome.replaceChildren(loadingState(t('scenarios.publishing')));
    try {
      const body = {
        edits: this.chosen,
        plan_version: store.document.base.plan_version,
        author: this.by.value,
      };
      const { document } = await store.ask({ method: 'POST', path: '/publish', body });
      this.close();
      const layers = count(document.layers.length);
      this.bench.published(document, t('scenarios.published', { count: layers }));
    } catch (error) {
      this.outcome.replaceChildren(faultOf(error, () => this.bench.reload()));
      this.tell();
    }
  }
}

function tickOf(edit, at, tick) {
  return make(
    'label',
    { class: 'check' },
    tick,
    make(
      'span',
      {},
      `${at + 1} · `,
      dataText(edit.text),
      make('span', { class: 'under' }, dataText(edit.reason)),
    ),
  );
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
      : start.may.publish
        ? button(t('scenarios.unpublish'), undo, { kind: 'plain small', 'data-undo': '' })
        : null,
    outcome,
  );
}
