// A shape that is drawn on the map; its coordinates stand beside as text, where they can be typed.
import { make } from '../../shared/dom.js';
import { t } from '../frame.js';
import { button, freshId } from '../parts.js';

const NEEDED = { point: 1, line: 2, area: 3 };
const LINE = /^\s*(-?\d+(?:\.\d+)?)\s*[,，\s]\s*(-?\d+(?:\.\d+)?)\s*$/;

export class ShapeField {
  /**
   * @param {{ kind: 'point' | 'line' | 'area', name: string, label: string,
   *   draw: (field: ShapeField | null) => unknown, outline?: (() => Promise<any>) | null,
   *   isRequired?: boolean }} options
   *   draw: has the map draw for this field; outline: a shape that it may begin from
   */
  constructor({ kind, name, label, draw, outline = null, isRequired = true }) {
    this.kind = kind;
    this.name = name;
    this.isRequired = isRequired;
    this.requestDrawing = draw;
    /** @type {number[][]} */
    this.points = [];
    // Further parts and holes of the outline that it began from: they stay as they are.
    /** @type {{ parts: number[][][][], holes: number[][][] }} */
    this.rest = { parts: [], holes: [] };
    const id = freshId(name);
    this.input = make('textarea', {
      id,
      class: 'coordinates',
      rows: 4,
      spellcheck: 'false',
      required: isRequired,
      'data-field': name,
      'aria-describedby': `${id}-help`,
      change: () => this.typed(),
    });
    this.press = button(t(`scenarios.draw_${kind}`), () => draw(this), {
      kind: 'plain small',
      sign: kind === 'point' ? 'pin' : 'area',
    });
    const begin = outline
      ? button(
          t('scenarios.from_outline'),
          async () => {
            const shape = await outline();
            if (shape) {
              this.begin(shape);
              draw(this);
            }
          },
          { kind: 'plain small' },
        )
      : null;
    this.help = make('p', { class: 'field-help', id: `${id}-help`, 'aria-live': 'polite' });
    this.fault = make('div');
    this.node = make(
      'div',
      { class: 'field' },
      make('label', { for: id }, label),
      make('div', { class: 'tools' }, this.press, begin),
      this.input,
      this.help,
      this.fault,
    );
    this.told();
  }

  // Begins from the largest ring of a shape.
  begin(geometry) {
    const parts = geometry.type === 'Polygon' ? [geometry.coordinates] : [...geometry.coordinates];
    parts.sort((one, other) => other[0].length - one[0].length);
    const [[ring, ...holes], ...others] = parts;
    this.rest = { parts: others, holes };
    this.take(ring.slice(0, -1).map(([x, y]) => [x, y]));
  }

  // Points as the map has them.
  take(points) {
    this.points = this.kind === 'point' ? points.slice(-1) : points;
    this.input.value = this.points.map((point) => point.join(', ')).join('\n');
    this.told();
  }

  typed() {
    const lines = this.input.value.split('\n').filter((line) => line.trim());
    const read = lines.map((line) => LINE.exec(line));
    this.points = read.every(Boolean)
      ? read.map((found) => [Number(found?.[1]), Number(found?.[2])])
      : [];
    this.told(read.some((found) => !found));
    if (!read.some((found) => !found)) {
      this.requestDrawing(this);
    }
  }

  told(isWrong = false) {
    const count = this.points.length;
    this.help.textContent = count
      ? t('scenarios.points', { count })
      : t('scenarios.coordinates_help');
    const isLacking = count < NEEDED[this.kind] && (this.isRequired || count > 0);
    this.input.setCustomValidity(
      isWrong || isLacking ? t('scenarios.needs_points', { count: NEEDED[this.kind] }) : '',
    );
  }

  // The shape as GeoJSON; nothing for none.
  get value() {
    const { kind, points } = this;
    if (points.length < NEEDED[kind]) {
      return undefined;
    }
    if (kind === 'point') {
      return { type: 'Point', coordinates: points[0] };
    }
    if (kind === 'line') {
      return { type: 'LineString', coordinates: points };
    }
    const whole = [[...points, points[0]], ...this.rest.holes];
    return this.rest.parts.length
      ? { type: 'MultiPolygon', coordinates: [whole, ...this.rest.parts] }
      : { type: 'Polygon', coordinates: whole };
  }
}
