// Turns the style table that the page carries into path options, hatches, markers and the
// swatches of the legend. No colour or width stands here.
import { makeSvg } from '../shared/dom.js';
import { shapePath, signPath } from '../shared/symbols.js';
import { settings } from './settings.js';

export const OTHER = 'other';

export function symbolKey(source, properties) {
  if (!source.symbol_column) {
    return source.symbol;
  }
  const key = `${source.symbol}.${properties[source.symbol_column]}`;
  return key in settings.symbols ? key : `${source.symbol}.${OTHER}`;
}

function hatchId(key) {
  return `hatch-${key.replace(/[^a-z_]/g, '-')}`;
}

export const HATCHES = {
  diagonal: 'M-2 2 2 -2M0 8 8 0M6 10 10 6',
  backward: 'M-2 6 2 10M0 0 8 8M6 -2 10 2',
  cross: 'M0 8 8 0M0 0 8 8',
  horizontal: 'M0 2H8M0 6H8',
};

// The hatches of all symbols, once for the document: fills name them by their ids.
export function hatches() {
  const patterns = Object.entries(settings.symbols)
    .filter(([, symbol]) => symbol.hatch)
    .map(([key, symbol]) =>
      makeSvg(
        'pattern',
        { id: hatchId(key), width: 8, height: 8, patternUnits: 'userSpaceOnUse' },
        symbol.fill
          ? makeSvg('rect', {
              width: 8,
              height: 8,
              fill: symbol.fill,
              'fill-opacity': symbol.fill_opacity,
            })
          : null,
        symbol.hatch === 'dots'
          ? [
              makeSvg('circle', { cx: 2, cy: 2, r: 1, fill: symbol.stroke }),
              makeSvg('circle', { cx: 6, cy: 6, r: 1, fill: symbol.stroke }),
            ]
          : makeSvg('path', {
              d: HATCHES[symbol.hatch],
              stroke: symbol.stroke,
              'stroke-width': 1,
              'stroke-opacity': 0.75,
              fill: 'none',
            }),
      ),
    );
  return makeSvg(
    'svg',
    { width: 0, height: 0, class: 'hatches', 'aria-hidden': 'true', focusable: 'false' },
    makeSvg('defs', null, patterns),
  );
}

function areaFill(key, symbol) {
  if (symbol.hatch) {
    return { fill: true, fillColor: `url(#${hatchId(key)})`, fillOpacity: 1 };
  }
  return {
    fill: true,
    fillColor: symbol.fill || 'transparent',
    fillOpacity: symbol.fill_opacity || 0,
  };
}

export function isArea(geometry) {
  return geometry.type === 'Polygon' || geometry.type === 'MultiPolygon';
}

// Leaflet's options for a line or an area.
export function pathOptions(key, geometry) {
  const symbol = settings.symbols[key];
  const options = {
    color: symbol.stroke,
    weight: symbol.width,
    dashArray: symbol.dash || null,
    opacity: 1,
  };
  if (!isArea(geometry)) {
    return { ...options, fill: false, lineCap: symbol.casing ? 'butt' : 'round' };
  }
  if (symbol.geometry === 'line') {
    return { ...options, weight: 0.8, ...areaFill(key, { ...symbol, fill_opacity: 1 }) };
  }
  return { ...options, ...areaFill(key, symbol) };
}

// ---- markers ----

// A marker is drawn in a box of so much to each side of its centre. A ring around it is a line of
// so many pixels, whatever the marker's size, outside its edge.
const BOX = 12;
const EDGE = 0.9;
const RING = 1.8;

