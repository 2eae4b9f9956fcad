// A map in a frame of the page: waiting and failing are shown, and choices go both ways.
import { emptyState, loadingState } from './api.js';
import { make } from '../shared/dom.js';
import { button, panel } from './parts.js';
import { start, t } from './frame.js';

const ORIGIN = window.location.origin;

export function mapFrame(path, parameters, title, { onSelected = null } = {}) {
  const query = new URLSearchParams({ ...parameters, lang: start.lang });
  const source = `${start.root}${path}?${query}`;
  // Not lazy: a page may be printed before anybody has scrolled to its map.
  const frame = make('iframe', { title, allow: 'fullscreen' });
  const cover = make('div', { class: 'map-cover' });
  const node = make('div', { class: 'map-box' }, frame, cover);
  const waiting = [];
  let isReady = false;

  function load() {
    cover.hidden = false;
    cover.replaceChildren(loadingState(t('console.loading_map')));
    frame.src = source;
  }

  function isMap() {
    try {
      return Boolean(frame.contentDocument?.querySelector('.app'));
    } catch {
      return false;
    }
  }

  // What was asked for is not there, or was asked wrongly: to ask again cannot help.
  function isHopeless() {
    try {
      const { status } = JSON.parse(frame.contentDocument.getElementById('start').textContent);
      return status < 500;
    } catch {
      return false;
    }
  }

  frame.addEventListener('load', () => {
    if (frame.contentDocument?.URL === 'about:blank') {return;}
    if (isMap()) {
      cover.hidden = true;
      return;
    }
    cover.replaceChildren(
      emptyState(t('console.no_map'), {
        hint: t('console.no_map_hint'),
        sign: 'warn',
        action: isHopeless() ? null : button(t('console.retry'), load, { sign: 'again' }),
      }),
    );
  });

  window.addEventListener('message', (event) => {
    if (event.origin !== ORIGIN || event.source !== frame.contentWindow) {return;}
    const message = event.data;
    if (message?.geo === 'ready') {
      isReady = true;
      waiting.splice(0).forEach(post);
    } else if (message?.geo === 'selected' && onSelected) {
      onSelected(String(message.layer), message.id === null ? null : String(message.id));
    }
  });

  function post(message) {
    frame.contentWindow?.postMessage(message, ORIGIN);
  }

  // Only the latest word of each kind matters to a map that is not ready yet.
  function tell(message) {
    if (isReady) {
      post(message);
      return;
    }
    const same = waiting.findIndex(
      (item) => item.geo === message.geo && item.layer === message.layer,
    );
    if (same >= 0) {waiting.splice(same, 1);}
    waiting.push(message);
  }

  const open = make(
    'a',
    { class: 'button quiet no-print', href: source, target: '_blank', rel: 'noopener' },
    t('console.open_map'),
  );
  load();
  return {
    node,
    // The map under its title, with a link to it alone; on paper it takes a sheet of its own.
    panel: () =>
      make(
        'div',
        { class: 'map-side' },
        panel(title, { className: 'is-map', tools: [open] }, node),
      ),
    select: (layer, id) => tell({ geo: 'select', layer, id }),
    filter: (layer, ids) => tell({ geo: 'filter', layer, ids }),
    // Has a layer's features fetched again with more parameters; the link then leads to that map.
    refresh: (layer, more) => {
      tell({ geo: 'refresh', layer, query: new URLSearchParams(more).toString() });
      open.href = `${source}&${new URLSearchParams(more)}`;
    },
  };
}
