// One box for everything, on every page: Ctrl-K or the field in the head opens it. A program of its
// own beside the page's, so that it works on pages whose own program has failed.
import { dataText, make } from '../shared/dom.js';
import { fillIn } from '../shared/format.js';

const PAUSE_MS = 60;
const MOST = 20;
const WARM_AFTER_MS = 300;

const start = JSON.parse(document.getElementById('start')?.textContent ?? '{}');
const opener = /** @type {HTMLButtonElement | null} */ (document.getElementById('find'));

/**
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 */
function t(key, values) {
  return fillIn(start.texts[key] ?? key, values);
}

/**
 * @typedef {{ kind: string, id: string, label: string, detail: string, page: string,
 *   map: string | null }} Hit
 */

class Finder {
  constructor() {
    /** @type {Hit[]} */
    this.hits = [];
    this.chosen = 0;
    this.timer = 0;
    /** @type {AbortController | null} */
    this.asked = null;
    this.list = make('ul', {
      class: 'finder-list',
      id: 'finder-list',
      role: 'listbox',
      'aria-label': t('console.find'),
    });
    this.note = make('p', { class: 'finder-note', role: 'status' });
    this.input = make('input', {
      type: 'text',
      id: 'finder-input',
      inputmode: 'search',
      class: 'finder-input',
      role: 'combobox',
      placeholder: t('console.find_placeholder'),
      'aria-label': t('console.find'),
      'aria-controls': 'finder-list',
      'aria-expanded': 'false',
      'aria-autocomplete': 'list',
      autocomplete: 'off',
      spellcheck: 'false',
      maxlength: 100,
      input: () => this.wait(),
      keydown: (event) => this.onKey(event),
    });
    this.dialog = make(
      'dialog',
      { class: 'finder', 'aria-label': t('console.find') },
      this.input,
      this.list,
      this.note,
      make('p', { class: 'finder-keys' }, t('console.find_keys')),
    );
    this.dialog.addEventListener('click', ({ target }) => {
      if (target === this.dialog) {
        this.dialog.close();
      }
    });
    document.body.append(this.dialog);
  }

  open() {
    if (!this.dialog.open) {
      this.dialog.showModal();
    }
    this.input.select();
    this.ask(this.input.value);
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.ask(this.input.value), PAUSE_MS);
  }

  /** @param {string} typed */
  async ask(typed) {
    clearTimeout(this.timer);
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    const query = new URLSearchParams({ q: typed, limit: String(MOST), lang: start.lang });
    try {
      const answer = await fetch(`${start.root}/api/search?${query}`, { signal: asked.signal });
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      const { hits } = await answer.json();
      this.show(typed, hits);
    } catch {
      if (!asked.signal.aborted) {
        this.show(typed, []);
        this.note.textContent = t('console.find_failed');
      }
    }
  }

  /**
   * @param {string} typed
   * @param {Hit[]} hits
   */
  show(typed, hits) {
    this.hits = hits;
    this.answered = typed;
    this.list.replaceChildren(...hits.map((hit, index) => this.option(hit, index)));
    this.input.setAttribute('aria-expanded', String(hits.length > 0));
    const isTyped = typed.trim() !== '';
    this.note.textContent = !isTyped
      ? ''
      : hits.length
        ? t('console.find_hits', { count: hits.length })
        : t('console.find_none', { query: typed.trim().slice(0, 40) });
    this.choose(0);
  }

  /**
   * @param {Hit} hit
   * @param {number} index
   */
  option(hit, index) {
    return make(
      'li',
      {
        role: 'option',
        id: `finder-${index}`,
        'aria-selected': 'false',
        'data-kind': hit.kind,
        'data-id': hit.id,
        mousemove: () => this.choose(index),
        click: (event) => this.go(hit, event.shiftKey),
      },
      make('span', { class: 'finder-kind' }, t(`finder.${hit.kind}`)),
      make('span', { class: 'finder-label' }, dataText(hit.label)),
      hit.detail ? make('span', { class: 'finder-detail' }, dataText(hit.detail)) : null,
    );
  }

  /** @param {number} index */
  choose(index) {
    this.chosen = index;
    [...this.list.children].forEach((item, place) =>
      item.setAttribute('aria-selected', String(place === index)),
    );
    const item = this.list.children[index];
    if (item) {
      this.input.setAttribute('aria-activedescendant', item.id);
      item.scrollIntoView({ block: 'nearest' });
    } else {
      this.input.removeAttribute('aria-activedescendant');
    }
  }

  /** @param {KeyboardEvent} event */
  async onKey(event) {
    const { key, shiftKey } = event;
    if (event.isComposing) {
      return;
    }
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      event.preventDefault();
      const step = key === 'ArrowDown' ? 1 : -1;
      this.choose((this.chosen + step + this.hits.length) % Math.max(1, this.hits.length));
    } else if (key === 'Enter') {
      event.preventDefault();
      if (this.answered !== this.input.value) {
        await this.ask(this.input.value);
      }
      const hit = this.hits[this.chosen];
      if (hit) {
        this.go(hit, shiftKey);
      }
    }
  }

  /**
   * @param {Hit} hit
   * @param {boolean} isOnMap
   */
  go(hit, isOnMap) {
    this.dialog.close();
    window.location.assign(`${start.root}${(isOnMap && hit.map) || hit.page}`);
  }
}

/** @type {Finder | null} */
let finder = null;

function open() {
  finder ??= new Finder();
  finder.open();
}

// The service makes its index when it is first asked: before anybody types, once per review.
function warm() {
  const key = `finder ${start.review_id}`;
  try {
    if (window.sessionStorage.getItem(key)) {
      return;
    }
    window.sessionStorage.setItem(key, 'asked');
  } catch {
    // Without storage it is asked for on each page, which costs little.
  }
  fetch(`${start.root}/api/search?q=&limit=1`).catch(() => {});
}

opener?.addEventListener('click', open);
window.addEventListener('load', () => setTimeout(warm, WARM_AFTER_MS));
document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    open();
  }
});
