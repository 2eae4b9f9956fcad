// A line or ring that is drawn on the map: it grows by clicks, or by Enter at the map's middle.
import { settings } from './settings.js';

const MOST_POINTS = 500;
const SNAP_PX = 12;
export const FEWEST_FOR_AREA = 3;

export class Sketch {
  /** @type {L.LatLng[]} */
  points = [];

  // snap(drawing, latlng, pixels) returns a corner nearby, or null. isMovable: may points be
  // pulled elsewhere. isSingle: a point takes the place of the one before.
  constructor(page, { isClosed, changed, snap = null, isMovable = false, isSingle = false }) {
    this.page = page;
    this.isSingle = isSingle;
    this.isClosed = isClosed;
    this.changed = changed;
    this.snap = snap;
    this.isMovable = isMovable;
    this.groups = page.drawings.map(({ map }) => L.layerGroup().addTo(map));
  }

  add(latlng, drawing = this.page.drawing) {
    if (this.isSingle) {
      this.points = [];
    }
    if (this.points.length < MOST_POINTS) {
      this.points.push(this.snapped(latlng, drawing));
      this.show();
    }
  }

  snapped(latlng, drawing) {
    return this.snap?.(drawing, latlng, SNAP_PX) ?? latlng;
  }

  set(points) {
    this.points = points.slice(0, MOST_POINTS);
    this.show();
  }

  undo() {
    this.points.pop();
    this.show();
  }

  clear() {
    this.points = [];
    this.show();
  }

  show() {
    this.draw();
    this.changed(this.points);
  }

  draw() {
    const { stroke, width, dash, fill, fill_opacity: opacity } = settings.symbols['tool.draft'];
    const isArea = this.isClosed && this.points.length >= FEWEST_FOR_AREA;
    this.groups.forEach((group, index) => {
      const drawing = this.page.drawings[index];
      const options = { interactive: false, ...drawing.home('routes') };
      const shape = isArea
        ? L.polygon(this.points, {
            ...options,
            color: stroke,
            weight: width,
            dashArray: dash,
            fillColor: fill,
            fillOpacity: opacity,
          })
        : L.polyline(this.points, { ...options, color: stroke, weight: width, dashArray: dash });
      group.clearLayers();
      group.addLayer(shape);
      this.points.forEach((latlng, at) => {
        group.addLayer(
          L.circleMarker(latlng, {
            ...options,
            radius: 4,
            color: stroke,
            weight: 2,
            fillColor: '#ffffff',
            fillOpacity: 1,
          }),
        );
        if (this.isMovable) {
          group.addLayer(this.handle(latlng, at, drawing));
        }
      });
    });
  }

  // What a point is pulled by.
  handle(latlng, at, drawing) {
    const marker = L.marker(latlng, {
      draggable: true,
      keyboard: false,
      icon: L.divIcon({ className: 'sketch-handle', iconSize: [18, 18], iconAnchor: [9, 9] }),
    });
    marker.on('dragend', () => {
      this.points[at] = this.snapped(marker.getLatLng(), drawing);
      this.show();
    });
    return marker;
  }

  remove() {
    this.groups.forEach((group) => group.remove());
  }
}
