// The worker of pages that draw vector tiles: fetches tiles, reads the format, paints pictures by
// the style table. It works beside the page, so that the map can be moved meanwhile. The page
// gets the picture of a tile, and its features, to tell what lies under a point.
'use strict';

(function () {
  const EXTENT = 4096;
  const PAINT_AT_ONCE = 250;
  const DOTS = 2;
  const HATCH_PX = 8;
  const LEAST_STROKE_PX = 0.2;
  const LINE = 2;
  const POLYGON = 3;
  // What the page says at first: { symbols, hatches, other }.
  let style = null;

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

    // Makes room for so many more.
    reserve(count) {
      const needed = this.length + count;
      if (needed > this.values.length) {
        const grown = new this.values.constructor(Math.max(needed, this.values.length * 2));
        grown.set(this.values);
        this.values = grown;
      }
    }

    push(value) {
      if (this.length === this.values.length) {
        this.reserve(1);
      }
      this.values[this.length++] = value;
    }
  }

  // A tile's features: class, kind, box, paths and vertices, in rows of numbers.
  class Features {
    constructor(bytes) {
      this.bytes = bytes;
      this.kinds = new Numbers(Uint8Array, 64);
      this.classes = new Numbers(Uint32Array, 64);
      this.names = new Numbers(Int32Array, 64);
      this.paths = new Numbers(Uint32Array, 64);
      this.starts = new Numbers(Uint32Array, 256);
      this.boxes = new Numbers(Int16Array, 256);
      this.vertices = new Numbers(Int16Array, 2048);
      // Where the texts of the tile lie in its bytes; most are ids that nobody asks for.
      this.spans = new Numbers(Uint32Array, 256);
      this.symbols = new Map();
    }

    get count() {
      return this.kinds.length;
    }

    // A text of the tile, null when the value is not one.
    text(number) {
      const [start, end] = [this.spans.values[2 * number], this.spans.values[2 * number + 1]];
      return start ? new TextDecoder().decode(this.bytes.subarray(start, end)) : null;
    }

    // Copies for the page, as long as they are full.
    copies() {
      const columns = [
        'kinds',
        'classes',
        'names',
        'paths',
        'starts',
        'boxes',
        'vertices',
        'spans',
      ];
      const copies = Object.fromEntries(
        columns.map((name) => [name, this[name].values.slice(0, this[name].length)]),
      );
      return { ...copies, bytes: this.bytes.slice() };
    }
  }

  // Reads the layer of a source.
  function read(bytes, source) {
    const found = new Features(bytes);
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
            readValue(reader, stop, found.spans);
          } else if (stop === null) {
            reader.varint();
          }
        });
      }
    });
    const classKey = keys.indexOf(source.symbol_column);
    const nameKey = keys.indexOf(source.key);
    const none = found.spans.length / 2;
    for (let place = 0; place < messages.length; place += 2) {
      reader.at = messages[place];
      readFeature(reader, messages[place + 1], found, { classKey, nameKey, none });
    }
    for (const number of new Set(found.classes.values.subarray(0, found.count))) {
      found.symbols.set(
        number,
        symbolKey(source, number === none ? undefined : found.text(number)),
      );
    }
    return found;
  }

  // Only texts matter here: classes and ids. Any other value has an empty span.
  function readValue(reader, end, spans) {
    const isText = reader.at < end && reader.varint() === 10;
    if (isText) {
      const size = reader.varint();
      spans.push(reader.at);
      spans.push(reader.at + size);
    } else {
      spans.push(0);
      spans.push(0);
    }
    reader.at = end;
  }

  function symbolKey({ symbol, symbol_column: column }, value) {
    const key = `${symbol}.${value}`;
    return column ? (key in style.symbols ? key : `${symbol}.${style.other}`) : symbol;
  }

  function readFeature(reader, end, found, { classKey, nameKey, none }) {
    let kind = 0;
    let symbol = none;
    let name = -1;
    const firstPath = found.starts.length;
    const firstBox = found.boxes.length;
    found.boxes.reserve(4);
    found.boxes.values.set([32767, 32767, -32768, -32768], firstBox);
    found.boxes.length += 4;
    while (reader.at < end) {
      const number = reader.varint() >> 3;
      if (number === 1) {
        reader.varint();
      } else if (number === 3) {
        kind = reader.varint();
      } else {
        const stop = reader.varint() + reader.at;
        if (number === 2) {
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
          readPaths(reader, stop, found, firstBox);
        }
        reader.at = stop;
      }
    }
    found.kinds.push(kind);
    found.classes.push(symbol);
    found.names.push(name);
    found.paths.push(firstPath);
  }

  // Most of a tile's numbers go through here, so that it is plain loops.
  function readPaths(reader, end, found, firstBox) {
    const { bytes } = reader;
    const { vertices } = found;
    // A vertex takes two bytes at least.
    vertices.reserve(end - reader.at);
    const { values } = vertices;
    let { length } = vertices;
    let { at } = reader;
    let west = 32767;
    let north = 32767;
    let east = -32768;
    let south = -32768;
    let x = 0;
    let y = 0;
    let byte = 0;
    let shift = 0;
    const varint = () => {
      let value = 0;
      shift = 0;
      do {
        byte = bytes[at++];
        value |= (byte & 0x7f) << shift;
        shift += 7;
      } while (byte > 0x7f);
      return value;
    };
    while (at < end) {
      const command = varint();
      const what = command & 7;
      // 1 begins a path, 2 goes on with it, 7 closes it.
      for (let count = what === 7 ? 0 : command >> 3; count > 0; count -= 1) {
        const right = varint();
        const down = varint();
        x += (right >> 1) ^ -(right & 1);
        y += (down >> 1) ^ -(down & 1);
        if (what === 1) {
          found.starts.push(length / 2);
        }
        values[length] = x;
        values[length + 1] = y;
        length += 2;
        west = x < west ? x : west;
        east = x > east ? x : east;
        north = y < north ? y : north;
        south = y > south ? y : south;
      }
    }
    vertices.length = length;
    reader.at = at;
    const box = found.boxes.values;
    box[firstBox] = west;
    box[firstBox + 1] = north;
    box[firstBox + 2] = east;
    box[firstBox + 3] = south;
  }

  // ---- painting ----

  const hatchImages = new Map();

  // The picture that a hatch repeats, for a screen of so many dots a pixel.
  function hatchImage(key, dots) {
    const name = `${key} ${dots}`;
    if (!hatchImages.has(name)) {
      const symbol = style.symbols[key];
      const side = Math.max(1, Math.round(HATCH_PX * dots));
      const canvas = new OffscreenCanvas(side, side);
      const context = canvas.getContext('2d', { willReadFrequently: true });
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
        context.stroke(new Path2D(style.hatches[symbol.hatch]));
      }
      hatchImages.set(name, canvas);
    }
    return hatchImages.get(name);
  }

  // Returns the picture of a tile's features, `side` dots wide.
  // look: { dots, isPlain, strokes, keys, names, column, row }; names null means all of them.
  function paint(found, side, look) {
    const canvas = new OffscreenCanvas(side, side);
    // "Read frequently" means painted by the processor: this need not wait for the page's own thread.
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const classes = new Map();
    for (let place = 0; place < found.count; place += 1) {
      const number = found.classes.values[place];
      if (
        found.kinds.values[place] >= LINE &&
        (!look.names || look.names.has(found.text(found.names.values[place])))
      ) {
        if (!classes.has(number)) {
          classes.set(number, []);
        }
        classes.get(number).push(place);
      }
    }
    // The minor below the major, as with features that are elements.
    const order = Object.keys(style.symbols);
    const rank = (number) => order.indexOf(found.symbols.get(number));
    const numbers = [...classes.keys()]
      .filter((number) => look.keys.has(found.symbols.get(number)))
      .sort((one, other) => rank(other) - rank(one));
    const shapes = dot(
      found,
      numbers.map((number) => [found.symbols.get(number), classes.get(number)]),
      context,
      side,
      look,
    );
    for (const act of [fill, casing, stroke]) {
      for (const [key, places] of shapes) {
        if (act(context, key, look, side, false)) {
          for (let from = 0; from < places.length; from += PAINT_AT_ONCE) {
            context.beginPath();
            for (const place of places.slice(from, from + PAINT_AT_ONCE)) {
              trace(found, place, context, side / EXTENT, act === fill);
            }
            act(context, key, look, side, true);
          }
        }
      }
    }
    return canvas.transferToImageBitmap();
  }

  // Paints areas of a dot or two as such, which takes a tenth of the time that outlines take.
  // shapes: [[key, places], …]. Returns those that are larger.
  function dot(found, shapes, context, side, look) {
    const scale = side / EXTENT;
    const boxes = found.boxes.values;
    const isSmall = (place) =>
      found.kinds.values[place] === POLYGON &&
      (boxes[4 * place + 2] - boxes[4 * place]) * scale <= DOTS &&
      (boxes[4 * place + 3] - boxes[4 * place + 1]) * scale <= DOTS;
    const clip = (value) => Math.min(side, Math.max(0, Math.round(value * scale)));
    let picture = null;
    const larger = shapes.map(([key, places]) => {
      const rest = places.filter((place) => !isSmall(place));
      if (rest.length < places.length) {
        const colour = colourOf(context, key, look);
        picture = picture || new ImageData(side, side);
        const dots = new Uint32Array(picture.data.buffer);
        for (const place of places) {
          if (isSmall(place)) {
            // Neighbours share a border, so that rounding leaves no gap; none is lost to it.
            const left = clip(boxes[4 * place]);
            const top = clip(boxes[4 * place + 1]);
            const right = Math.max(left + 1, clip(boxes[4 * place + 2]));
            const bottom = Math.max(top + 1, clip(boxes[4 * place + 3]));
            for (let y = top; y < bottom; y += 1) {
              dots.fill(colour, y * side + left, Math.min((y + 1) * side, y * side + right));
            }
          }
        }
      }
      return [key, rest];
    });
    if (picture) {
      context.putImageData(picture, 0, 0);
    }
    return larger;
  }

  // The colour of a small area, as a picture has it: four bytes.
  function colourOf(context, key, look) {
    context.save();
    if (fill(context, key, { ...look, isPlain: true }, 1, false)) {
      context.fillRect(0, 0, 1, 1);
    }
    context.restore();
    const { data } = context.getImageData(0, 0, 1, 1);
    context.clearRect(0, 0, 1, 1);
    return new Uint32Array(data.buffer)[0];
  }

  function trace(found, place, context, scale, isFill) {
    const isArea = found.kinds.values[place] === POLYGON;
    if (isFill && !isArea) {
      return;
    }
    const vertices = found.vertices.values;
    const starts = found.starts.values;
    const last = place + 1 < found.count ? found.paths.values[place + 1] : found.starts.length;
    for (let path = found.paths.values[place]; path < last; path += 1) {
      const start = starts[path];
      const end = path + 1 < found.starts.length ? starts[path + 1] : found.vertices.length / 2;
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
    const symbol = style.symbols[key];
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
        new DOMMatrix().translate(
          -((look.column * side) % image.width),
          -((look.row * side) % image.width),
        ),
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
    const symbol = style.symbols[key];
    if (!symbol.casing || look.isPlain) {
      return false;
    }
    return draw(
      context,
      { colour: symbol.casing, width: symbol.width + 2, cap: 'butt' },
      look,
      isUse,
    );
  }

  function stroke(context, key, look, side, isUse) {
    const symbol = style.symbols[key];
    const width = symbol.width * look.strokes;
    if (width < LEAST_STROKE_PX) {
      return false;
    }
    const dash = symbol.dash && !look.isPlain ? symbol.dash : null;
    return draw(
      context,
      { colour: symbol.stroke, width, dash, cap: symbol.casing ? 'butt' : 'round' },
      look,
      isUse,
    );
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

  // ---- work, as the page asks for it ----

  const tiles = new Map();
  // Pictures to paint, by tile. Who comes last is served first: a reader waits for what came into
  // sight now.
  const waiting = new Map();
  const next = new MessageChannel();
  next.port1.onmessage = () => work();

  // Puts a job off until nothing newer waits; what it returns, and takes along, goes to the page.
  function later(tile, turn, job) {
    waiting.delete(tile);
    waiting.set(tile, { turn, job });
    next.port2.postMessage(null);
  }

  function work() {
    const last = [...waiting].pop();
    if (!last) {
      return;
    }
    const [tile, { turn, job }] = last;
    waiting.delete(tile);
    try {
      const [made, taken] = job();
      postMessage({ tile, turn, ...made }, taken.filter(Boolean));
    } catch (error) {
      postMessage({ tile, turn, error: 'broken' });
      throw error;
    }
  }

  async function load({ tile, turn, address, source, side, look }) {
    const stop = new AbortController();
    tiles.set(tile, { stop });
    try {
      const answer = await fetch(address, { signal: stop.signal });
      if (!answer.ok) {
        postMessage({ tile, turn, error: 'status', status: answer.status });
        return;
      }
      const bytes = new Uint8Array(answer.status === 204 ? 0 : await answer.arrayBuffer());
      later(tile, turn, () => {
        const found = read(bytes, source);
        tiles.set(tile, { stop, found });
        const image = found.count ? paint(found, side, look) : null;
        const copies = found.copies();
        return [
          { found: { ...copies, symbols: found.symbols }, image },
          [image, ...Object.values(copies).map((column) => column.buffer)],
        ];
      });
    } catch (error) {
      if (error.name !== 'AbortError') {
        postMessage({ tile, turn, error: 'offline' });
      }
    }
  }

  const acts = {
    start: ({ symbols, hatches, other }) => {
      style = { symbols, hatches, other };
    },
    load,
    paint: ({ tile, turn, side, look }) =>
      later(tile, turn, () => {
        const image = paint(tiles.get(tile).found, side, look);
        return [{ image }, [image]];
      }),
    drop: ({ tile }) => {
      const { stop } = tiles.get(tile) || {};
      if (stop) {
        stop.abort();
      }
      tiles.delete(tile);
      waiting.delete(tile);
    },
  };

  onmessage = ({ data }) => acts[data.act](data);

  // The first picture of a worker waits until the page's own thread is free; this one may.
  const first = new OffscreenCanvas(1, 1);
  first.getContext('2d', { willReadFrequently: true }).fillRect(0, 0, 1, 1);
  first.transferToImageBitmap().close();
})();
