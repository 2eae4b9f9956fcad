// The permalink: place, zoom, layers and selection in the address behind #. What is read from
// an address is checked: numbers in range, names that the page knows, an id only to look up.
import { settings } from './settings.js';
import { themeOf } from './themes.js';

const LONGEST = 4000;
const LONGEST_ID = 2000;
const knownLayers = new Map(
  [...settings.groups.flatMap((group) => group.layers), ...settings.backdrops].map((layer) => [
    layer.name,
    layer,
  ]),
);

function number(part, low, high) {
  const value = /^-?\d{1,3}(\.\d{1,8})?$/.test(part || '') ? Number(part) : NaN;
  return value >= low && value <= high ? value : null;
}

// Returns { view, on, off, step, theme, selected } of an address; a part that is not right is
// left out.
function read(hash) {
  const parameters = new URLSearchParams(hash.length <= LONGEST ? hash.replace(/^#/, '') : '');
  const [zoom, lat, lng] = (parameters.get('view') || '').split('/');
  const view = {
    zoom: number(zoom, 3, 19),
    lat: number(lat, -85, 85),
    lng: number(lng, -180, 180),
  };
  const names = (key) =>
    (parameters.get(key) || '').split(',').filter((name) => knownLayers.has(name));
  const [layer, ...rest] = (parameters.get('at') || '').split(':');
  const id = rest.join(':');
  const isLayer = settings.sources.some((source) => source.name === layer);
  return {
    view: Object.values(view).includes(null) ? null : view,
    on: names('on'),
    off: names('off'),
    step: /^\d{1,3}$/.test(parameters.get('step') || '') ? Number(parameters.get('step')) : null,
    theme: themeOf(parameters.get('theme')) ? parameters.get('theme') : null,
    selected: isLayer && id && id.length <= LONGEST_ID ? { layer, id } : null,
  };
}

export class Permalink {
  constructor(page) {
    this.page = page;
    this.isReady = false;
    this.opened = read(window.location.hash);
    window.addEventListener('hashchange', () => {
      this.opened = read(window.location.hash);
      this.restoreView();
      this.restoreSelection();
    });
  }

  restoreView() {
    const { view, on, off } = this.opened;
    const { page } = this;
    for (const [name, layer] of knownLayers) {
      const isOn = on.includes(name) || (layer.is_shown && !off.includes(name));
      page.shown[isOn ? 'add' : 'delete'](name);
    }
    if (page.timeline && this.opened.step !== null) {
      page.timeline.go(this.opened.step);
    }
    if ((page.theme?.name ?? null) !== this.opened.theme) {
      page.setTheme(this.opened.theme);
    }
    if (view) {
      page.map.setView([view.lat, view.lng], view.zoom, { animate: false });
    }
    page.settle();
  }

  restoreSelection() {
    const { selected, view } = this.opened;
    this.isReady = true;
    const item = selected && this.page.find(selected.layer, selected.id);
    if (!item) {
      this.openAtView();
      return;
    }
    if (!view) {
      item.drawing.zoomTo(item);
    }
    item.drawing.open(item, item.drawing.boundsOf(item).getCenter(), []);
    this.page.selectItem(item, { isQuiet: true });
  }

  // What is drawn from tiles is not here by itself: it is opened where the map is.
  openAtView() {
    const { selected, view } = this.opened;
    const { drawing } = this.page;
    const isTiled = selected && drawing.tiled.some(({ source }) => source.name === selected.layer);
    if (isTiled && view) {
      drawing.openAt(L.latLng(Number(view.lat), Number(view.lng)), [], selected);
    }
  }

  hash() {
    const { page } = this;
    const center = page.map.getCenter();
    /** @type {Record<string, string>} */
    const parts = {
      view: `${+page.map.getZoom().toFixed(2)}/${center.lat.toFixed(5)}/${center.lng.toFixed(5)}`,
    };
    const changed = [...knownLayers.values()].filter(
      (layer) => page.shown.has(layer.name) !== Boolean(layer.is_shown),
    );
    const names = (isOn) =>
      changed.filter((layer) => page.shown.has(layer.name) === isOn).map((layer) => layer.name);
    const lists = { on: names(true), off: names(false) };
    for (const [key, list] of Object.entries(lists)) {
      if (list.length) {
        parts[key] = list.join(',');
      }
    }
    if (page.step !== null && page.step !== settings.timeline.steps.length - 1) {
      parts.step = String(page.step);
    }
    if (page.theme) {
      parts.theme = page.theme.name;
    }
    if (page.selected) {
      parts.at = `${page.selected.layer}:${page.selected.id}`;
    }
    return `#${new URLSearchParams(parts)}`;
  }

  address() {
    return `${window.location.href.split('#')[0]}${this.hash()}`;
  }

  // Keeps the address up to date, without a step in the history.
  write() {
    clearTimeout(this.timer);
    if (!this.isReady) {
      return;
    }
    this.timer = setTimeout(() => {
      try {
        window.history.replaceState(window.history.state, '', this.hash());
      } catch {
        // A notebook's frame has no address of its own.
      }
    }, 250);
  }
}
