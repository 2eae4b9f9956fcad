// The panes of a map, the lower ones first, and what lies under the features.
import { Pictures } from './tiles.js';
import { settings } from './settings.js';

const PANES = [
  'county-casing',
  'county',
  'backdrop',
  'relief',
  'counties',
  'township_areas',
  'control_zones',
  'rivers',
  'roads-casing',
  'roads',
  'sub_areas',
  'approved_areas',
  'parks-casing',
  'parks',
  'province_parks',
  'parcels',
  'land_uses',
  'buildings',
  'states',
  'candidates',
  'placements',
  'findings',
  'moves-casing',
  'moves',
  'routes',
  'selection',
  'townships',
  'facilities',
  'enterprises',
  'leaders',
  'park-markers',
  'candidate-markers',
  'labels',
];
const DEAF = /^(backdrop|relief|labels|leaders|selection|routes|county.*|.*casing)$/;

// Makes the panes of a map; returns what draws lines and areas in each.
export function addPanes(map) {
  PANES.forEach((name, index) => {
    const pane = map.createPane(name);
    pane.style.zIndex = String(405 + index * 9);
    if (DEAF.test(name)) {
      pane.style.pointerEvents = 'none';
    }
  });
  return Object.fromEntries(PANES.map((name) => [name, L.svg({ pane: name, padding: 0.3 })]));
}

// The base maps and the relief as layers, each under its name; a layer is shown when it is on.
export function backdrops() {
  const found = settings.backdrops
    .filter(({ tiles }) => tiles)
    .map((backdrop) => [backdrop.name, basemap(backdrop)]);
  const { relief } = settings;
  if (relief) {
    const options = { pane: 'relief', interactive: false };
    found.push(['relief', L.imageOverlay(relief.address, relief.bounds, options)]);
  }
  return found;
}

function basemap({ tiles, max_zoom: nearest }) {
  const options = {
    pane: 'backdrop',
    maxNativeZoom: nearest,
    maxZoom: 19,
    referrerPolicy: 'origin',
  };
  return L.layerGroup(tiles.map((address) => new Pictures(address, options)));
}
