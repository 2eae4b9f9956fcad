// Shows the sources that are too big for one document from vector tiles, and tells what lies under
// a point. `tile_worker.js` reads and paints the tiles. They carry classes; what a popup says is
// fetched for the place of a click.
import { LoadError, fetchCollection } from './data.js';
import { HATCHES, OTHER } from './markers.js';
import { settings, text, tileWorker } from './settings.js';

const TILE_PX = 512;
const EXTENT = 4096;
const REACH_PX = 4;
const LINE = 2;
const POLYGON = 3;

// ---- the worker ----

// Asks the worker for pictures, and hands each on to the tile that waits for it.
class Painter {
  constructor() {
    this.waiting = new Map();
    this.count = 0;
    this.worker = tileWorker;
    this.worker.postMessage({
      act: 'start',
      symbols: settings.symbols,
      hatches: HATCHES,
      other: OTHER,
    });
    this.worker.onmessage = ({ data: { tile, turn, error, ...made } }) => {
      const asked = this.waiting.get(tile);
      if (asked && asked.turn === turn) {
        this.waiting.delete(tile);
        if (error) {
          asked.fail(new LoadError(text(`reason_${error}`, made)));
        } else {
          asked.settle(made);
        }
      }
    };
    this.worker.onerror = () => {
      this.waiting.forEach((asked) => asked.fail(new LoadError(text('reason_broken'))));
      this.waiting.clear();
    };
  }

  // Returns a number that no tile or question had yet.
  number() {
    this.count += 1;
    return this.count;
  }

  // Asks for the picture of a tile; one that was asked for before, and is not there yet, will not
  // come.
  ask(act, tile, asked) {
    const turn = this.number();
    return new Promise((settle, fail) => {
      this.waiting.set(tile, { turn, settle, fail });
      this.worker.postMessage({ act, tile, turn, ...asked });
    });
  }

  drop(tile) {
    this.waiting.delete(tile);
    this.worker.postMessage({ act: 'drop', tile });
  }
}

// ---- what lies under a point ----

function pathsOf({ paths, starts }, index) {
  return [paths[index], index + 1 < paths.length ? paths[index + 1] : starts.length];
}

// Where the vertices of a path begin and end.
function spanOf({ starts, vertices }, path) {
  return [starts[path], path + 1 < starts.length ? starts[path + 1] : vertices.length / 2];
}

// The id of a feature, null when it has none.
function nameOf({ bytes, spans, names }, index) {
  const start = spans[2 * names[index]];
  return start
    ? new TextDecoder().decode(bytes.subarray(start, spans[2 * names[index] + 1]))
    : null;
}

function touches(found, index, x, y, reach) {
  const box = found.boxes;
  if (
    x < box[4 * index] - reach ||
    y < box[4 * index + 1] - reach ||
    x > box[4 * index + 2] + reach ||
    y > box[4 * index + 3] + reach
  ) {
    return false;
  }
  const kind = found.kinds[index];
  return kind === POLYGON
    ? isInside(found, index, x, y)
    : kind === LINE && isNear(found, index, x, y, reach);
}

function isInside(found, index, x, y) {
  const { vertices } = found;
  const [first, last] = pathsOf(found, index);
  let inside = false;
  for (let path = first; path < last; path += 1) {
    const [start, end] = spanOf(found, path);
    for (let at = start, before = end - 1; at < end; before = at, at += 1) {
      const [x1, y1, x2, y2] = [
        vertices[2 * at],
        vertices[2 * at + 1],
        vertices[2 * before],
        vertices[2 * before + 1],
      ];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) {
        inside = !inside;
      }
    }
  }
  return inside;
}

function isNear(found, index, x, y, reach) {
  const { vertices } = found;
  const [first, last] = pathsOf(found, index);
  const point = L.point(x, y);
  for (let path = first; path < last; path += 1) {
    const [start, end] = spanOf(found, path);
    for (let at = start + 1; at < end; at += 1) {
      const one = L.point(vertices[2 * at - 2], vertices[2 * at - 1]);
      if (
        L.LineUtil.pointToSegmentDistance(
          point,
          one,
          L.point(vertices[2 * at], vertices[2 * at + 1]),
        ) <= reach
      ) {
        return true;
      }
    }
  }
  return false;
}

// ---- a source as a layer of the map ----

const painter = tileWorker && new Painter();

// On paper the zoom is another, and nobody waits: tiles of the zoom before stay until others come.
const lasting = (Kind) => ({
  _invalidateAll() {
    if (!this._map.getContainer().closest('.is-printing')) {
      Kind.prototype._invalidateAll.call(this);
    }
  },
});
/** @type {any} */
export const Pictures = L.TileLayer.extend(lasting(L.TileLayer));

