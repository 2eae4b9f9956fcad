// Charts by ECharts in the page's own type and colours. Tooltips are rich text (drawn, never
// markup); each chart has a table with the same figures for those who cannot see it.
import { make } from '../shared/dom.js';
import { t } from './frame.js';

const FONT = getComputedStyle(document.body).fontFamily;
export const INK = '#17222c';
export const MUTED = '#56636f';
export const LINE = '#dfe5ea';
export const ACCENT = '#0b5c8c';
// Neutral to cool steps for what is not the leading industry, told apart by lightness.
export const OTHERS = [
  '#7f97a8',
  '#a9bac6',
  '#5f7485',
  '#c4d0d8',
  '#8c9a7c',
  '#b9c2a6',
  '#a08a77',
  '#c9b9a8',
  '#8f86a3',
  '#c2bcd0',
];
export const SUPPORTING = ['#4f93bd', '#7fb2d2', '#a8cce2', '#3b7ba4', '#93bfda'];

// Curly braces and bars mean styles in ECharts' rich text, so values lose them.
export function plainText(value) {
  return String(value ?? '—').replace(/[{}|]/g, ' ');
}

export const tooltip = {
  renderMode: 'richText',
  confine: true,
  backgroundColor: 'rgba(255,255,255,.97)',
  borderColor: LINE,
  textStyle: { color: INK, fontFamily: FONT, fontSize: 13 },
  extraCssText: '',
};

export function asPercent(value) {
  return `${Math.round(value * 100)}%`;
}

/**
 * The figure with its table.
 * @param {Record<string, any>} option what ECharts takes
 * @param {{ label: string, height: number, head: string[], rows: string[][],
 *   className?: string }} more
 */
export function chart(option, { label, height, head, rows, className = '' }) {
  const canvas = make('div', { class: 'chart-canvas', role: 'img', 'aria-label': label });
  canvas.style.height = `${height}px`;
  const node = make(
    'figure',
    { class: `chart ${className}` },
    canvas,
    make(
      'details',
      { class: 'figures' },
      make('summary', {}, t('console.as_table')),
      figureTable(label, head, rows),
    ),
  );
  const canvasOf = new Drawn(canvas, option);
  return { node, set: (next) => canvasOf.set(next) };
}

function figureTable(label, head, rows) {
  const line = ([first, ...rest]) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, make('bdi', {}, first)),
      rest.map((text) => make('td', { class: 'number' }, text)),
    );
  const heads = head.map((text, index) =>
    make('th', { scope: 'col', class: index ? 'number' : '' }, text),
  );
  return make(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label },
    make(
      'table',
      { class: 'table is-plain' },
      make('caption', { class: 'hidden-words' }, label),
      make('thead', {}, make('tr', {}, heads)),
      make('tbody', {}, rows.map(line)),
    ),
  );
}

// A chart on its canvas, drawn as soon as that has a size.
class Drawn {
  constructor(canvas, option) {
    this.canvas = canvas;
    this.option = option;
    this.drawn = null;
    this.turn = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
    // ECharts takes every Chinese letter to be as wide as this one, and remembers it by the font's
    // name: under another name it is measured anew when letters have come.
    document.fonts.load(`13px ${FONT}`, '国').catch(() => {});
    document.fonts.addEventListener('loadingdone', () => {
      this.turn += 1;
      this.draw();
    });
  }

  set(option) {
    this.option = option;
    this.draw();
  }

  draw() {
    if (!this.canvas.clientWidth) {
      return;
    }
    this.drawn ??= window.echarts.init(this.canvas, null, { renderer: 'canvas' });
    const fontFamily = `${FONT}, "letters ${this.turn}"`;
    this.drawn.setOption(
      {
        animation: false,
        textStyle: { fontFamily, color: INK },
        aria: { enabled: false },
        ...this.option,
        ...axesIn(fontFamily, this.option),
      },
      true,
    );
    this.drawn.resize();
  }
}

// The room for an axis's labels is measured by the font that they name themselves.
function axesIn(fontFamily, option) {
  const named = (axis) => ({ ...axis, axisLabel: { ...axis.axisLabel, fontFamily } });
  const given = ['xAxis', 'yAxis'].filter((name) => option[name]);
  return Object.fromEntries(
    given.map((name) => {
      const axis = option[name];
      return [name, Array.isArray(axis) ? axis.map(named) : named(axis)];
    }),
  );
}
