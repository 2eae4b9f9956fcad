// Paints the pictures of tiles by the style table.

const EXTENT = 4096;
const PAINT_AT_ONCE = 250;
const DOTS = 2;
const HATCH_PX = 8;
const LEAST_STROKE_PX = 0.2;
const LINE = 2;
const POLYGON = 3;
/**
 * @typedef {object} Style
 * @property {Record<string, any>} symbols
 * @property {Record<string, string>} hatches
 * @property {string} other the class of what has no symbol of its own
 */

/** What the page says at first. @type {Style} */
let style = { symbols: {}, hatches: {}, other: '' };

/** @param {Style} shared */
export function useStyle(shared) {
  style = shared;
}

/**
 * What paints on a canvas. "Read frequently" means painted by the processor, which need not wait
 * for the page itself.
 * @param {OffscreenCanvas} canvas
 */
function brushOf(canvas) {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return /** @type {OffscreenCanvasRenderingContext2D} */ (context);
}

const hatchImages = new Map();

// The picture that a hatch repeats, for a screen of so many dots a pixel.
function hatchImage(key, dots) {
  const name = `${key} ${dots}`;
  if (!hatchImages.has(name)) {
    const symbol = style.symbols[key];
    const side = Math.max(1, Math.round(HATCH_PX * dots));
    const canvas = new OffscreenCanvas(side, side);
    const context = brushOf(canvas);
    context.scale(canvas.width / HATCH_PX, canvas.width / HATCH_PX);
    if (symbol.fill) {
      context.globalAlpha = symbol.fill_opacity;
      context.fillStyle = symbol.fill;
      context.fillRect(0, 0, HATCH_PX, HATCH_PX);
    }
    context.globalAlpha = symbol.hatch === 'dots' ? 1 : 0.75;
    context.fillStyle = context.strokeStyle = symbol.stroke;
    if (symbol.hatch === 'dots') {
      for (const centre of [2, 6]) {
        context.beginPath();
        context.arc(centre, centre, 1, 0, 2 * Math.PI);
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
export function paint(found, side, look) {
  const canvas = new OffscreenCanvas(side, side);
  const context = brushOf(canvas);
  const classes = new Map();
  for (let index = 0; index < found.count; index += 1) {
    const number = found.classes.values[index];
    if (
      found.kinds.values[index] >= LINE &&
      (!look.names || look.names.has(found.text(found.names.values[index])))
    ) {
      if (!classes.has(number)) {
        classes.set(number, []);
      }
      classes.get(number).push(index);
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
    for (const [key, indices] of shapes) {
      if (act(context, key, look, side, false)) {
        for (let from = 0; from < indices.length; from += PAINT_AT_ONCE) {
          context.beginPath();
          for (const index of indices.slice(from, from + PAINT_AT_ONCE)) {
            trace(found, index, context, side / EXTENT, act === fill);
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
  const isSmall = (index) =>
    found.kinds.values[index] === POLYGON &&
    (boxes[4 * index + 2] - boxes[4 * index]) * scale <= DOTS &&
    (boxes[4 * index + 3] - boxes[4 * index + 1]) * scale <= DOTS;
  const clip = (value) => Math.min(side, Math.max(0, Math.round(value * scale)));
  /** @type {ImageData | null} */
  let picture = null;
  const larger = shapes.map(([key, indices]) => {
    const rest = indices.filter((index) => !isSmall(index));
    if (rest.length < indices.length) {
      const colour = colourOf(context, key, look);
      picture ??= new ImageData(side, side);
      const dots = new Uint32Array(picture.data.buffer);
      for (const index of indices) {
        if (isSmall(index)) {
          // Neighbours share a border, so that rounding leaves no gap; none is lost to it.
          const left = clip(boxes[4 * index]);
          const top = clip(boxes[4 * index + 1]);
          const right = Math.max(left + 1, clip(boxes[4 * index + 2]));
          const bottom = Math.max(top + 1, clip(boxes[4 * index + 3]));
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

function trace(found, index, context, scale, isFill) {
  const isArea = found.kinds.values[index] === POLYGON;
  if (isFill && !isArea) {
    return;
  }
  const vertices = found.vertices.values;
  const starts = found.starts.values;
  const last = index + 1 < found.count ? found.paths.values[index + 1] : found.starts.length;
  for (let path = found.paths.values[index]; path < last; path += 1) {
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
    pattern?.setTransform(
      new DOMMatrix().translate(
        -((look.column * side) % image.width),
        -((look.row * side) % image.width),
      ),
    );
    context.globalAlpha = 1;
    context.fillStyle = pattern ?? 'transparent';
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
    { colour: symbol.casing, width: symbol.width + 2, dash: null, cap: 'butt' },
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