// A marker as an element. `over` replaces parts of the symbol (a park takes its tier's
// shape and size, its verdict's colour and sign).
function marker(symbol, over) {
  const drawn = { ...symbol, ...over };
  const reach = drawn.ring ? EDGE + (RING * BOX * 2) / drawn.size : 0;
  /** @type {(SVGElement | null)[]} */
  const parts = [
    drawn.ring
      ? shapePath(drawn.shape, {
          fill: 'none',
          stroke: drawn.ring,
          'stroke-width': reach * 2,
          'stroke-dasharray': drawn.ring_dash || null,
          'stroke-linejoin': 'round',
        })
      : null,
    shapePath(drawn.shape, {
      fill: drawn.fill,
      stroke: drawn.edge || drawn.stroke,
      'stroke-width': drawn.edge_width || 1.6,
      'stroke-dasharray': drawn.edge_dash || null,
      'stroke-linejoin': 'round',
    }),
  ];
  if (drawn.sign) {
    parts.push(signPath(drawn.sign, drawn.ink || '#ffffff', signPlace(drawn.shape)));
  }
  if (drawn.glyph) {
    parts.push(glyphText(drawn.glyph, drawn.ink || '#ffffff', 12));
  }
  const half = Math.max(BOX, 10 + reach);
  const size = (drawn.size * half) / BOX;
  return makeSvg(
    'svg',
    {
      viewBox: `${-half} ${-half} ${half * 2} ${half * 2}`,
      width: size,
      height: size,
      class: 'marker',
      'aria-hidden': 'true',
    },
    parts,
  );
}

// A ring around the marker of what is selected.
export function ring(radius, colour) {
  const circle = (width, stroke) =>
    makeSvg('circle', { cx: 0, cy: 0, r: radius - 3, fill: 'none', stroke, 'stroke-width': width });
  return makeSvg(
    'svg',
    {
      viewBox: `${-radius} ${-radius} ${radius * 2} ${radius * 2}`,
      width: radius * 2,
      height: radius * 2,
      'aria-hidden': 'true',
    },
    circle(5.5, '#ffffff'),
    circle(2.8, colour),
  );
}

// What the ring around a park says: the most binding kind of basis that its verdict rests on.
// On the map of a layout it says that a park gets another leading industry.
export function ringOf({ rests_on: group, is_changed: isChanged }) {
  const key = isChanged ? 'layout_map.changed' : `rests_on.${group}`;
  const symbol = settings.symbols[key] ?? {};
  return { ring: symbol.ring, ring_dash: symbol.ring_dash };
}

// The key of a park's symbol if that is one of themes, as on the map of a layout.
export function themeKey(key) {
  return key.startsWith('theme.') ? key : null;
}

// Around a park's outline lies a white halo of so many pixels, and around that a ring.
export const HALO_PX = 3;
const RING_PX = 1.5;

// A park: its tier gives shape and size; its verdict gives colour and sign, and what that rests on
// a ring. On a thematic map the theme's symbol gives both instead.
export function parkMarker(properties, themed = null) {
  const { tier, verdict } = properties;
  const { shape, size, fill } = settings.symbols[`tier.${tier}`];
  const judged = settings.symbols[themed ?? `verdict.${verdict}`];
  const unit = 20 / size;
  const { ring: colour, ring_dash: dash } =
    themed && !properties.is_changed ? {} : ringOf(properties);
  const around = (paint, reach, more = {}) =>
    shapePath(shape, {
      fill: paint,
      stroke: paint,
      'stroke-width': reach * 2 * unit,
      'stroke-linejoin': 'round',
      ...more,
    });
  const half = 10 + (HALO_PX + RING_PX) * unit;
  const glyph = themed ? kindNumber(themed) : null;
  const ink = judged?.ink ?? '#ffffff';
  return makeSvg(
    'svg',
    {
      viewBox: `${-half} ${-half} ${half * 2} ${half * 2}`,
      width: (half * 2) / unit,
      height: (half * 2) / unit,
      class: 'marker',
      'aria-hidden': 'true',
    },
    colour
      ? around('none', HALO_PX + RING_PX, { stroke: colour, 'stroke-dasharray': dash || null })
      : null,
    around('#ffffff', HALO_PX),
    shapePath(shape, {
      fill: (themed ? judged.fill : judged?.stroke) ?? fill,
      stroke: judged?.stroke ?? fill,
      'stroke-width': themed ? unit : 0,
    }),
    judged?.sign ? signPath(judged.sign, ink, signPlace(shape)) : null,
    glyph ? glyphText(glyph, ink, shape === 'star' ? 8.5 : 12) : null,
  );
}

function signPlace(shape) {
  return shape === 'star' ? { transform: 'translate(0 .6) scale(.62)' } : {};
}