/** @type {any} */
const Canvases = L.GridLayer.extend({
  ...lasting(L.GridLayer),

  initialize(source, hooks, options) {
    L.setOptions(this, {
      tileSize: TILE_PX,
      updateWhenIdle: false,
      updateWhenZooming: false,
      keepBuffer: 1,
      ...options,
    });
    this.source = source;
    this.hooks = hooks;
    this.on('tileunload', ({ tile }) => this.drop(tile));
  },

  createTile(coords, done) {
    /** @type {HTMLCanvasElement & { planningTile?: any }} */
    const canvas = L.DomUtil.create('canvas');
    const state = { coords, tile: painter.number(), found: null, drawn: '' };
    canvas.planningTile = state;
    this.fill(canvas, state).then(
      () => done(null, canvas),
      (error) => {
        this.hooks.fail(error);
        done(error, canvas);
      },
    );
    return canvas;
  },

  async fill(canvas, state) {
    const { x, y, z } = state.coords;
    // A tile of 512 pixels holds what four of 256 do at the next zoom.
    const path = this.source.tiles
      .replace('{z}', z - 1)
      .replace('{x}', x)
      .replace('{y}', y);
    const address = new URL(path, document.baseURI).href;
    const { symbol, symbol_column, key } = this.source;
    const asked = this.picture(state);
    const { found, image } = await painter.ask('load', state.tile, {
      address,
      source: { symbol, symbol_column, key },
      ...asked,
    });
    state.found = found;
    this.show(canvas, image);
    if (found.kinds.length && this.isStale(state)) {
      await this.paint(canvas, state);
    }
  },

  // What the picture of a tile has to be like as things stand.
  picture(state) {
    const { coords } = state;
    const zoom = this._map.getZoom();
    const dots = window.devicePixelRatio || 1;
    state.drawn = this.stateOf(coords);
    return {
      side: Math.round(TILE_PX * 2 ** (zoom - coords.z) * dots),
      look: { dots, column: coords.x, row: coords.y, ...this.hooks.look(zoom) },
    };
  },

  // What the picture of a tile hangs on: the part of a zoom step, and what is shown.
  stateOf(coords) {
    return `${(this._map.getZoom() - coords.z).toFixed(6)} ${this.hooks.shown()}`;
  },

  isStale(state) {
    return state.drawn !== this.stateOf(state.coords);
  },

  // All at once, so that what was there before does not flicker.
  show(canvas, image) {
    canvas.width = canvas.height = image ? image.width : 1;
    if (image) {
      canvas.getContext('2d').drawImage(image, 0, 0);
      image.close();
    }
  },

  async paint(canvas, state) {
    const { image } = await painter.ask('paint', state.tile, this.picture(state));
    this.show(canvas, image);
  },

  drop(canvas) {
    painter.drop(canvas.planningTile.tile);
    canvas.width = canvas.height = 0;
  },

  // Paints again what is there and looks otherwise by now.
  repaint() {
    for (const { el: canvas } of Object.values(this._tiles)) {
      const state = canvas.planningTile;
      if (state.found && state.found.kinds.length && this.isStale(state)) {
        this.paint(canvas, state).catch((error) => this.hooks.fail(error));
      }
    }
  },

  // Features at a place, the topmost first.
  at(latlng) {
    const point = this._map.project(latlng, this._tileZoom).divideBy(TILE_PX);
    const [column, row] = [Math.floor(point.x), Math.floor(point.y)];
    const reach = (REACH_PX * EXTENT) / (TILE_PX * 2 ** (this._map.getZoom() - this._tileZoom));
    const isShown = this.hooks.filter();
    const hits = [];
    const tile = Object.values(this._tiles).find(
      ({ coords: { x, y, z } }) => x === column && y === row && z === this._tileZoom,
    );
    const { found } = tile ? tile.el.planningTile : {};
    for (let index = found ? found.kinds.length - 1 : -1; index >= 0; index -= 1) {
      if (touches(found, index, (point.x - column) * EXTENT, (point.y - row) * EXTENT, reach)) {
        const key = found.symbols.get(found.classes[index]);
        const name = nameOf(found, index);
        if (isShown(key, name)) {
          hits.push({ key, name, source: this.source });
        }
      }
    }
    return hits;
  },

  // Keys of the symbols that the view shows, from tiles of any zoom.
  keysIn(bounds) {
    const keys = new Set();
    const corners = [bounds.getNorthWest(), bounds.getSouthEast()];
    for (const {
      el: canvas,
      coords: { x, y, z },
    } of Object.values(this._tiles)) {
      const { found } = canvas.planningTile;
      if (!found) {
        continue;
      }
      const [one, other] = corners.map((corner) => this._map.project(corner, z).divideBy(TILE_PX));
      const box = /** @type {Required<L.Bounds>} */ (L.bounds(one, other));
      const [west, north, east, south] = [
        box.min.x - x,
        box.min.y - y,
        box.max.x - x,
        box.max.y - y,
      ].map((side) => side * EXTENT);
      const sides = found.boxes;
      for (let index = 0; index < found.kinds.length; index += 1) {
        const key = found.symbols.get(found.classes[index]);
        if (
          !keys.has(key) &&
          sides[4 * index] <= east &&
          sides[4 * index + 2] >= west &&
          sides[4 * index + 1] <= south &&
          sides[4 * index + 3] >= north
        ) {
          keys.add(key);
        }
      }
    }
    return keys;
  },
});

