// Features that are asked for after the page has loaded: others of a source, as the page around
// the map narrows it; one that the map does not hold; and, of a source that has more than a page
// asks for at once, those in sight whenever the map has come to rest.
import { LoadError, fetchCollection } from './data.js';
import { settings, text } from './settings.js';

const REST_MS = 300;
const ROOM = 0.2;

function sourceOf(layer) {
  return settings.sources.find(({ name, address }) => name === layer && address);
}

export class Sight {
  // page: { drawings, layersBySource, selected, find(layer, id), settleReceived(), tell(state),
  //   receive(source, collection, bounds), selectItem(item, options) }
  constructor(page) {
    this.page = page;
    this.timer = 0;
    this.narrowed = new Map();
    this.turns = new Map();
    // The zoom at which what is held was asked for: an answer may come when the map is elsewhere.
    this.zooms = new Map();
  }

  // ---- what is in sight ----

  // Waits until nothing moves any more.
  look() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.askForSight(), REST_MS);
  }

  askForSight() {
    for (const drawing of this.page.drawings) {
      for (const source of drawing.sources.filter(({ is_partial: isPartial }) => isPartial)) {
        const bounds = this.boundsToAsk(drawing, source);
        if (bounds !== undefined) {
          this.ask(source, bounds);
        }
      }
    }
  }

  // Where features are to be asked for: null for everywhere, undefined if those held suffice.
  boundsToAsk({ map, held }, source) {
    const has = held.get(source.name);
    if (!has || (!has.bounds && has.isWhole)) {
      return undefined;
    }
    const layers = this.page.layersBySource.get(source.name) || [];
    const nearest = Math.min(...layers.map((layer) => layer.min_zoom));
    if (map.getZoom() < nearest) {
      return has.bounds ? null : undefined;
    }
    const view = map.getBounds();
    const isSeen = has.bounds && has.bounds.contains(view);
    const isSame = isSeen && (has.isWhole || this.zooms.get(source) === map.getZoom());
    return isSame ? undefined : view.pad(ROOM);
  }

  // ---- asking ----

  // Gets a source's features anew, asked for with more parameters.
  async narrow(layer, more) {
    const source = sourceOf(layer);
    if (source) {
      this.narrowed.set(layer, more);
      await this.ask(source, null);
      this.look();
    }
  }

  // Gets a source's features within bounds, or all for null; the last ones asked for count.
  async ask(source, bounds) {
    const turn = {};
    this.turns.set(source, turn);
    const zoom = this.page.drawings[source.map].map.getZoom();
    const address = new URL(source.address, document.baseURI);
    const within = bounds ? [['bbox', bounds.toBBoxString()]] : [];
    for (const [name, value] of [...(this.narrowed.get(source.name) || []), ...within]) {
      address.searchParams.set(name, value);
    }
    try {
      const collection = await fetchCollection(address.href);
      if (this.turns.get(source) === turn) {
        this.zooms.set(source, zoom);
        this.replace(source, collection, bounds);
      }
    } catch (error) {
      this.page.tell({
        state: 'failed',
        failed: [source],
        reason: error instanceof LoadError ? error.message : text('reason_broken'),
      });
    }
  }

  // Shows other features of a source; what is selected stays so while it is among them, and also
  // when only another part of the map is in sight.
  replace(source, collection, bounds) {
    const { page } = this;
    const drawing = page.drawings[source.map];
    const isOpen = page.dock.isOpen;
    const id = page.selected?.layer === source.name ? page.selected.id : null;
    const before = bounds && id !== null ? drawing.find(source.name, id) : null;
    page.receive(source, collection, bounds);
    if (before && !drawing.find(source.name, id)) {
      drawing.add(source, before.feature);
    }
    page.settleReceived();
    const item = id === null ? null : page.find(source.name, id);
    if (item) {
      // When only the view has changed, the sheet is the one that it was.
      if (isOpen && !bounds) {
        item.drawing.open(item, item.drawing.boundsOf(item).getCenter(), []);
      }
      page.selectItem(item, { isQuiet: true });
    }
  }

  // Gets one finding that the map does not hold; null if there is no such one.
  async bring(layer, id) {
    const source = sourceOf(layer);
    if (!source || layer !== 'findings') {
      return null;
    }
    const address = new URL(source.address, document.baseURI);
    address.searchParams.set('q', id);
    const { features } = await fetchCollection(address.href).catch(() => ({ features: [] }));
    const found = features.find((feature) => feature.id === id);
    return (
      found && (this.page.find(layer, id) || this.page.drawings[source.map].add(source, found))
    );
  }
}