// The number that stands for a group beside its colour.
function kindNumber(key) {
  return /^theme\.kind_(\d)$/.exec(key)?.[1] ?? null;
}

function glyphText(glyph, ink, size) {
  return makeSvg(
    'text',
    { y: size * 0.36, class: 'glyph', 'text-anchor': 'middle', fill: ink, 'font-size': size },
    glyph,
  );
}

// Any other point: by its own symbol, or by its verdict when that is all there is.
export function pin(key, properties) {
  const symbol = settings.symbols[key];
  if (symbol.shape) {
    return marker(symbol, { glyph: properties.rank ? String(properties.rank) : glyphOf(key) });
  }
  return key.startsWith('verdict.') ? verdictBadge(properties.verdict) : badge(key);
}

function glyphOf(key) {
  return (settings.labels[key] || {}).glyph || null;
}

// ---- swatches ----

const SWATCH_WIDTH = 28;
const SWATCH_HEIGHT = 18;

export function swatch(key) {
  const symbol = settings.symbols[key];
  if (key.startsWith('theme.')) {
    const glyph = kindNumber(key);
    return framed([nested(marker({ ...symbol, size: 18, edge: symbol.stroke }, { glyph }))]);
  }
  if (symbol.geometry === 'point') {
    const size = Math.min(symbol.size, 20);
    return framed([nested(marker({ ...symbol, size }, { glyph: glyphOf(key) }))]);
  }
  if (symbol.geometry === 'line') {
    return framed(strokes(symbol));
  }
  return framed([
    makeSvg('rect', {
      x: 3,
      y: 3,
      width: SWATCH_WIDTH - 6,
      height: SWATCH_HEIGHT - 6,
      rx: 1.5,
      stroke: symbol.stroke,
      'stroke-width': Math.min(symbol.width, 2.6),
      'stroke-dasharray': symbol.dash || null,
      fill: symbol.hatch ? `url(#${hatchId(key)})` : symbol.fill || 'none',
      'fill-opacity': symbol.hatch ? 1 : symbol.fill_opacity || 0,
    }),
  ]);
}

// The swatch of an area that has a sign: its pattern with the marker's sign over it.
export function signSwatch(key) {
  const symbol = settings.symbols[key];
  const element = swatch(key);
  if (symbol.geometry === 'area' && symbol.sign) {
    const over = { size: 15, fill: symbol.stroke, sign: symbol.sign };
    element.append(nested(marker(settings.symbols['tier.building_park'], over)));
  }
  return element;
}

function nested(element) {
  const size = Number(element.getAttribute('width'));
  element.setAttribute('x', (SWATCH_WIDTH - size) / 2);
  element.setAttribute('y', (SWATCH_HEIGHT - size) / 2);
  return element;
}

function strokes(symbol) {
  const line = (colour, width, dash) =>
    makeSvg('line', {
      x1: 2,
      x2: SWATCH_WIDTH - 2,
      y1: SWATCH_HEIGHT / 2,
      y2: SWATCH_HEIGHT / 2,
      stroke: colour,
      'stroke-width': width,
      'stroke-dasharray': dash || null,
    });
  return [
    symbol.casing ? line(symbol.casing, symbol.width + 2) : null,
    line(symbol.stroke, symbol.width, symbol.dash),
  ];
}

function framed(parts) {
  return makeSvg(
    'svg',
    {
      viewBox: `0 0 ${SWATCH_WIDTH} ${SWATCH_HEIGHT}`,
      width: SWATCH_WIDTH,
      height: SWATCH_HEIGHT,
      class: 'swatch',
      'aria-hidden': 'true',
    },
    parts,
  );
}

// A small badge with the sign of a verdict or of another symbol, for lists and popups.
export function verdictBadge(verdict) {
  return badge(`verdict.${verdict}`);
}

export function badge(key) {
  const symbol = settings.symbols[key];
  return symbol.shape
    ? marker({ ...symbol, size: 18 }, { glyph: glyphOf(key) })
    : marker(settings.symbols['tier.building_park'], {
        size: 18,
        fill: symbol.stroke,
        sign: symbol.sign,
      });
}
