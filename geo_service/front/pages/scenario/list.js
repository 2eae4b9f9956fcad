// The list of edits: what each does, why, who, whether it counts, its place; undo and redo.
import { dataText, elementIn, make } from '../../shared/dom.js';
import { count, time } from '../amounts.js';
import { emptyState } from '../api.js';
import { t } from '../frame.js';
import { button } from '../parts.js';
import { faultOf } from './words.js';

export class EditList {
  // bench: { store, chosen, choose(id), reload() }
  constructor(bench) {
    this.bench = bench;
    this.fault = make('div');
    this.items = make('ol', { class: 'edits', id: 'edits' });
    this.undo = button(t('scenarios.undo'), () => this.run(() => bench.store.undo()), {
      kind: 'plain small',
      id: 'undo',
    });
    this.redo = button(t('scenarios.redo'), () => this.run(() => bench.store.redo()), {
      kind: 'plain small',
      id: 'redo',
    });
    this.heading = make('h2', { id: 'edits-title' });
    this.head = make(
      'div',
      { class: 'bench-head' },
      this.heading,
      make('div', { class: 'tools' }, this.undo, this.redo),
    );
    this.node = make('div', { class: 'stack-small' }, this.head, this.fault, this.items);
    document.addEventListener('keydown', (event) => this.onKey(event));
  }

  // Ctrl+Z and Ctrl+Shift+Z, where nobody is typing.
  onKey(event) {
    const isTyping = event.target.closest?.('input, textarea, select, dialog');
    if (isTyping || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') {
      return;
    }
    event.preventDefault();
    (event.shiftKey ? this.redo : this.undo).click();
  }

  // Does something to the scenario; what stands against it is said above the list.
  async run(work, { focus = '' } = {}) {
    this.fault.replaceChildren();
    try {
      await work();
    } catch (error) {
      this.fault.replaceChildren(faultOf(error, () => this.bench.reload()));
      this.draw();
    }
    if (focus) {
      elementIn(this.items, focus)?.focus();
    }
  }

  draw() {
    const { store } = this.bench;
    const { edits } = store;
    this.heading.textContent = t('scenarios.edits', { count: count(edits.length) });
    this.undo.disabled = !store.done.length;
    this.redo.disabled = !store.undone.length;
    if (edits.length) {
      this.items.replaceChildren(...edits.map((edit, at) => this.item(edit, at)));
    } else {
      const none = emptyState(t('scenarios.no_edits'), { hint: t('scenarios.no_edits_hint') });
      this.items.replaceChildren(make('li', { class: 'is-none' }, none));
    }
  }

  item(edit, at) {
    const { store, chosen } = this.bench;
    const id = edit.edit_id;
    const isChosen = id === chosen;
    const on = make('input', {
      type: 'checkbox',
      role: 'switch',
      checked: edit.enabled,
      'aria-label': t('scenarios.counts', { number: at + 1 }),
      change: () =>
        this.run(() => store.switch(id, on.checked), {
          focus: `[data-id="${CSS.escape(id)}"] input`,
        }),
    });
    const name = make(
      'button',
      {
        type: 'button',
        class: 'edit-name',
        'aria-expanded': String(isChosen),
        click: () => this.bench.choose(isChosen ? null : id),
      },
      make('span', { class: 'rank-no' }, String(at + 1)),
      dataText(edit.text, {}, 'span'),
    );
    return make(
      'li',
      {
        class: `edit${edit.enabled ? '' : ' is-off'}${isChosen ? ' is-chosen' : ''}`,
        'data-id': id,
        'data-op': edit.op,
      },
      make('div', { class: 'edit-line' }, name, on),
      make('p', { class: 'edit-reason' }, dataText(edit.reason)),
      make(
        'p',
        { class: 'under' },
        edit.author ? [dataText(edit.author), ' · '] : null,
        time(edit.at),
        edit.enabled ? null : [' · ', t('scenarios.is_off')],
      ),
      isChosen ? this.tools(edit, at) : null,
    );
  }

  // What is done with the edit that is chosen.
  tools(edit, at) {
    const { store } = this.bench;
    const id = edit.edit_id;
    const number = at + 1;
    const moved = (way, words, sign) =>
      button('', () => this.move(id, way), {
        kind: 'plain small',
        sign,
        'aria-label': words,
        title: words,
        'data-way': String(way),
        disabled: at + way < 0 || at + way >= store.edits.length,
      });
    return make(
      'div',
      { class: 'edit-tools tools' },
      moved(-1, t('scenarios.up', { number }), 'up'),
      moved(1, t('scenarios.down', { number }), 'down'),
      button(t('scenarios.reword'), () => this.reword(edit), { kind: 'plain small' }),
      button(t('scenarios.drop'), () => this.run(() => store.drop(id)), {
        kind: 'plain small',
        'aria-label': t('scenarios.drop_edit', { number }),
      }),
    );
  }

  move(id, way) {
    const own = `[data-id="${CSS.escape(id)}"]`;
    return this.run(() => this.bench.store.move(id, way), {
      focus: `${own} [data-way="${way}"]:not(:disabled), ${own} .edit-name`,
    });
  }

  reword(edit) {
    const item = this.items.querySelector(`[data-id="${CSS.escape(edit.edit_id)}"]`);
    const words = make('textarea', {
      class: 'edit-words',
      maxlength: 2000,
      required: true,
      'aria-label': t('scenarios.reason'),
    });
    words.value = edit.reason;
    const form = make(
      'form',
      {
        class: 'stack-small',
        submit: (event) => {
          event.preventDefault();
          this.run(() => this.bench.store.explain(edit.edit_id, words.value));
        },
      },
      words,
      make(
        'div',
        { class: 'tools' },
        make('button', { type: 'submit', class: 'button strong small' }, t('scenarios.keep')),
        button(t('console.cancel'), () => this.draw(), { kind: 'plain small' }),
      ),
    );
    item?.querySelector('.edit-reason')?.replaceWith(form);
    words.focus();
  }
}

// The number of an edit in the list, as a way to it.
export function editLink(bench, id) {
  const at = bench.store.edits.findIndex((edit) => edit.edit_id === id);
  return at < 0
    ? make('code', {}, id)
    : button(String(at + 1), () => bench.choose(id, { isSeen: true }), {
        kind: 'edit-link',
        'aria-label': t('scenarios.edit_number', { number: at + 1 }),
        title: bench.store.edits[at].text,
      });
}
