// Parks by keyboard: one of them is reached by Tab, arrows move to the next in their direction,
// Enter opens.
import { text } from './settings.js';

const DIRECTIONS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
// So much more counts what lies aside of the way than what lies ahead.
const ASIDE = 2;

export class ParkKeys {
  constructor(drawing, open) {
    this.drawing = drawing;
    this.open = open;
    /** @type {string | null} */
    this.current = null;
    const pane = drawing.map.getPane('park-markers');
    pane.setAttribute('role', 'group');
    pane.setAttribute('aria-label', text('parks_on_map'));
    pane.addEventListener('keydown', (event) => this.onKey(event));
    pane.addEventListener('focusin', (event) => this.onFocus(event));
  }

  reachable() {
    return this.drawing.parks().filter((item) => !this.drawing.givesWay(item));
  }

  // Names the signs, and lets Tab reach one.
  name() {
    const items = this.reachable();
    if (!items.some(({ feature }) => feature.id === this.current)) {
      this.current = items.length ? first(items).feature.id : null;
    }
    for (const item of this.drawing.parks()) {
      const element = item.marker.getElement();
      const isReachable = !this.drawing.givesWay(item);
      const { properties, id } = item.feature;
      element.setAttribute('role', 'button');
      element.setAttribute(
        'aria-label',
        text('park_sign', {
          name: properties.name || id,
          tier: properties.tier_name,
          verdict: properties.verdict_name,
        }),
      );
      element.tabIndex = isReachable && id === this.current ? 0 : -1;
    }
  }

  itemOf(target) {
    return this.drawing.byElement.get(target.closest?.('.pin'));
  }

  onFocus({ target }) {
    const item = this.itemOf(target);
    if (item && item.feature.id !== this.current) {
      this.current = item.feature.id;
      this.name();
    }
  }

  onKey(event) {
    const item = this.itemOf(event.target);
    if (!item) {
      return;
    }
    const direction = DIRECTIONS[event.key];
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      event.stopPropagation();
      this.open(item);
    } else if (direction) {
      event.preventDefault();
      event.stopPropagation();
      this.moveTo(this.next(item, direction));
    }
  }

  next(from, [right, down]) {
    const { map } = this.drawing;
    const start = map.latLngToLayerPoint(from.marker.getLatLng());
    const ahead = this.reachable()
      .filter((item) => item !== from)
      .map((item) => {
        const way = map.latLngToLayerPoint(item.marker.getLatLng()).subtract(start);
        const along = way.x * right + way.y * down;
        const aside = Math.abs(way.x * down) + Math.abs(way.y * right);
        return { item, along, cost: along + aside * ASIDE };
      })
      .filter(({ along }) => along > 0)
      .sort((one, other) => one.cost - other.cost);
    return ahead[0]?.item ?? null;
  }

  moveTo(item) {
    if (item) {
      this.current = item.feature.id;
      this.name();
      this.drawing.map.panInside(item.marker.getLatLng(), { padding: [40, 40], animate: false });
      item.marker.getElement()?.focus({ preventScroll: true });
    }
  }
}

// The sign of the highest tier.
function first(items) {
  return items.reduce((best, item) =>
    item.marker.options.zIndexOffset > best.marker.options.zIndexOffset ? item : best,
  );
}
