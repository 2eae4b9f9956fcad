// A map in a frame of the page: waiting and failing are shown, and choices go both ways.
import { emptyState, loadingState } from './api.js';
import { make } from '../shared/dom.js';
import { button, panel } from './parts.js';
import { start, t } from './frame.js';

const ORIGIN = window.location.origin;

/**
 * @param {string} path
 * @param {Record<string, string>} parameters
 * @param {string} title
 * @param {{ onSelected?: ((layer: string, id: string | null) => unknown) | null,
 *   onSketched?: ((points: number[][] | null) => unknown) | null,
 *   isSmallOnPaper?: boolean }} [options]
 *   onSelected is called when somebody chooses on the map; the id is null for nothing. onSketched
 *   is called with every point that is drawn on request, and with null when drawing has ended. A
 *   map that is small on paper stays as big as its frame when it is printed, and has no legend of
 *   its own
 */
export function mapFrame(path, parameters, title, options = {}) {
  const map = new MapFrame(path, parameters, title, options);
  map.frame.toggleAttribute('data-small-on-paper', Boolean(options.isSmallOnPaper));
  return map;
}

class MapFrame {
  /**
   * @param {string} path
   * @param {Record<string, string>} parameters
   * @param {string} title
   * @param {NonNullable<Parameters<typeof mapFrame>[3]>} options
   */
  constructor(path, parameters, title, { onSelected = null, onSketched = null }) {
    this.title = title;
    this.onSelected = onSelected;
    this.onSketched = onSketched;
    this.waiting = [];
    this.isReady = false;
    this.narrowedBy = '';
    this.source = sourceOf(path, parameters);
    // Not lazy: a page may be printed before anybody has scrolled to its map.
    this.frame = make('iframe', { title, allow: 'fullscreen' });
    this.cover = make('div', { class: 'map-cover' });
    this.node = make('div', { class: 'map-box' }, this.frame, this.cover);
    this.open = make(
      'a',
      { class: 'button quiet no-print', href: this.source, target: '_blank', rel: 'noopener' },
      t('console.open_map'),
    );
    this.frame.addEventListener('load', () => this.onLoad());
    window.addEventListener('message', (event) => this.receive(event));
    this.load();
  }

  // The map under its title, with a link to it alone; on paper it takes a sheet of its own.
  panel() {
    const options = { className: 'is-map', tools: [this.open] };
    return make('div', { class: 'map-side' }, panel(this.title, options, this.node));
  }

  select(layer, id) {
    this.tell({ geo: 'select', layer, id });
  }

  // Shows only these of a layer, all for null; isFit has the map go where they are.
  filter(layer, ids, { isFit = false } = {}) {
    this.tell({ geo: 'filter', layer, ids, isFit });
  }

  // Has a layer's features fetched again, those alone that fit; all of them for no filters.
  narrow(layer, filters) {
    const given = Object.entries(filters).filter(([, value]) => value);
    const query = new URLSearchParams(given).toString();
    if (query !== this.narrowedBy) {
      this.narrowedBy = query;
      this.tell({ geo: 'refresh', layer, query });
    }
  }

  // Has a layer's features fetched again with more parameters; the link then leads to that map.
  refresh(layer, more) {
    const query = new URLSearchParams(more).toString();
    this.tell({ geo: 'refresh', layer, query });
    this.open.href = `${this.source}&${query}`;
  }

  // Has a line or an area drawn from points; null ends that.
  sketch(kind, points = []) {
    this.tell({ geo: 'sketch', kind, points });
  }

  // Shows another map, at the place where this one is.
  change(path, parameters) {
    const { hash = '' } = placeOf(this.frame) ?? {};
    const source = sourceOf(path, parameters);
    const isSame = source === this.source;
    this.source = source;
    this.open.href = source;
    this.isReady = false;
    this.waiting = [];
    this.narrowedBy = '';
    this.load(hash, isSame);
  }

  load(hash = '', isSame = false) {
    this.cover.hidden = false;
    this.cover.replaceChildren(loadingState(t('console.loading_map')));
    // Not by `src`, which would put each map into the history.
    const inner = this.frame.contentWindow;
    if (isSame && inner && this.frame.isConnected) {
      inner.location.reload();
    } else if (inner && this.frame.isConnected) {
      inner.location.replace(`${this.source}${hash}`);
    } else {
      this.frame.src = `${this.source}${hash}`;
    }
  }

  onLoad() {
    const document = documentIn(this.frame);
    if (document?.URL === 'about:blank') {
      return;
    }
    if (document?.querySelector('.app')) {
      this.cover.hidden = true;
      this.cover.replaceChildren();
      return;
    }
    const again = button(t('console.retry'), () => this.load(), { sign: 'again' });
    this.cover.replaceChildren(
      emptyState(t('console.no_map'), {
        hint: t('console.no_map_hint'),
        sign: 'warn',
        action: isHopeless(document) ? null : again,
      }),
    );
  }

  receive({ origin, source, data }) {
    if (origin !== ORIGIN || source !== this.frame.contentWindow) {
      return;
    }
    if (data?.geo === 'ready') {
      this.isReady = true;
      this.waiting.splice(0).forEach((message) => this.post(message));
    } else if (data?.geo === 'sketched') {
      this.onSketched?.(data.points);
    } else if (data?.geo === 'sketch_ended') {
      this.onSketched?.(null);
    } else if (data?.geo === 'selected' && this.onSelected) {
      this.onSelected(String(data.layer), data.id === null ? null : String(data.id));
    }
  }

  post(message) {
    this.frame.contentWindow?.postMessage(message, ORIGIN);
  }

  // Only the latest word of each kind matters to a map that is not ready yet.
  tell(message) {
    if (this.isReady) {
      this.post(message);
      return;
    }
    const { geo, layer } = message;
    this.waiting = this.waiting.filter((item) => item.geo !== geo || item.layer !== layer);
    this.waiting.push(message);
  }
}

function sourceOf(path, parameters) {
  return `${start.root}${path}?${new URLSearchParams({ ...parameters, lang: start.lang })}`;
}

// Where a frame is, or null for one that may not be looked into.
function placeOf(frame) {
  try {
    return frame.contentWindow?.location ?? null;
  } catch {
    return null;
  }
}

// A frame's document, or null for one that may not be looked into.
function documentIn(frame) {
  try {
    return frame.contentDocument;
  } catch {
    return null;
  }
}

// What was asked for is not there, or was asked wrongly: to ask again cannot help.
function isHopeless(document) {
  try {
    const { status } = JSON.parse(document.getElementById('start').textContent);
    return status < 500;
  } catch {
    return false;
  }
}
