// Reads the format of tiles: Mapbox Vector Tile 2.1.

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
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
    const columns = ['kinds', 'classes', 'names', 'paths', 'starts', 'boxes', 'vertices', 'spans'];
    const copies = Object.fromEntries(
      columns.map((name) => [name, this[name].values.slice(0, this[name].length)]),
    );
    return { ...copies, bytes: this.bytes.slice() };
  }
}

// Reads the layer of a source. style: what the page says at first, { symbols, hatches, other }.
export function read(bytes, source, style) {
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
  for (let index = 0; index < messages.length; index += 2) {
    reader.at = messages[index];
    readFeature(reader, messages[index + 1], found, { classKey, nameKey, none });
  }
  for (const number of new Set(found.classes.values.subarray(0, found.count))) {
    found.symbols.set(
      number,
      symbolKey(style, source, number === none ? undefined : found.text(number)),
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

function symbolKey(style, { symbol, symbol_column: column }, value) {
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
