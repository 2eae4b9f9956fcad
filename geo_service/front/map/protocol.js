// What the map says to the page that frames it, and what that page may ask of it. Both are of
// one origin; messages from any other are not looked at.
//   to the map:    { geo: 'select', layer, id } ·
//                  { geo: 'filter', layer, ids: [...] | null, isFit }: show these, and go there ·
//                  { geo: 'refresh', layer, query }: its features, asked for with more parameters ·
//                  { geo: 'sketch', kind: 'point' | 'line' | 'area' | null, points }: have one
//                  drawn, end it
//   from the map:  { geo: 'ready' } when everything is loaded · { geo: 'selected', layer, id },
//                  with id null when nothing of the layer is selected any more ·
//                  { geo: 'sketched', points } with every point · { geo: 'sketch_ended' }
import { isFramed, settings } from './settings.js';

const MOST_IDS = 100000;
const LONGEST_QUERY = 10000;
const DIGITS = 7;
const SHAPES = ['point', 'line', 'area'];

// Longitude and latitude to the centimetre.
function position({ lng, lat }) {
  return [Number(lng.toFixed(DIGITS)), Number(lat.toFixed(DIGITS))];
}

function isPosition(point) {
  return Array.isArray(point) && point.length === 2 && point.every((part) => Number.isFinite(part));
}

function isName(value) {
  return typeof value === 'string' && settings.sources.some((source) => source.name === value);
}

export class Protocol {
  constructor(page) {
    this.page = page;
    this.waiting = null;
    this.isReady = false;
    this.wanted = null;
    if (isFramed) {
      window.addEventListener('message', (event) => this.receive(event));
    }
  }

  say(message) {
    if (isFramed) {
      window.parent.postMessage(message, window.location.origin);
    }
  }

  ready() {
    this.isReady = true;
    this.say({ geo: 'ready' });
    if (this.waiting) {
      const { layer, id } = this.waiting;
      this.waiting = null;
      this.select(layer, id);
    }
  }

  selected({ layer, id }) {
    this.say({ geo: 'selected', layer, id });
  }

  receive({ origin, source, data }) {
    if (origin !== window.location.origin || source !== window.parent || !data) {
      return;
    }
    if (data.geo === 'sketch') {
      this.sketch(data);
      return;
    }
    if (!isName(data.layer)) {
      return;
    }
    if (data.geo === 'select' && typeof data.id === 'string') {
      this.select(data.layer, data.id);
    } else if (data.geo === 'filter' && (data.ids === null || Array.isArray(data.ids))) {
      this.page.filter(data.layer, data.ids && data.ids.slice(0, MOST_IDS).map(String));
      if (data.isFit === true) {
        this.page.fit(data.layer);
      }
    } else if (
      data.geo === 'refresh' &&
      typeof data.query === 'string' &&
      data.query.length < LONGEST_QUERY
    ) {
      this.page.sight.narrow(data.layer, new URLSearchParams(data.query));
    }
  }

  // Has a shape drawn, from points that are given; ends it for another kind.
  sketch({ kind, points }) {
    const { tools } = this.page;
    if (!SHAPES.includes(kind)) {
      tools.stopFor();
      return;
    }
    const given = Array.isArray(points) ? points.filter(isPosition) : [];
    tools.startFor(kind, given, (/** @type {L.LatLng[]} */ drawn) =>
      this.say({ geo: 'sketched', points: drawn.map(position) }),
    );
  }

  sketchEnded() {
    this.say({ geo: 'sketch_ended' });
  }

  // What is asked for before the features are there waits for them; it is not said back. A feature
  // that the map does not hold is fetched, if it is still wanted then.
  async select(layer, id) {
    if (!this.isReady) {
      this.waiting = { layer, id };
      return;
    }
    this.wanted = id;
    const item = this.page.find(layer, id) || (await this.page.sight.bring(layer, id));
    if (item && this.wanted === id) {
      this.page.show(item);
      this.page.selectItem(item, { isQuiet: true });
    }
  }
}