// One source of a drawing that comes as tiles.
export class TiledSource {
  constructor(drawing, source) {
    this.drawing = drawing;
    this.source = source;
    this.hasFailed = false;
    this.state = 'done';
    this.keys = Object.keys(settings.symbols).filter(
      (key) => key === source.symbol || key.startsWith(`${source.symbol}.`),
    );
    this.layers = drawing.page.layersBySource.get(source.name) || [];
    this.canvases = new Canvases(
      source,
      {
        look: (zoom) => this.look(zoom),
        shown: () => this.shown(),
        filter: () => this.filter(),
        fail: (error) => this.fail(error),
      },
      { pane: source.name },
    );
    this.canvases.on('loading load', ({ type }) => {
      this.state = type === 'load' ? 'done' : 'loading';
      drawing.page.onTiles();
    });
  }

  // Below the zoom that the layer is made for, things are small: no hatches, thinner strokes.
  look(zoom) {
    const nearer = this.layers.length ? this.layers[0].full_zoom - zoom : 0;
    const isShown = this.filter();
    return {
      isPlain: nearer > 0,
      strokes: Math.min(1, 2 ** -nearer),
      keys: new Set(this.keys.filter((key) => isShown(key, null, true))),
      names: this.drawing.page.allowed.get(this.source.name) || null,
    };
  }

  // Which of the layers, and of the features, are shown, as a text to compare.
  shown() {
    const { shown, allowed } = this.drawing.page;
    const ids = allowed.get(this.source.name);
    return JSON.stringify([
      this.layers.map((layer) => shown.has(layer.name)),
      ids ? [...ids] : null,
    ]);
  }

  // Returns what tells whether a feature of a class and id is to be shown as things stand.
  filter() {
    const { shown, allowed } = this.drawing.page;
    const ids = allowed.get(this.source.name);
    const classes = new Map();
    return (key, name, isAnyName) => {
      if (!classes.has(key)) {
        const matched = this.layers.filter(
          (layer) => !layer.where || `${this.source.symbol}.${layer.where[1]}` === key,
        );
        classes.set(
          key,
          matched.every((layer) => shown.has(layer.name)),
        );
      }
      return classes.get(key) && (isAnyName || !ids || ids.has(name));
    };
  }

  isOn() {
    const { page, map } = this.drawing;
    return this.layers.some(
      (layer) => page.shown.has(layer.name) && map.getZoom() >= layer.min_zoom,
    );
  }

  settle() {
    const { page, map } = this.drawing;
    const isOn = this.isOn();
    if (isOn !== map.hasLayer(this.canvases)) {
      if (isOn) {
        this.canvases.addTo(map);
      } else {
        this.canvases.remove();
        this.state = 'done';
        page.onTiles();
      }
    }
    if (!isOn) {
      return;
    }
    this.canvases.repaint();
  }

  fail(error) {
    this.hasFailed = true;
    const reason = error instanceof LoadError ? error.message : text('reason_offline');
    this.drawing.page.tell({ state: 'failed', failed: [this.source], reason });
  }

  retry() {
    if (this.hasFailed) {
      this.hasFailed = false;
      this.canvases.redraw();
    }
  }

  inSight() {
    const { map } = this.drawing;
    if (!map.hasLayer(this.canvases)) {
      return [];
    }
    const isShown = this.filter();
    return [...this.canvases.keysIn(map.getBounds())].filter((key) => isShown(key, null, true));
  }

  at(latlng) {
    return this.drawing.map.hasLayer(this.canvases) ? this.canvases.at(latlng) : [];
  }

  // The features at a place as the service tells of them, in words of the page's language.
  fetchAt(latlng) {
    const { map } = this.drawing;
    const point = map.latLngToContainerPoint(latlng);
    const isLine = this.at(latlng).some(({ key }) => settings.symbols[key].geometry === 'line');
    const reach = isLine ? REACH_PX : 0.01;
    const box = L.latLngBounds(
      [point.subtract([reach, reach]), point.add([reach, reach])].map((corner) =>
        map.containerPointToLatLng(corner),
      ),
    );
    const sides = [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((side) =>
      side.toFixed(8),
    );
    return fetchCollection(`${this.source.address}&bbox=${sides.join(',')}`);
  }
}
