// Items: a feature each, with what is drawn for it.
import { hasValue } from '../shared/format.js';
import { symbolKey } from './markers.js';
import { settings, text } from './settings.js';

const SPREAD_PX = 7.5;
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

export function nameOf(item) {
  const { name, title } = item.feature.properties;
  if (hasValue(name)) {
    return name;
  }
  return hasValue(title) ? title : item.feature.id || text('unnamed');
}

// An item is one feature with what is drawn for it. Findings without a place are items too:
// they stand in lists and are shown at their park.
export function makeItems(source, collection, drawing) {
  const order = Object.keys(settings.symbols);
  const items = collection.features
    .filter((feature) => feature && feature.properties && (feature.geometry || source.has_unplaced))
    .map((feature) => ({
      feature,
      source,
      drawing,
      key: symbolKey(source, feature.properties),
      bounds: feature.geometry ? boundsOf(feature.geometry) : null,
      largest: feature.geometry ? largestOf(feature.geometry) : null,
      parts: null,
      isDrawn: false,
    }));
  if (source.name === 'candidates') {
    // The larger below, so that a parcel can be chosen on the park that it is a part of.
    return items.sort(
      (one, other) => other.feature.properties.area_m2 - one.feature.properties.area_m2,
    );
  }
  // The minor below the major, so that crossings look right.
  return source.symbol_column && source.name !== 'parks'
    ? items.sort((one, other) => order.indexOf(other.key) - order.indexOf(one.key))
    : items;
}

function boundsOf(geometry) {
  const bounds = L.latLngBounds([]);
  const walk = (part) => {
    if (typeof part[0] === 'number') {
      bounds.extend([part[1], part[0]]);
    } else {
      part.forEach(walk);
    }
  };
  (geometry.geometries || [geometry]).forEach((part) => walk(part.coordinates));
  return bounds;
}

// The bounds of the biggest part of a shape in several parts.
function largestOf(geometry) {
  if (geometry.type !== 'MultiPolygon') {
    return boundsOf(geometry);
  }
  const width = (bounds) => bounds.getEast() - bounds.getWest();
  return geometry.coordinates
    .map((coordinates) => boundsOf({ coordinates }))
    .reduce((best, bounds) => (width(bounds) > width(best) ? bounds : best));
}

// Gives features that share a point places around it, in pixels.
export function spreadAround(items) {
  const crowds = new Map();
  for (const item of items.filter(({ bounds }) => bounds)) {
    const key = item.feature.geometry.coordinates.join();
    crowds.set(key, [...(crowds.get(key) || []), item]);
  }
  for (const crowd of crowds.values()) {
    crowd.forEach((item, index) => {
      const far = SPREAD_PX * 1.35 * Math.sqrt(index);
      item.offset = [Math.cos(index * GOLDEN_ANGLE) * far, Math.sin(index * GOLDEN_ANGLE) * far];
    });
  }
}
