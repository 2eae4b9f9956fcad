// Writes names on the map where they have room: the weightier first, each at the first of
// four places around its point that no marker and no other label takes.
import { make, shorten } from '../shared/dom.js';

const GAP = 3;
const MARGIN = 40;
const LONGEST = 16;

export class Labels {
  constructor(map) {
    this.map = map;
    this.pane = map.getPane('labels');
    this.widths = new Map();
    const canvas = document.createElement('canvas');
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    this.family = getComputedStyle(map.getContainer()).fontFamily;
    map.on('zoomstart', () => this.pane.classList.add('is-hidden'));
  }

  // labels: [{ latlng, text, kind, size, radius, isAlways, isPlace }], the weightiest first;
  // one that always stands goes over what leaves it no room, and a place is not named where a park
  // that is named by it is.
  // taken: boxes in layer points that must stay free.
  place(labels, taken) {
    const boxes = [...taken];
    const { min, max } = /** @type {Required<L.Bounds>} */ (this.map.getPixelBounds());
    const origin = this.map.getPixelOrigin();
    const view = L.bounds(
      min.subtract(origin).subtract([MARGIN, MARGIN]),
      max.subtract(origin).add([MARGIN, MARGIN]),
    );
    const placed = [];
    const names = [];
    this.placed = new Set();
    for (const label of labels) {
      const point = this.map.latLngToLayerPoint(label.latlng);
      if (!view.contains(point)) {
        continue;
      }
      if (label.isPlace && names.some((name) => label.text.startsWith(name))) {
        continue;
      }
      const text = shorten(label.text, LONGEST);
      const box = this.room(point, label, this.width(text, label), { boxes, signs: taken });
      if (box) {
        boxes.push(box);
        names.push(label.text);
        this.placed.add(label);
        placed.push(this.element(text, label, box));
      }
    }
    this.pane.replaceChildren(...placed);
    this.pane.classList.remove('is-hidden');
  }

  // The numbers of rules that stand on the map now.
  numbers() {
    return [...(this.placed || [])]
      .filter((label) => label.kind === 'number')
      .map((label) => Number(label.text));
  }

  width(text, { size, kind }) {
    const key = `${kind} ${text}`;
    if (!this.widths.has(key)) {
      this.context.font = `${kind === 'township' ? 400 : 600} ${size}px ${this.family}`;
      this.widths.set(key, Math.ceil(this.context.measureText(text).width) + 4);
    }
    return this.widths.get(key);
  }

  room(point, { size, radius, kind, isAlways }, width, { boxes, signs }) {
    const height = Math.ceil(size * 1.25);
    const away = radius + GAP;
    const inside = [[-width / 2, -height / 2]];
    const corners =
      kind === 'number'
        ? inside
        : [
            [-width / 2, away],
            [-width / 2, -away - height],
            [away, -height / 2],
            [-away - width, -height / 2],
          ];
    const options = corners.map((corner) => {
      const start = point.add(corner).round();
      return L.bounds(start, start.add([width, height]));
    });
    const free = options.filter((box) => !boxes.some((other) => other.overlaps(box)));
    // Better one that is not next to another sign, whose name it would be taken for.
    const others = signs.filter((sign) => !sign.contains(point)).map((sign) => sign.pad(0.35));
    const clear = free.find((box) => !others.some((other) => other.overlaps(box)));
    return clear ?? free[0] ?? (isAlways ? options[0] : null);
  }

  element(text, { kind, size }, box) {
    const element = make('div', { class: `map-label map-label-${kind}` }, make('bdi', null, text));
    element.style.fontSize = `${size}px`;
    element.style.width = `${box.getSize().x}px`;
    L.DomUtil.setPosition(element, box.min);
    return element;
  }
}
