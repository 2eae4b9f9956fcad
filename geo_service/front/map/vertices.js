// Corners of parks, parcels and buildings in sight, to which what is drawn holds. They are asked of
// the service for the part of the map that shows, since tiles have no exact ones.
import { fetchCollection } from './data.js';
import { settings } from './settings.js';

const LAYERS = ['parks', 'parcels', 'buildings'];
const MOST = 1000;

export class Vertices {
  constructor(page) {
    this.page = page;
    /** @type {L.LatLng[]} */
    this.points = [];
    /** @type {L.LatLngBounds | null} */
    this.known = null;
    page.map.on('moveend', () => this.look());
    this.look();
  }

  async look() {
    const view = this.page.map.getBounds();
    if (this.known?.contains(view)) {
      return;
    }
    const bounds = view.pad(0.5);
    this.known = bounds;
    const index = this.page.drawings.length - 1;
    const sources = settings.sources.filter(
      ({ name, map, address }) => LAYERS.includes(name) && map === index && address,
    );
    const found = await Promise.all(sources.map((source) => corners(source, bounds)));
    if (this.known === bounds) {
      this.points = found.flat();
    }
  }

  // The nearest corner within so many pixels, or null.
  near(drawing, latlng, pixels) {
    const at = drawing.map.latLngToLayerPoint(latlng);
    /** @type {L.LatLng | null} */
    let best = null;
    let shortest = pixels;
    for (const point of this.points) {
      const far = drawing.map.latLngToLayerPoint(point).distanceTo(at);
      if (far <= shortest) {
        [best, shortest] = [point, far];
      }
    }
    return best;
  }
}

async function corners(source, bounds) {
  const address = new URL(source.address, document.baseURI);
  address.searchParams.set('bbox', bounds.toBBoxString());
  address.searchParams.set('limit', String(MOST));
  const { features } = await fetchCollection(address.href).catch(() => ({ features: [] }));
  return features.flatMap(({ geometry }) => (geometry ? positions(geometry.coordinates) : []));
}

function positions(part) {
  return typeof part[0] === 'number' ? [L.latLng(part[1], part[0])] : part.flatMap(positions);
}
