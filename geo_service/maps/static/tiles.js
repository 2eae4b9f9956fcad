// Draws the sources that are too big for one document from vector tiles: reads the format,
// paints canvases by the style table, and tells what lies under a point. Work is cut into
// slices, so that the map can be moved meanwhile. Tiles carry classes; what a popup says is
// fetched for the place of a click.
'use strict';

(function (own) {
  const { settings, symbolKey, HATCHES } = own;
  const TILE_PX = 512;
  const EXTENT = 4096;
  const SLICE_MOVING_MS = 5;
  const SLICE_RESTING_MS = 24;
  const READ_AT_ONCE = 400;
  const PAINT_AT_ONCE = 250;
  const HATCH_PX = 8;
  const LEAST_STROKE_PX = 0.2;
  const REACH_PX = 4;
  const LINE = 2;
  const POLYGON = 3;

  // ---- work in slices ----

  // Runs generators in turn, a little in each frame. Who comes last is served first: a
  // reader waits for what came into sight now.
  class Slices {
    constructor() {
      this.jobs = [];
      this.isMoving = false;
      this.isAsked = false;
    }

    add(job) {
      this.jobs.push(job);
      this.ask();
    }

    remove(job) {
      this.jobs = this.jobs.filter((one) => one !== job);
    }

    ask() {
      if (!this.isAsked && this.jobs.length) {
        this.isAsked = true;
        // A page in the background gets no frames, but may be printed.
        (document.hidden ? setTimeout : requestAnimationFrame)(() => this.work());
      }
    }

    work() {
      this.isAsked = false;
      const end = performance.now() + (this.isMoving ? SLICE_MOVING_MS : SLICE_RESTING_MS);
      while (this.jobs.length && performance.now() < end) {
        const job = this.jobs[this.jobs.length - 1];
        let isDone = true;
        try {
          isDone = job.next().done;
        } finally {
          if (isDone) {
            this.remove(job);
          }
        }
      }
      this.ask();
    }
  }

  // ---- the format: Mapbox Vector Tile 2.1 ----

  class Reader {
    constructor(bytes) {
      Object.assign(this, { bytes, at: 0 });
    }

    varint() {
      let value = 0;
      let factor = 1;
      let byte;
      do {
        byte = this.bytes[this.at++];
        value += (byte & 0x7f) * factor;
        factor *= 128;
      } while (byte > 0x7f);
      return value;
    }

    // Calls take(number, end) for each field up to an end; fields that hold no bytes have no end.
    fields(end, take) {
      while (this.at < end) {
        const tag = this.varint();
        const kind = tag & 7;
        if (kind === 2) {
          const size = this.varint();
          const stop = this.at + size;
          take(tag >> 3, stop);
          this.at = stop;
        } else if (kind === 0) {
          take(tag >> 3, null);
        } else {
          this.at += kind === 1 ? 8 : 4;
        }
      }
    }

    text(end) {
      return new TextDecoder().decode(this.bytes.subarray(this.at, end));
    }
  }

  // Numbers that grow; plain arrays of so many would take four times the room.
  class Numbers {
    constructor(Kind, size) {
      this.values = new Kind(size);
      this.length = 0;
    }

    push(value) {
      if (this.length === this.values.length) {
        const grown = new this.values.constructor(this.length * 2);
        grown.set(this.values);
        this.values = grown;
      }
      this.values[this.length++] = value;
    }
  }

  // A tile's features: class, kind, box, paths and vertices, in rows of numbers.
  class Features {
    constructor() {
      this.kinds = new Numbers(Uint8Array, 64);
      this.classes = new Numbers(Uint32Array, 64);
      this.ids = new Numbers(Float64Array, 64);
      this.names = new Numbers(Int32Array, 64);
      this.paths = new Numbers(Uint32Array, 64);
      this.starts = new Numbers(Uint32Array, 256);
      this.boxes = new Numbers(Int16Array, 256);
      this.vertices = new Numbers(Int16Array, 2048);
      this.values = [];
      this.symbols = [];
    }

    get count() {
      return this.kinds.length;
    }

    // Where the vertices of a path begin and end.
    span(path) {
      const { starts, vertices } = this;
      return [starts.values[path], path + 1 < starts.length ? starts.values[path + 1] : vertices.length / 2];
    }

    pathsOf(place) {
      const { paths, starts } = this;
      return [paths.values[place], place + 1 < paths.length ? paths.values[place + 1] : starts.length];
    }
  }

  // Reads the layer of a source; gives way after some features each time.
  function* read(bytes, source, found) {
    const reader = new Reader(bytes);
    const keys = [];
    const messages = [];
    reader.fields(bytes.length, (number, end) => {
      if (number === 3) {
        reader.fields(end, (part, stop) => {
          if (part === 2) {
            messages.push(reader.at, stop);
          } else if (part === 3) {
            keys.push(reader.text(stop));
          } else if (part === 4) {
            // Only texts matter here: classes and ids.
            let value = null;
            reader.fields(stop, (type, last) => {
              value = type === 1 ? reader.text(last) : null;
              if (last === null) {
                reader.varint();
              }
            });
            found.values.push(value);
          } else if (stop === null) {
            reader.varint();
          }
        });
      }
    });
    const classKey = keys.indexOf(source.symbol_column);
    const nameKey = keys.indexOf(source.key);
    found.symbols = found.values.map((value) => symbolKey(source, { [source.symbol_column]: value }));
    const none = found.symbols.push(symbolKey(source, {})) - 1;
    for (let place = 0; place < messages.length; place += 2) {
      reader.at = messages[place];
      readFeature(reader, messages[place + 1], found, { classKey, nameKey, none });
      if ((place / 2) % READ_AT_ONCE === READ_AT_ONCE - 1) {
        yield;
      }
    }
  }

  function readFeature(reader, end, found, { classKey, nameKey, none }) {
    let kind = 0;
    let id = 0;
    let symbol = none;
    let name = -1;
    const firstPath = found.starts.length;
    const box = [32767, 32767, -32768, -32768];
    reader.fields(end, (number, stop) => {
      if (number === 1) {
        id = reader.varint();
      } else if (number === 3) {
        kind = reader.varint();
      } else if (number === 2) {
        while (reader.at < stop) {
          const key = reader.varint();
          const value = reader.varint();
          if (key === classKey) {
            symbol = value;
          } else if (key === nameKey) {
            name = value;
          }
        }
      } else if (number === 4) {
        readPaths(reader, stop, found, box);
      }
    });
    found.kinds.push(kind);
    found.ids.push(id);
    found.classes.push(symbol);
    found.names.push(name);
    found.paths.push(firstPath);
    box.forEach((side) => found.boxes.push(side));
  }

  function readPaths(reader, end, found, box) {
    let x = 0;
    let y = 0;
    while (reader.at < end) {
      const command = reader.varint();
      const what = command & 7;
      // 1 begins a path, 2 goes on with it, 7 closes it.
      for (let count = what === 7 ? 0 : command >> 3; count > 0; count -= 1) {
        const right = reader.varint();
        const down = reader.varint();
        x += (right >> 1) ^ -(right & 1);
        y += (down >> 1) ^ -(down & 1);
        if (what === 1) {
          found.starts.push(found.vertices.length / 2);
        }
        found.vertices.push(x);
        found.vertices.push(y);
        box[0] = Math.min(box[0], x);
        box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x);
        box[3] = Math.max(box[3], y);
      }
    }
  }

  // ---- painting ----

  const hatchImages = new Map();

  // The picture that a hatch repeats, for a screen of so many dots a pixel.
  function hatchImage(key, dots) {
    const name = `${key} ${dots}`;
    if (!hatchImages.has(name)) {
      const symbol = settings.symbols[key];
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = Math.max(1, Math.round(HATCH_PX * dots));
      const context = canvas.getContext('2d');
      context.scale(canvas.width / HATCH_PX, canvas.width / HATCH_PX);
      if (symbol.fill) {
        context.globalAlpha = symbol.fill_opacity;
        context.fillStyle = symbol.fill;
        context.fillRect(0, 0, HATCH_PX, HATCH_PX);
      }
      context.globalAlpha = symbol.hatch === 'dots' ? 1 : 0.75;
      context.fillStyle = context.strokeStyle = symbol.stroke;
      if (symbol.hatch === 'dots') {
        for (const place of [2, 6]) {
          context.beginPath();
          context.arc(place, place, 1, 0, 2 * Math.PI);
          context.fill();
        }
      } else {
        context.stroke(new Path2D(HATCHES[symbol.hatch]));
      }
      hatchImages.set(name, canvas);
    }
    return hatchImages.get(name);
  }

  // Paints a tile's features on a canvas whose side is `side` dots.
  // look: { dots, size, isPlain, strokes, isShown(key, name), column, row }
  function* paint(found, context, side, look) {
    const classes = new Map();
    for (let place = 0; place < found.count; place += 1) {
      const key = found.symbols[found.classes.values[place]];
      const name = found.values[found.names.values[place]];
      if (found.kinds.values[place] >= LINE && look.isShown(key, name)) {
        if (!classes.has(key)) {
          classes.set(key, []);
        }
        classes.get(key).push(place);
      }
    }
    yield;
    // The minor below the major, as with features that are elements.
    const order = Object.keys(settings.symbols);
    const keys = [...classes.keys()].sort((one, other) => order.indexOf(other) - order.indexOf(one));
    for (const act of [fill, casing, stroke]) {
      for (const key of keys) {
        const places = classes.get(key);
        if (act(context, key, look, side, false)) {
          for (let from = 0; from < places.length; from += PAINT_AT_ONCE) {
            context.beginPath();
            for (const place of places.slice(from, from + PAINT_AT_ONCE)) {
              trace(found, place, context, side / EXTENT, act === fill);
            }
            act(context, key, look, side, true);
            yield;
          }
        }
      }
    }
  }

  function trace(found, place, context, scale, isFill) {
    const isArea = found.kinds.values[place] === POLYGON;
    if (isFill && !isArea) {
      return;
    }
    const vertices = found.vertices.values;
    const [first, last] = found.pathsOf(place);
    for (let path = first; path < last; path += 1) {
      const [start, end] = found.span(path);
      context.moveTo(vertices[2 * start] * scale, vertices[2 * start + 1] * scale);
      for (let at = start + 1; at < end; at += 1) {
        context.lineTo(vertices[2 * at] * scale, vertices[2 * at + 1] * scale);
      }
      if (isArea) {
        context.closePath();
      }
    }
  }

  // Each of these sets the brush up, or uses it; false when the symbol has no such part.
  function fill(context, key, look, side, isUse) {
    const symbol = settings.symbols[key];
    if (!symbol.fill && !symbol.hatch) {
      return false;
    }
    if (isUse) {
      context.fill();
      return true;
    }
    if (symbol.hatch && !look.isPlain) {
      const image = hatchImage(key, look.dots);
      const pattern = context.createPattern(image, 'repeat');
      // Goes on across the border of tiles.
      pattern.setTransform(
        new DOMMatrix().translate(-((look.column * side) % image.width), -((look.row * side) % image.width))
      );
      context.globalAlpha = 1;
      context.fillStyle = pattern;
    } else {
      context.globalAlpha = symbol.geometry === 'line' ? 1 : symbol.fill_opacity || 0;
      context.fillStyle = symbol.fill || 'transparent';
    }
    return true;
  }

  function casing(context, key, look, side, isUse) {
    const symbol = settings.symbols[key];
    if (!symbol.casing || look.isPlain) {
      return false;
    }
    return draw(context, { colour: symbol.casing, width: symbol.width + 2, cap: 'butt' }, look, isUse);
  }

  function stroke(context, key, look, side, isUse) {
    const symbol = settings.symbols[key];
    const width = symbol.width * look.strokes;
    if (width < LEAST_STROKE_PX) {
      return false;
    }
    const dash = symbol.dash && !look.isPlain ? symbol.dash : null;
    return draw(context, { colour: symbol.stroke, width, dash, cap: symbol.casing ? 'butt' : 'round' }, look, isUse);
  }

  function draw(context, { colour, width, dash, cap }, { dots }, isUse) {
    if (isUse) {
      context.stroke();
    } else {
      context.globalAlpha = 1;
      context.strokeStyle = colour;
      context.lineWidth = width * dots;
      context.lineCap = cap;
      context.lineJoin = 'round';
      context.setLineDash(dash ? dash.split(/[\s,]+/).map((length) => length * dots) : []);
    }
    return true;
  }

  // ---- what lies under a point ----

  function touches(found, place, x, y, reach) {
    const box = found.boxes.values;
    if (x < box[4 * place] - reach || y < box[4 * place + 1] - reach || x > box[4 * place + 2] + reach || y > box[4 * place + 3] + reach) {
      return false;
    }
    const kind = found.kinds.values[place];
    return kind === POLYGON ? isInside(found, place, x, y) : kind === LINE && isNear(found, place, x, y, reach);
  }

  function isInside(found, place, x, y) {
    const vertices = found.vertices.values;
    const [first, last] = found.pathsOf(place);
    let inside = false;
    for (let path = first; path < last; path += 1) {
      const [start, end] = found.span(path);
      for (let at = start, before = end - 1; at < end; before = at, at += 1) {
        const [x1, y1, x2, y2] = [vertices[2 * at], vertices[2 * at + 1], vertices[2 * before], vertices[2 * before + 1]];
        if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) {
          inside = !inside;
        }
      }
    }
    return inside;
  }

  function isNear(found, place, x, y, reach) {
    const vertices = found.vertices.values;
    const [first, last] = found.pathsOf(place);
    const point = L.point(x, y);
    for (let path = first; path < last; path += 1) {
      const [start, end] = found.span(path);
      for (let at = start + 1; at < end; at += 1) {
        const one = L.point(vertices[2 * at - 2], vertices[2 * at - 1]);
        if (L.LineUtil.pointToSegmentDistance(point, one, L.point(vertices[2 * at], vertices[2 * at + 1])) <= reach) {
          return true;
        }
      }
    }
    return false;
  }

  // ---- a source as a layer of the map ----

  const slices = new Slices();

  const Canvases = L.GridLayer.extend({
    initialize(source, hooks, options) {
      L.setOptions(this, { tileSize: TILE_PX, updateWhenIdle: false, updateWhenZooming: false, keepBuffer: 1, ...options });
      Object.assign(this, { source, hooks });
      this.on('tileunload', ({ tile }) => this.drop(tile));
    },

    createTile(coords, done) {
      const canvas = L.DomUtil.create('canvas');
      const state = { coords, found: null, job: null, stop: new AbortController() };
      canvas.planningTile = state;
      this.fill(canvas, state).then(
        () => done(null, canvas),
        (error) => {
          if (error.name !== 'AbortError') {
            this.hooks.fail(error);
          }
          done(error, canvas);
        }
      );
      return canvas;
    },

    async fill(canvas, state) {
      const { x, y, z } = state.coords;
      // A tile of 512 pixels holds what four of 256 do at the next zoom.
      const address = this.source.tiles.replace('{z}', z - 1).replace('{x}', x).replace('{y}', y);
      const answer = await fetch(address, { signal: state.stop.signal });
      if (!answer.ok) {
        throw new own.LoadError(own.text('reason_status', { status: answer.status }));
      }
      const bytes = new Uint8Array(answer.status === 204 ? 0 : await answer.arrayBuffer());
      const found = new Features();
      await this.run(state, read(bytes, this.source, found));
      state.found = found;
      await this.paint(canvas, state);
    },

    // Waits for a job's end; a tile that goes out of sight takes its job along.
    run(state, job) {
      return new Promise((settle, fail) => {
        state.job = (function* () {
          try {
            yield* job;
            settle();
          } catch (error) {
            fail(error);
          }
        })();
        slices.add(state.job);
      });
    },

    async paint(canvas, state) {
      const { found, coords } = state;
      const zoom = this._map.getZoom();
      state.scale = 2 ** (zoom - coords.z);
      const dots = window.devicePixelRatio || 1;
      const side = Math.round(TILE_PX * state.scale * dots);
      if (!found.count) {
        canvas.width = canvas.height = 1;
        return;
      }
      const drawn = document.createElement('canvas');
      drawn.width = drawn.height = side;
      const look = { dots, column: coords.x, row: coords.y, ...this.hooks.look(zoom) };
      await this.run(state, paint(found, drawn.getContext('2d'), side, look));
      // All at once, so that what was there before does not flicker.
      canvas.width = canvas.height = side;
      canvas.getContext('2d').drawImage(drawn, 0, 0);
    },

    drop(canvas) {
      const state = canvas.planningTile;
      state.stop.abort();
      slices.remove(state.job);
      canvas.width = canvas.height = 0;
    },

    // Paints again what is there: for another part of a zoom step, or other classes.
    repaint(isNeeded) {
      for (const { el: canvas } of Object.values(this._tiles)) {
        const state = canvas.planningTile;
        if (state.found && isNeeded(state)) {
          slices.remove(state.job);
          this.paint(canvas, state);
        }
      }
    },

    // Calls use(found, column, row) for each tile of the zoom at hand that is read.
    eachRead(use) {
      for (const { el: canvas, coords } of Object.values(this._tiles)) {
        const { found } = canvas.planningTile;
        if (found && coords.z === this._tileZoom) {
          use(found, coords.x, coords.y);
        }
      }
    },

    // Features at a place, the topmost first.
    at(latlng) {
      const point = this._map.project(latlng, this._tileZoom).divideBy(TILE_PX);
      const [column, row] = [Math.floor(point.x), Math.floor(point.y)];
      const reach = (REACH_PX * EXTENT) / (TILE_PX * 2 ** (this._map.getZoom() - this._tileZoom));
      const { isShown } = this.hooks.look(this._map.getZoom());
      const hits = [];
      this.eachRead((found, x, y) => {
        if (x !== column || y !== row) {
          return;
        }
        for (let place = found.count - 1; place >= 0; place -= 1) {
          if (touches(found, place, (point.x - x) * EXTENT, (point.y - y) * EXTENT, reach)) {
            const key = found.symbols[found.classes.values[place]];
            const name = found.values[found.names.values[place]] || null;
            if (isShown(key, name)) {
              hits.push({ key, name, source: this.source });
            }
          }
        }
      });
      return hits;
    },

    // Keys of the symbols that the view shows.
    keysIn(bounds) {
      const box = L.bounds(
        this._map.project(bounds.getNorthWest(), this._tileZoom).divideBy(TILE_PX),
        this._map.project(bounds.getSouthEast(), this._tileZoom).divideBy(TILE_PX)
      );
      const keys = new Set();
      this.eachRead((found, x, y) => {
        const [west, north, east, south] = [box.min.x - x, box.min.y - y, box.max.x - x, box.max.y - y].map((side) => side * EXTENT);
        const sides = found.boxes.values;
        for (let place = 0; place < found.count; place += 1) {
          const key = found.symbols[found.classes.values[place]];
          if (!keys.has(key) && sides[4 * place] <= east && sides[4 * place + 2] >= west && sides[4 * place + 1] <= south && sides[4 * place + 3] >= north) {
            keys.add(key);
          }
        }
      });
      return keys;
    },
  });

  // One source of a drawing that comes as tiles.
  class TiledSource {
    constructor(drawing, source) {
      Object.assign(this, { drawing, source, hasFailed: false, shown: '', state: 'done' });
      const { page, map } = drawing;
      this.layers = page.layersBySource.get(source.name) || [];
      this.canvases = new Canvases(
        source,
        { look: (zoom) => this.look(zoom), fail: (error) => this.fail(error) },
        { pane: source.name }
      );
      this.canvases.on('loading load', ({ type }) => {
        this.state = type === 'load' ? 'done' : 'loading';
        page.onTiles();
      });
      map.on('movestart zoomstart', () => {
        slices.isMoving = true;
      });
      map.on('moveend zoomend', () => {
        slices.isMoving = false;
      });
    }

    // Below the zoom that the layer is made for, things are small: no hatches, thinner strokes.
    look(zoom) {
      const nearer = this.layers.length ? this.layers[0].full_zoom - zoom : 0;
      return {
        isPlain: nearer > 0,
        strokes: Math.min(1, 2 ** -nearer),
        isShown: this.filter(),
      };
    }

    // Returns what tells whether a feature of a class and id is to be shown as things stand.
    filter() {
      const { shown, allowed } = this.drawing.page;
      const kept = allowed.get(this.source.name);
      const classes = new Map();
      return (key, name) => {
        if (!classes.has(key)) {
          const matched = this.layers.filter((layer) => !layer.where || `${this.source.symbol}.${layer.where[1]}` === key);
          classes.set(key, matched.every((layer) => shown.has(layer.name)));
        }
        return classes.get(key) && (!kept || kept.has(name));
      };
    }

    isOn() {
      const { page, map } = this.drawing;
      return this.layers.some((layer) => page.shown.has(layer.name) && map.getZoom() >= layer.min_zoom);
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
      const kept = page.allowed.get(this.source.name);
      const shown = JSON.stringify([this.layers.map((layer) => page.shown.has(layer.name)), kept ? [...kept] : null]);
      const scale = 2 ** (map.getZoom() - this.canvases._tileZoom);
      this.canvases.repaint((state) => shown !== this.shown || Math.abs(state.scale - scale) > 1e-6);
      this.shown = shown;
    }

    fail(error) {
      this.hasFailed = true;
      const reason = error instanceof own.LoadError ? error.message : own.text('reason_offline');
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
      const keys = [...this.canvases.keysIn(map.getBounds())];
      return this.drawing.page.allowed.has(this.source.name) ? keys : keys.filter((key) => isShown(key, null));
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
      const box = L.latLngBounds([point.subtract([reach, reach]), point.add([reach, reach])].map((corner) => map.containerPointToLatLng(corner)));
      const sides = [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((side) => side.toFixed(8));
      return own.fetchCollection(`${this.source.address}&bbox=${sides.join(',')}`);
    }
  }

  Object.assign(own, { TiledSource });
})(window.planningMap);
