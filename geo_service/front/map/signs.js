// Keeps the signs of parks apart, and those of candidates: one that would lie over another moves to
// the nearest free place, and a thin line leads back to where the feature is.
import { HALO_PX } from './markers.js';
import { settings } from './settings.js';

// Beyond so many signs in sight they stand where they are: nobody could tell them apart.
const MOST_SIGNS = 300;
const FURTHEST_PX = 56;
const STEP_PX = 3;
const TURNS = 16;
const GAP_PX = 1;
const LED_FROM_PX = 5;
const NAME_PX = 14.5;
const NAME_REACH_PX = 10;
const CLEAR_PX = 2;

// How far a sign reaches from its centre, a park's halo included.
export function reachOf(item) {
  return item.source.name === 'parks'
    ? settings.symbols[`tier.${item.feature.properties.tier}`].size / 2 + HALO_PX
    : settings.symbols[item.key].size / 2;
}

/**
 * Returns for each sign, the most important first, by how much it moves.
 * @param {{ x: number, y: number, reach: number }[]} signs
 * @returns {[number, number][]}
 */
export function spreadOut(signs) {
  /** @type {{ x: number, y: number, reach: number }[]} */
  const placed = [];
  return signs.map((sign) => {
    const [right, down] = nearestFree(sign, placed);
    placed.push({ x: sign.x + right, y: sign.y + down, reach: sign.reach });
    return [right, down];
  });
}

function nearestFree({ x, y, reach }, placed) {
  const near = placed.filter(
    (other) => Math.hypot(other.x - x, other.y - y) < other.reach + reach + FURTHEST_PX,
  );
  const isFree = (right, down) =>
    near.every(
      (other) =>
        Math.hypot(other.x - x - right, other.y - y - down) >= other.reach + reach + GAP_PX,
    );
  if (isFree(0, 0)) {
    return [0, 0];
  }
  for (let far = STEP_PX; far <= FURTHEST_PX; far += STEP_PX) {
    for (let turn = 0; turn < TURNS; turn += 1) {
      const angle = (turn / TURNS) * 2 * Math.PI;
      const [right, down] = [Math.cos(angle) * far, Math.sin(angle) * far];
      if (isFree(right, down)) {
        return [right, down];
      }
    }
  }
  return [0, 0];
}

export class Signs {
  constructor(drawing) {
    this.drawing = drawing;
    this.leaders = L.layerGroup().addTo(drawing.map);
    this.placed = '';
  }

  // Places the signs anew when the zoom or what is shown has changed.
  place() {
    const { map } = this.drawing;
    const view = map.getBounds().pad(1);
    const items = this.drawing.signed();
    const shown = items.length > MOST_SIGNS ? [] : items;
    const key = `${map.getZoom()} ${shown.map((item) => item.feature.id).join()}`;
    if (key === this.placed) {
      return;
    }
    this.placed = key;
    this.leaders.clearLayers();
    const signs = shown
      .map((item) => ({ item, at: item.bounds.getCenter(), reach: reachOf(item) }))
      .sort((one, other) => other.reach - one.reach)
      .map((sign) => ({ ...sign, ...pointOf(map, sign.at) }))
      .flatMap((sign) => [sign, ...roomForName(sign)]);
    spreadOut(signs).forEach(([right, down], index) => {
      const { item, at, x, y } = signs[index];
      if (!item) {
        return;
      }
      const isMoved = Boolean(right || down);
      const place = isMoved ? map.layerPointToLatLng([x + right, y + down]) : at;
      item.place = place;
      item.marker.setLatLng(place);
      if (Math.hypot(right, down) >= LED_FROM_PX && view.contains(at)) {
        this.lead(at, place);
      }
    });
  }

  lead(from, to) {
    const options = { interactive: false, ...this.drawing.home('leaders') };
    this.leaders.addLayer(
      L.polyline([from, to], { ...options, color: '#ffffff', weight: 3.4, opacity: 0.9 }),
    );
    this.leaders.addLayer(L.polyline([from, to], { ...options, color: '#3a434b', weight: 1.2 }));
    this.leaders.addLayer(
      L.circleMarker(from, {
        ...options,
        radius: 2.6,
        color: '#ffffff',
        weight: 1.2,
        fillColor: '#3a434b',
        fillOpacity: 1,
      }),
    );
  }
}

// Below the sign of the highest tier its name always stands: other signs keep off.
function roomForName({ item, x, y, reach }) {
  const { tier, short_name: name } = item.feature.properties;
  if (tier !== 'municipal_park' || !name) {
    return [];
  }
  const count = Math.ceil((name.length * NAME_PX) / (NAME_REACH_PX * 2 + GAP_PX));
  return Array.from({ length: count }, (_, index) => ({
    x: x + (index - (count - 1) / 2) * (NAME_REACH_PX * 2 + GAP_PX),
    y: y + reach + NAME_REACH_PX + GAP_PX,
    reach: NAME_REACH_PX,
  }));
}

// A facility is not drawn where a park's sign is.
export function coverFacilities(drawing) {
  const { map } = drawing;
  const facilities = (drawing.items.get('facilities') || []).filter(({ isDrawn }) => isDrawn);
  const signs = drawing.parks().filter((item) => !drawing.givesWay(item));
  const boxes = signs.map((item) =>
    boxAround(map, drawing.placeOf(item), reachOf(item) + CLEAR_PX),
  );
  for (const item of facilities) {
    const half = settings.symbols[item.key].size / 2;
    const own = boxAround(map, item.bounds.getCenter(), half);
    item.isCovered = boxes.some((box) => box.overlaps(own));
    item.parts.forEach((part) => part.getElement?.()?.classList.toggle('is-faded', item.isCovered));
  }
}

// The box of so many pixels to each side of a place.
function boxAround(map, latlng, half) {
  const point = map.latLngToLayerPoint(latlng);
  return L.bounds(point.subtract([half, half]), point.add([half, half]));
}

function pointOf(map, latlng) {
  const { x, y } = map.latLngToLayerPoint(latlng);
  return { x, y };
}
