// The outline around the selected feature, whichever drawing it was chosen on.
import { ring } from './markers.js';
import { settings } from './settings.js';
import { reachOf } from './signs.js';

export const MARKER_GIVES_WAY_PX = 44;

export class Selection {
  constructor(drawing) {
    this.drawing = drawing;
    this.group = L.layerGroup().addTo(drawing.map);
    this.shown = null;
  }

  // selected: { layer, id }, or null for nothing.
  show(selected) {
    const { drawing, group } = this;
    const key = selected ? `${selected.layer} ${selected.id} ${drawing.map.getZoom()}` : '';
    if (key === this.shown) {
      return;
    }
    group.clearLayers();
    const found = selected && drawing.find(selected.layer, selected.id);
    this.shown = selected && !found ? null : key;
    // What has no place is shown at its park.
    const item =
      found && !found.bounds ? drawing.find('parks', found.feature.properties.park_id) : found;
    if (item) {
      this.parts(item).forEach((part) => group.addLayer(part));
    }
  }

  parts(item) {
    const isSmall = this.drawing.extent(item) < MARKER_GIVES_WAY_PX / 2;
    const colour = settings.symbols['tool.selection'].stroke;
    return item.feature.geometry.type === 'Point' || isSmall
      ? [ringAround(item, colour)]
      : this.outlines(item.feature.geometry, colour);
  }

  outlines(geometry, colour) {
    const strokes = [
      { weight: 7, color: '#ffffff' },
      { weight: 3.5, color: colour },
    ];
    const options = { fill: false, interactive: false, ...this.drawing.home('selection') };
    return strokes.flatMap((stroke) => this.drawing.paths(geometry, { ...stroke, ...options }));
  }
}

function ringAround(item, colour) {
  const isPark = item.source.name === 'parks';
  const radius = isPark
    ? reachOf(item) + 5
    : Math.max(settings.symbols[item.key].size || 0, 12) / 2 + 5;
  const [right, down] = item.offset || [0, 0];
  return L.marker(item.place ?? item.bounds.getCenter(), {
    pane: 'selection',
    interactive: false,
    keyboard: false,
    icon: L.divIcon({
      html: ring(radius, colour),
      className: 'ring',
      iconSize: [radius * 2, radius * 2],
      iconAnchor: [radius - right, radius - down],
    }),
  });
}
