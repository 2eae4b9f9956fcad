// Starts the page: builds the frame around Folium's maps, loads the features, keeps what is
// switched on and selected, and joins the parts that the other files give.
import { elementIn } from '../shared/dom.js';
import { Routes } from './candidates.js';
import { addControls } from './controls.js';
import { Loader } from './data.js';
import { Drawing } from './drawing.js';
import { Dock } from './dock.js';
import { WholeExtent } from './extent.js';
import { buildFrame } from './frame.js';
import { Permalink } from './link.js';
import { hatches } from './markers.js';
import { creditBasemap } from './notes.js';
import { NARROW } from './panel.js';
import { Print } from './print.js';
import { Protocol } from './protocol.js';
import { results } from './search.js';
import { isFramed, settings } from './settings.js';
import { Sight } from './sight.js';
import { themeOf } from './themes.js';
import { Tools } from './tools.js';

const layers = settings.groups.flatMap((group) => group.layers);
const NEAREST_FIT = 15;
const shownAtFirst = [...layers, ...settings.backdrops].filter((layer) => layer.is_shown);

const SETTLE_AFTER_MS = 700;
// What the page around a framed map lists itself: it tells of them, and the map only marks them.
const TOLD_OUTSIDE = new Set(['findings', 'candidates']);
const isBasemap = (name) => name.startsWith('basemap.');

export class PlanningPage {
  constructor() {
    this.shown = new Set(shownAtFirst.map((layer) => layer.name));
    this.layersBySource = new Map();
    for (const layer of layers) {
      this.layersBySource.set(layer.source, [
        ...(this.layersBySource.get(layer.source) || []),
        layer,
      ]);
    }
    this.allowed = new Map();
    /** @type {{ layer: string, id: string } | null} */
    this.selected = null;
    /** @type {HTMLElement | null} */
    this.opener = null;
    this.step = settings.timeline ? settings.timeline.steps.length - 1 : null;
    this.canIdentify = settings.can_identify;
    /** @type {Record<string, any> | null} */
    this.theme = null;
    this.dock = new Dock(() => this.onSheetClose());
    this.drawings = settings.maps.map(
      (/** @type {{ name: string }} */ { name }, /** @type {number} */ index) =>
        new Drawing(/** @type {any} */ (window)[name], index, this),
    );
    this.routes = settings.routes ? new Routes(this.drawing) : null;
    const frame = buildFrame(this);
    this.app = frame.app;
    this.stage = frame.stage;
    this.panel = frame.panel;
    this.legend = frame.legend;
    this.messages = frame.messages;
    this.timeline = frame.timeline;
    this.print = new Print(this);
    this.app.append(hatches(), this.print.element);
    this.eachMap((map) => map.invalidateSize({ pan: false }));
    this.tools = new Tools(this);
    this.sight = new Sight(this);
    this.extent = new WholeExtent(this);
    this.link = new Permalink(this);
    this.protocol = new Protocol(this);
    addControls(this);
    this.leaveScrolling();
    this.listen();
    this.reset();
    this.link.restoreView();
    this.loader = new Loader(
      (source, found) => this.receive(source, found),
      (state) => this.tell(state),
    );
    this.loader.load();
  }

  // The first drawing: the only one, or the later of two states.
  get drawing() {
    return this.drawings[this.drawings.length - 1];
  }

  get map() {
    return this.drawing.map;
  }

  eachMap(use) {
    this.drawings.forEach((drawing) => use(drawing.map));
  }

  get isPanelOpen() {
    return this.app.classList.contains('is-panel-open');
  }

  openPanel(isOpen) {
    this.app.classList.toggle('is-panel-open', isOpen);
    elementIn(this.app, '.menu-button')?.setAttribute('aria-expanded', String(isOpen));
    if (isOpen && !isFramed) {
      this.panel.query.focus();
    }
  }

  // In a frame on a touch screen one finger scrolls the page around; two move the map.
  leaveScrolling() {
    if (isFramed && window.matchMedia('(pointer: coarse)').matches) {
      this.eachMap((map) => map.dragging.disable());
    }
  }

