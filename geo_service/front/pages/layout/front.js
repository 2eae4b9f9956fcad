// The exact front: layouts of which none is better in one term without being worse in another. A
// chart whose points can be chosen, and "at most so many moves", which chooses one.
import { make, makeSvg } from '../../shared/dom.js';
import { pageAddress, t } from '../frame.js';
import { labelled, panel } from '../parts.js';
import { signed } from '../scenario/differences.js';
import { table } from '../table.js';
import { termAmount, termName } from './words.js';

const WIDE = 640;
const HIGH = 300;
const LEFT = 84;
const FOOT = 44;
const EDGE = 20;
const MOVES = 'moves';

export class FrontView {
  constructor(found) {
    this.found = found;
    const told = found.goals.front?.terms ?? [];
    this.names = told.includes(MOVES)
      ? [MOVES, ...told.filter((name) => name !== MOVES)]
      : [...told];
    this.points = [...found.front].sort(
      (one, other) => one.terms[this.names[0]] - other.terms[this.names[0]],
    );
    const given = new URLSearchParams(window.location.search).get('point');
    this.chosen = this.points.find((one) => one.layout_id.endsWith(`.${given}`)) ?? null;
    this.chart = make('div', { class: 'front-chart' });
    this.outcome = make('div', { id: 'front-point', 'aria-live': 'polite' });
    this.list = table(this.columns(), {
      caption: t('layouts.front'),
      rowId: (one) => one.layout_id,
      onRow: (one) => this.choose(one),
    });
    this.slider = this.names[0] === MOVES ? this.makeSlider() : null;
  }

  panel() {
    this.list.update(this.points);
    this.draw();
    const isProven = this.points.every((one) => one.is_proven);
    return panel(
      t('layouts.front'),
      { note: t(`layouts.front_note_${isProven ? 'proven' : 'unproven'}`), id: 'front' },
      this.slider,
      make('div', { class: 'grid-2' }, this.chart, this.outcome),
      this.list.node,
    );
  }

  amount(point, name) {
    return termAmount(point.terms[name], this.found.terms[name].unit);
  }

  columns() {
    return [
      {
        key: 'point',
        label: t('layouts.point'),
        isHead: true,
        show: (one) =>
          make(
            'button',
            { type: 'button', class: 'button quiet small', click: () => this.choose(one) },
            one.layout_id.split('.')[1],
          ),
      },
      ...this.names.map((name) => ({
        key: name,
        label: termName(name),
        css: 'number',
        value: (one) => one.terms[name],
        show: (one) => this.amount(one, name),
      })),
      {
        key: 'proven',
        label: t('layouts.proven'),
        show: (one) => t(one.is_proven ? 'layouts.on_front' : 'layouts.not_proven'),
      },
    ];
  }

  // ---- at most so many moves ----

  makeSlider() {
    const most = Math.max(...this.points.map((one) => one.terms[MOVES]));
    const input = make('input', {
      type: 'range',
      min: 0,
      max: most,
      step: 1,
      id: 'most-moves',
      input: () => this.pick(Number(input.value), said),
    });
    input.value = String(this.chosen?.terms[MOVES] ?? most);
    const said = make('output', { for: 'most-moves' });
    said.textContent = t('layouts.at_most', { count: input.value });
    const field = labelled(t('layouts.at_most_moves'), input, {
      help: t('layouts.at_most_help', { term: termName(this.names[1]) }),
      className: 'slider',
    });
    field.append(said);
    return field;
  }

  // The point with the most of the second term among those with no more moves.
  pick(most, said) {
    const [, second] = this.names;
    const less = this.found.terms[second].less_is_better ? -1 : 1;
    const within = this.points.filter((one) => one.terms[MOVES] <= most);
    said.textContent = t('layouts.at_most', { count: most });
    if (!within.length) {
      this.chosen = null;
      this.draw();
      this.outcome.replaceChildren(
        make('p', { class: 'callout' }, t('layouts.no_point', { count: most })),
      );
      return;
    }
    this.choose(
      within.reduce((best, one) =>
        less * one.terms[second] > less * best.terms[second] ? one : best,
      ),
    );
  }

