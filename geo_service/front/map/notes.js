// Notes and messages that stand on the map: what is made up, what is missing, sources, loading.
import { dataText, make } from '../shared/dom.js';
import { commaIn } from '../shared/format.js';
import { settings, text } from './settings.js';

export function illustrativeNote() {
  return settings.is_illustrative
    ? make(
        'p',
        { class: 'illustrative-note', role: 'note', title: text('has_illustrative_more') },
        make('strong', null, text('has_illustrative')),
        make('span', null, text('has_illustrative_more')),
      )
    : null;
}

export function credits() {
  const drawn = make('span', { class: 'credits-drawn' }, `${text('drawn_with')}: Leaflet`);
  const approval = settings.approval_number
    ? make(
        'span',
        { class: 'credits-approval' },
        text('approval_number'),
        ' ',
        dataText(settings.approval_number),
      )
    : null;
  if (!settings.credits.length) {
    return make('div', { class: 'credits' }, approval, drawn);
  }
  const more = make(
    'span',
    { class: 'credits-text' },
    `${text('credits')}: `,
    settings.credits.map((credit, index) => [index ? '; ' : '', dataText(credit)]),
  );
  const line = make(
    'button',
    { type: 'button', class: 'credits-line', title: text('credits') },
    more,
  );
  const element = make('div', { class: 'credits' }, line, approval, drawn);
  line.addEventListener('click', () => element.classList.toggle('is-open'));
  return element;
}

// What is missing where there is nothing to show, and where to bring it in.
export function emptyNote() {
  const { missing } = settings;
  if (!missing) {
    return null;
  }
  return make(
    'section',
    { class: 'empty-note', role: 'note' },
    make('h2', null, text(missing.is_all ? 'empty_all' : 'empty_parks')),
    make(
      'p',
      null,
      text('empty_hint', { layers: missing.layers.join(commaIn(settings.language)) }),
    ),
    missing.address
      ? make('a', { href: missing.address, target: '_top' }, text('empty_open'))
      : null,
  );
}

// Who made the base map that is shown.
export function creditBasemap(backdrop) {
  const drawn = document.querySelector('.credits-drawn');
  const maker = backdrop && backdrop.attribution ? [' · ', dataText(backdrop.attribution)] : [];
  drawn?.replaceChildren(`${text('drawn_with')}: Leaflet`, ...maker);
}

// ---- messages ----

export class Messages {
  constructor(retry) {
    this.retry = retry;
    this.element = make('div', { class: 'messages' });
    this.status = make('p', { class: 'message', role: 'status', hidden: true });
    this.alert = make('div', { class: 'message message-bad', role: 'alert', hidden: true });
    this.element.append(this.status, this.alert);
  }

  /**
   * @param {object} loading
   * @param {'loading' | 'slow' | 'failed' | 'done'} loading.state
   * @param {number} [loading.done]
   * @param {number} [loading.total]
   * @param {{ label: string }[]} [loading.failed]
   * @param {string} [loading.reason]
   */
  show({ state, done = 0, total = 0, failed = [], reason = '' }) {
    const isLoading = state === 'loading' || state === 'slow';
    this.status.hidden = !isLoading;
    if (isLoading) {
      this.status.textContent = text(state, { done, total });
    }
    this.alert.hidden = state !== 'failed';
    if (state === 'failed') {
      const names = failed.map((source) => source.label).join(commaIn(settings.language));
      this.alert.replaceChildren(
        make(
          'p',
          null,
          make('strong', null, text('load_failed', { names })),
          make('span', null, reason),
        ),
        make('button', { type: 'button', class: 'retry', click: this.retry }, text('retry')),
      );
    }
  }
}