  listen() {
    this.drawings.forEach((drawing) => {
      drawing.map.on('zoomend moveend', () => this.settle());
      drawing.map.on('moveend', () => this.sight.look());
      drawing.map.on('move', () => this.follow(drawing));
    });
    this.extent.follow();
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        this.onEscape();
      }
    });
  }

  // Two states show the same place: the other map goes where this one went.
  follow(moved) {
    if (this.isFollowing || this.drawings.length === 1) {
      return;
    }
    this.isFollowing = true;
    for (const { map } of this.drawings.filter((drawing) => drawing !== moved)) {
      map.setView(moved.map.getCenter(), moved.map.getZoom(), { animate: false });
    }
    this.isFollowing = false;
  }

  onEscape() {
    if (this.tools.escape()) {
      return;
    }
    if (this.dock.isOpen) {
      this.dock.close();
    } else if (this.panel.query.value) {
      this.panel.query.value = '';
      this.search('');
    } else if (NARROW.matches) {
      this.openPanel(false);
    }
  }

  reset() {
    this.dock.close();
    this.extent.show();
  }

  // The width that an open legend takes from a wide map, else 0.
  besideLegend(drawing) {
    const isUnder = drawing === this.drawing && !this.legend.body.hidden;
    const width = isUnder ? this.legend.element.offsetWidth + 20 : 0;
    return width < drawing.map.getSize().x / 2 ? width : 0;
  }

  // ---- loading ----

  tell(state) {
    // That the documents are there does not take away that tiles could not be had.
    const isLacking = this.drawings.some((drawing) =>
      drawing.tiled.some((source) => source.hasFailed),
    );
    if (state.state !== 'done' || !isLacking) {
      this.messages.show(state);
    }
    if (state.state === 'done' || state.state === 'failed') {
      this.settleReceived();
    }
    if (state.state === 'done') {
      this.link.restoreSelection();
    }
    this.app.dataset.state = state.state;
    if (state.state === 'done') {
      this.protocol.ready();
      this.sight.look();
    }
  }

  retry() {
    this.messages.show({ state: 'loading', done: 0, total: 0 });
    this.loader.load();
    this.drawings.forEach((drawing) => drawing.tiled.forEach((source) => source.retry()));
  }

  receive(source, collection, bounds = null) {
    this.drawings[source.map].receive(source, collection, bounds);
    // Documents come a dozen at once: names are placed and the legend is made when all of them
    // are there, or after a moment.
    if (!this.isUnsettled) {
      this.isUnsettled = true;
      setTimeout(() => this.settleReceived(), SETTLE_AFTER_MS);
    }
  }

  settleReceived() {
    if (this.isUnsettled) {
      this.isUnsettled = false;
      this.refresh();
    }
  }

  all() {
    return this.drawings.flatMap((drawing) => drawing.all());
  }

  // A feature by layer and id; of two states the later one's, if it is there.
  find(layer, id) {
    return [...this.drawings]
      .reverse()
      .reduce((found, drawing) => found || drawing.find(layer, id), null);
  }

  // ---- what shows ----

  layersOf(item) {
    return this.layersBySource.get(item.source.name) || [];
  }

  // A feature shows when every layer that it matches is on (tier and verdict for a park), and
  // when the page around this one has not narrowed its layer to others.
  isOn(item) {
    const { id, properties } = item.feature;
    const allowed = this.allowed.get(item.source.name);
    return (
      (!allowed || allowed.has(id)) &&
      this.isInStep(item) &&
      this.layersOf(item).every(
        (layer) =>
          (layer.where && properties[layer.where[0]] !== layer.where[1]) ||
          this.shown.has(layer.name),
      )
    );
  }

  // Whether a feature belongs to the version that is shown; without versions each does.
  isInStep({ feature: { properties } }) {
    return (
      this.step === null ||
      properties.first_step === undefined ||
      (properties.first_step <= this.step && this.step <= properties.last_step)
    );
  }

  // Shows another version of the layer.
  goTo(step) {
    this.step = step;
    this.timeline?.show(step);
    this.dock.close();
    this.refresh();
  }

  toggle(name, isOn) {
    this.toggleAll([name], isOn);
  }

  toggleAll(names, isOn) {
    // One base map at a time.
    if (isOn && names.some(isBasemap)) {
      settings.backdrops
        .map(({ name }) => name)
        .filter(isBasemap)
        .forEach((name) => this.shown.delete(name));
    }
    for (const name of names) {
      if (isOn) {
        this.shown.add(name);
      } else {
        this.shown.delete(name);
      }
    }
    this.refresh();
  }

  // Shows only these ids of a layer; null shows all of it again.
  filter(layer, ids) {
    if (ids === null) {
      this.allowed.delete(layer);
    } else {
      this.allowed.set(layer, new Set(ids));
    }
    // The sheet of what is not wanted any more goes with it.
    const { selected } = this;
    if (
      selected &&
      selected.layer === layer &&
      ids !== null &&
      !this.allowed.get(layer).has(selected.id)
    ) {
      this.dock.close();
      this.selectItem(null);
    }
    this.refresh();
  }

  // Goes where the features are that a layer was narrowed to; for a whole layer, to the county.
  fit(layer) {
    const ids = this.allowed.get(layer);
    const items = (this.drawing.items.get(layer) || []).filter(
      ({ bounds, feature }) => bounds && ids?.has(feature.id),
    );
    if (!items.length) {
      this.reset();
      return;
    }
    const bounds = L.latLngBounds([]);
    items.forEach((item) => bounds.extend(item.bounds));
    this.map.fitBounds(bounds, {
      animate: false,
      maxZoom: NEAREST_FIT,
      paddingTopLeft: [44, 44],
      paddingBottomRight: [this.besideLegend(this.drawing) || 52, 44],
    });
  }

  // Colours parks by a theme; null colours them by their verdict.
  setTheme(name) {
    this.theme = themeOf(name);
    this.legend.showTheme(this.theme);
    this.drawings.forEach((drawing) => drawing.redrawParks());
    this.refresh();
  }

  refresh() {
    this.settle();
    if (!this.panel.query.value) {
      this.listItems();
    }
  }

  settle() {
    this.drawings.forEach((drawing) => drawing.settle());
    this.panel.showState(this.shown, this.map.getZoom());
    this.app.classList.toggle('has-basemap', [...this.shown].some(isBasemap));
    creditBasemap(settings.backdrops.find(({ name }) => isBasemap(name) && this.shown.has(name)));
    this.showLegend();
    this.link.write();
  }

  showLegend() {
    const inSight = new Set(this.drawings.flatMap((drawing) => drawing.inSight()));
    const numbers = new Set(this.drawings.flatMap((drawing) => drawing.labels.numbers()));
    this.legend.show(this.shown, inSight, numbers, this.theme);
  }

  // Tiles come and are painted by themselves: what follows from them when all are there.
  onTiles() {
    const isDone = this.drawings.every((drawing) =>
      drawing.tiled.every(({ state }) => state === 'done'),
    );
    this.app.dataset.tiles = isDone ? 'done' : 'loading';
    if (isDone) {
      this.showLegend();
    }
  }

  // ---- finding and opening ----

  listItems() {
    this.panel.showLists(
      this.drawings,
      (item) => this.isOn(item),
      (item) => this.visit(item),
    );
  }

  search(query) {
    if (query.trim()) {
      this.panel.showResults(
        results(
          this.all().filter((item) => this.isInStep(item)),
          query,
          (item) => this.visit(item),
        ),
      );
    } else {
      this.listItems();
    }
  }

  // Goes to a feature from a list: switches its layers on, zooms to it, opens its sheet.
  visit(item) {
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    if (NARROW.matches) {
      this.openPanel(false);
    }
    this.show(item);
    this.opener = opener;
    this.dock.focus();
    this.selectItem(item);
  }

  // Opens a park that was chosen by keyboard.
  openByKey(item) {
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    item.drawing.open(item, item.marker.getLatLng(), []);
    this.opener = opener;
    this.dock.focus();
    this.selectItem(item);
  }

  // Whether the page around this one tells of a feature.
  isToldOutside(item) {
    return isFramed && TOLD_OUTSIDE.has(item.source.name);
  }

  // Brings a feature into sight with its sheet open.
  show(item) {
    if (!this.isInStep(item)) {
      this.goTo(item.feature.properties.first_step);
    }
    for (const layer of this.layersOf(item)) {
      if (!layer.where || item.feature.properties[layer.where[0]] === layer.where[1]) {
        this.shown.add(layer.name);
      }
    }
    item.drawing.zoomTo(item);
    this.settle();
    item.drawing.open(item, item.drawing.boundsOf(item).getCenter(), []);
  }

  // A click on a map, or on one of its features: true when a tool has taken it.
  clickAt(drawing, latlng, item) {
    if (this.tools.click(drawing, latlng)) {
      return true;
    }
    if (!item) {
      this.identify(drawing, latlng);
    }
    return false;
  }

  identify(drawing, latlng, options) {
    this.selectItem(null);
    this.tools.identify(drawing, latlng, options);
  }

  // Marks a feature as the selected one and says so to the page around this one.
  selectItem(item, { isQuiet = false } = {}) {
    const before = this.selected;
    const selected = item ? { layer: item.source.name, id: item.feature.id } : null;
    this.selected = selected;
    this.drawings.forEach((drawing) => drawing.showSelection());
    this.routes?.show(item);
    this.link.write();
    const told = selected ?? (before && { layer: before.layer, id: null });
    if (!isQuiet && told) {
      this.protocol.selected(told);
    }
  }

  onSheetOpen() {
    this.app.classList.add('has-sheet');
  }

  // What was told of is not selected any more.
  onSheetClose() {
    this.app.classList.remove('has-sheet');
    if (this.selected) {
      this.selectItem(null);
    }
    const { opener } = this;
    this.opener = null;
    if (opener && opener.isConnected) {
      opener.focus({ preventScroll: true });
    }
  }
}
