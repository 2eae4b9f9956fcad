// What a page that stands alone says of places: from the features that it carries. No rules, no
// slope, and no overlaps, which need the service.
import { make } from '../shared/dom.js';
import { members } from './answers.js';
import { areaFigures, factRow } from './facts.js';
import * as geodesy from './geodesy.js';
import { nameOf } from './items.js';
import { settings, text } from './settings.js';

// What the embedded features say of a place; no rules, no slope.
export function lookAround(drawing, point) {
  const inside = (name) =>
    (drawing.items.get(name) || []).filter(
      (item) =>
        item.bounds &&
        item.bounds.contains(point) &&
        /Polygon$/.test(item.feature.geometry.type) &&
        geodesy.isInside(point, item.feature.geometry),
    );
  const properties = (item) => ({ ...item.feature.properties, id: item.feature.id });
  const nearest = (items, far) =>
    items
      .map((item) => ({ item, distance_m: far(item) }))
      .sort((one, other) => one.distance_m - other.distance_m);
  const boundaries = (drawing.items.get('rivers') || []).filter(
    (item) => item.feature.properties.is_management_boundary,
  );
  const [river] = nearest(boundaries, ({ feature: { geometry } }) =>
    /Polygon$/.test(geometry.type) && geodesy.isInside(point, geometry)
      ? 0
      : geodesy.toEdge(point, geometry),
  );
  const facilities = nearest(drawing.items.get('facilities') || [], ({ bounds }) =>
    geodesy.distance(point, bounds.getCenter()),
  );
  const kinds = new Set();
  const [township] = inside('township_areas');
  return {
    township: township
      ? { name: township.feature.properties.name, code: township.feature.id }
      : null,
    parks: inside('parks')
      .map(properties)
      .map((park) => ({ park_id: park.id, ...park })),
    parcels: inside('parcels')
      .map(properties)
      .map((parcel) => ({ parcel_id: parcel.id, ...parcel, land_use_name: parcel.land_use })),
    zones: inside('control_zones')
      .map(properties)
      .map((zone) => ({ ...zone, rules: null })),
    river: river ? { name: nameOf(river.item), distance_m: river.distance_m } : null,
    facilities: facilities
      .filter(
        ({ item }) =>
          !kinds.has(item.feature.properties.kind) && kinds.add(item.feature.properties.kind),
      )
      .map(({ item, distance_m }) => ({
        ...item.feature.properties,
        facility_id: item.feature.id,
        distance_m,
      })),
    slope: null,
    is_partial: true,
  };
}

// What lies in an area by its middle.
export function carriedIn(page, geometry) {
  const ring = geometry.coordinates[0].map(([lng, lat]) => ({ lng, lat }));
  const within = (name) => {
    const items = (page.drawing.items.get(name) || []).filter(
      (item) => item.bounds && geodesy.isInside(item.bounds.getCenter(), geometry),
    );
    return {
      count: items.length,
      items: items.map((item) => ({ id: item.feature.id, name: nameOf(item) })),
    };
  };
  const label = (name) => settings.sources.find((source) => source.name === name)?.label ?? '';
  return [
    make(
      'dl',
      { class: 'facts' },
      factRow(text('area'), areaFigures(geodesy.area(ring.slice(0, -1)))),
    ),
    ...['parks', 'parcels', 'enterprises', 'facilities'].map((name) =>
      members(page, name, label(name), within(name)),
    ),
    make('p', { class: 'hint' }, text('standalone_area')),
  ].filter(Boolean);
}
