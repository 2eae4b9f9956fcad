// What is done with an import: published, with a loss owned up to, dropped, or taken back.
import { make } from '../../shared/dom.js';
import { count } from '../amounts.js';
import { ask, errorState } from '../api.js';
import { t } from '../frame.js';
import { run } from '../jobs.js';
import { button, labelled } from '../parts.js';
import { layerList, titleOf } from './layer_list.js';
import { showLayers } from './layers.js';
import { savedContainer, showSaved } from './saved.js';

// The tick that stands before a loss that nobody said: what goes, in words.
function lossTick(found, change) {
  if (found.obstacle !== 'unsaid') {
    return null;
  }
  const { removed } = found.changes;
  const [first, second] = [
    found.emptied.length ? t('data.tick_emptied', { count: count(found.emptied.length) }) : null,
    found.changes.is_mostly_removed ? t('data.tick_removed', { count: count(removed) }) : null,
  ].filter(Boolean);
  const losses = second ? t('data.tick_both', { first, second }) : first;
  const input = make('input', { type: 'checkbox', id: 'import-loss', change });
  return {
    input,
    node: make(
      'label',
      { class: 'loss tick' },
      input,
      make('span', {}, t('data.tick', { losses })),
    ),
  };
}

// The field for a note, the tick where something is lost, and what is done with the import.
export function decision(found, own, container, outcome) {
  const note = make('input', {
    type: 'text',
    maxlength: 500,
    autocomplete: 'off',
    id: 'import-note',
  });
  const tick = lossTick(found, () => {
    publish.disabled = !tick?.input.checked;
  });
  const publish = button(
    t('data.publish'),
    async () => {
      publish.disabled = true;
      const as = tick?.input.checked ? { as: 'whole' } : {};
      const options = { parameters: { note: note.value, ...as } };
      const made = await run(outcome, `${own}/publish`, options, () => publish.click());
      publish.disabled = false;
      if (made) {
        await showPublished(made, container);
      }
    },
    { kind: 'strong', id: 'publish', disabled: Boolean(found.obstacle) },
  );
  const discard = button(
    t('data.discard'),
    async () => {
      await ask(own, { method: 'DELETE' }).catch(() => null);
      container.replaceChildren();
    },
    { kind: 'plain' },
  );
  return make(
    'div',
    { class: 'form-end' },
    tick?.node,
    make(
      'div',
      { class: 'compare-form' },
      labelled(t('data.note'), note, { help: t('data.note_help') }),
      publish,
      discard,
    ),
  );
}

async function refreshed() {
  await layerList.refresh();
  showLayers();
  showSaved(savedContainer);
}

async function showPublished(made, container) {
  const words = t('data.published', {
    layer: titleOf(made.layer),
    count: count(made.features),
    version: made.version,
  });
  // The news comes when the table agrees with it: what is opened in the table then stays open.
  try {
    await refreshed();
  } finally {
    container.replaceChildren(make('p', { class: 'cure' }, words));
    showToast(made, words);
  }
}

// Says what was published, and takes it back on request; it stays until it is closed.
function showToast(made, words) {
  document.querySelector('.toast')?.remove();
  const body = make('p', { role: 'status' }, words);
  const undo = made.undo
    ? button(t('data.undo'), () => takeBack(made, toast, body), {
        kind: 'strong small',
        sign: 'again',
        id: 'undo',
      })
    : null;
  const close = button(t('data.close'), () => toast.remove(), { kind: 'quiet small' });
  const toast = make('div', { class: 'toast no-print' }, body, undo, close);
  document.body.append(toast);
}

async function takeBack(made, toast, body) {
  const press = toast.querySelector('#undo');
  press.disabled = true;
  try {
    await ask(`/api/layers/${encodeURIComponent(made.layer)}/rollback`, {
      method: 'POST',
      body: { ...made.undo, note: t('data.undo_note', { file: made.file }) },
    });
    press.remove();
    try {
      await refreshed();
    } finally {
      body.textContent = t('data.undone', { layer: titleOf(made.layer) });
    }
  } catch (error) {
    press.disabled = false;
    body.replaceChildren(body.firstChild ?? '', errorState(error));
  }
}