  // ---- one point ----

  choose(point) {
    this.chosen = point;
    const address = new URL(window.location.href);
    address.searchParams.set('point', point.layout_id.split('.')[1]);
    window.history.replaceState(null, '', address);
    this.draw();
  }

  draw() {
    this.list.select(this.chosen?.layout_id ?? null);
    this.chart.replaceChildren(this.drawing());
    this.outcome.replaceChildren(...(this.chosen ? [this.told(this.chosen)] : []));
  }

  told(point) {
    const { terms } = this.found;
    return make(
      'div',
      { class: 'stack-small' },
      make('h3', {}, t('layouts.point_of', { number: point.layout_id.split('.f')[1] })),
      make(
        'dl',
        { class: 'facts' },
        this.names.map((name) =>
          make(
            'div',
            {},
            make('dt', {}, termName(name)),
            make(
              'dd',
              {},
              this.amount(point, name),
              ' ',
              signed(point.terms[name] - terms[name].after, (value) =>
                termAmount(value, terms[name].unit),
              ),
            ),
          ),
        ),
      ),
      make('p', { class: 'note' }, t('layouts.beside_layout')),
      make(
        'a',
        {
          class: 'button plain',
          id: 'open-point',
          href: pageAddress(`/layouts/${encodeURIComponent(point.layout_id)}`),
        },
        t('layouts.open_point'),
      ),
    );
  }

  // The first term to the right, the second upward, the third by size.
  drawing() {
    const [first, second, third] = this.names;
    const span = (name) => {
      const values = this.points.map((one) => one.terms[name]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return (value) => (high > low ? (value - low) / (high - low) : 0.5);
    };
    const [right, up] = [span(first), span(second)];
    const size = third ? span(third) : () => 0.3;
    const x = (point) => LEFT + right(point.terms[first]) * (WIDE - LEFT - EDGE - 10);
    const y = (point) => HIGH - FOOT - up(point.terms[second]) * (HIGH - FOOT - EDGE - 10);
    const label = (words, attributes) => makeSvg('text', attributes, words);
    const ends = (name) => {
      const values = this.points.map((one) => one.terms[name]);
      return [Math.min(...values), Math.max(...values)].map((value) =>
        termAmount(value, this.found.terms[name].unit),
      );
    };
    const [low, high] = ends(first);
    const [bottom, top] = ends(second);
    const foot = HIGH - 26;
    return makeSvg(
      'svg',
      {
        viewBox: `0 0 ${WIDE} ${HIGH}`,
        role: 'img',
        'aria-label': t('layouts.front_words', { count: this.points.length }),
      },
      makeSvg('path', {
        class: 'axis',
        d: `M${LEFT - 12} ${EDGE}V${HIGH - FOOT + 12}H${WIDE - EDGE}`,
      }),
      label(low, { x: LEFT - 4, y: foot, 'text-anchor': 'start' }),
      label(high, { x: WIDE - EDGE, y: foot, 'text-anchor': 'end' }),
      label(termName(first), { x: (LEFT + WIDE) / 2, y: HIGH - 6, 'text-anchor': 'middle' }),
      label(top, { x: LEFT - 18, y: EDGE + 14, 'text-anchor': 'end' }),
      label(bottom, { x: LEFT - 18, y: HIGH - FOOT, 'text-anchor': 'end' }),
      label(termName(second), { x: LEFT - 4, y: EDGE - 6, 'text-anchor': 'start' }),
      this.points.map((point) =>
        makeSvg(
          'circle',
          {
            class: point === this.chosen ? 'is-chosen' : '',
            'data-point': point.layout_id,
            cx: x(point),
            cy: y(point),
            r: 6 + 8 * size(point.terms[third ?? first]),
            click: () => this.choose(point),
          },
          makeSvg('title', {}, this.titleOf(point)),
        ),
      ),
    );
  }

  titleOf(point) {
    return this.names.map((name) => `${termName(name)} ${this.amount(point, name)}`).join(' · ');
  }
}
