// Which names and numbers a map should carry, the weightiest first, and where none may stand.
import { nameOf } from './items.js';
import { settings } from './settings.js';
import { reachOf } from './signs.js';

const PLACE_LABEL_PX = 11.5;
const PARK_LABELS = {
  municipal_park: { size: 14, from: 0 },
  sme_cluster: { size: 13, from: 0 },
  building_park: { size: 11.5, from: 0 },
};
const NUMBER_LABEL = { size: 11, from: 13 };

// Returns what `Labels.place` takes.
export function namesOn(drawing) {
  const zoom = drawing.map.getZoom();
  const labels = [
    ...parkNames(drawing, zoom),
    ...(zoom >= NUMBER_LABEL.from ? ruleNumbers(drawing) : []),
    ...placeNames(drawing, 'sub_areas', 'sub_area'),
    ...placeNames(drawing, 'townships', 'township'),
  ];
  return { labels, taken: [...parkMarkers(drawing), ...otherMarkers(drawing)] };
}

function drawn(drawing, name) {
  return (drawing.items.get(name) || []).filter((item) => item.isDrawn);
}

function parkNames(drawing, zoom) {
  return drawn(drawing, 'parks')
    .map((item) => ({ item, tier: item.feature.properties.tier }))
    .filter(
      ({ item, tier }) => zoom >= PARK_LABELS[tier].from && settings.park_id !== item.feature.id,
    )
    .map(({ item, tier }) => ({
      latlng: drawing.givesWay(item) ? item.largest.getCenter() : drawing.placeOf(item),
      text: item.feature.properties.short_name || nameOf(item),
      kind: tier,
      size: PARK_LABELS[tier].size,
      radius: reachOf(item),
      isAlways: tier === 'municipal_park' && settings.kind !== 'ranking',
    }))
    .sort((one, other) => other.size - one.size);
}

function ruleNumbers(drawing) {
  return drawn(drawing, 'findings')
    .filter((item) => item.feature.properties.rule_no)
    .map((item) => ({
      latlng: item.largest.getCenter(),
      text: String(item.feature.properties.rule_no),
      kind: 'number',
      size: NUMBER_LABEL.size,
      radius: -9,
    }));
}

function placeNames(drawing, name, kind) {
  return drawn(drawing, name).map((item) => ({
    latlng: item.bounds.getCenter(),
    text: nameOf(item),
    kind,
    size: PLACE_LABEL_PX,
    radius: 3,
    isPlace: name === 'townships',
  }));
}

function parkMarkers(drawing) {
  return drawn(drawing, 'parks')
    .filter((item) => !drawing.givesWay(item))
    .map((item) => square(drawing.map, drawing.placeOf(item), reachOf(item)));
}

function otherMarkers(drawing) {
  const candidates = drawn(drawing, 'candidates').filter((item) => drawing.isForemost(item));
  const facilities = drawn(drawing, 'facilities').filter((item) => !item.isCovered);
  return [...facilities, ...candidates]
    .map((item) => ({ item, size: settings.symbols[item.key].size }))
    .filter(({ size }) => size)
    .map(({ item, size }) => square(drawing.map, drawing.placeOf(item), size / 2));
}

function square(map, latlng, half) {
  const point = map.latLngToLayerPoint(latlng);
  return L.bounds(point.subtract([half, half]), point.add([half, half]));
}
