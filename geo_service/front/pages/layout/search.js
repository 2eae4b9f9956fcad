// A search for a layout as it goes on: its step, value and bound as they close, and a way to stop.
import { make, makeSvg } from '../../shared/dom.js';
import { number, percent } from '../amounts.js';
import { ServiceError, ask, get } from '../api.js';
import { has, t } from '../frame.js';
import { button, panel } from '../parts.js';
import { termName } from './words.js';

const EVERY_MS = 500;
const WIDE = 600;
const HIGH = 160;
const EDGE = 8;
const STEPS = [
  ...['projects', 'industries', 'moves', 'review', 'solve', 'law'],
  ...['explain', 'alternatives', 'front', 'firm'],
];

export class SearchView {
  constructor(job) {
    this.job = job;
    this.isStopping = false;
    this.words = make('p', { class: 'state-title', role: 'status' });
    this.figures = make('dl', { class: 'figures-row', id: 'closing' });
    this.chart = make('div', { class: 'closing-chart' });
    this.bar = make('progress', { max: 1, 'aria-label': t('layouts.searching') });
    this.stop = button(t('console.cancel'), () => this.cancel(), { id: 'cancel-search' });
    this.node = panel(
      t('layouts.searching'),
      { note: t('layouts.searching_note'), id: 'searching', tools: this.stop },
      this.words,
      this.bar,
      this.figures,
      this.chart,
    );
    this.show();
  }

  // Resolves to the id of the layout, or to null when the search was cancelled.
  async follow() {
    while (this.job.status === 'waiting' || this.job.status === 'running') {
      await new Promise((done) => {
        setTimeout(done, EVERY_MS);
      });
      this.job = await get(`/api/jobs/${this.job.job_id}`);
      this.show();
    }
    if (this.job.status === 'done') {
      return this.job.result.split('/').pop();
    }
    if (this.job.status === 'cancelled') {
      return null;
    }
    throw new ServiceError('refused', {
      detail: this.job.error ?? '',
      errors: Array.isArray(this.job.errors) ? this.job.errors : [],
    });
  }

  async cancel() {
    this.isStopping = true;
    this.stop.disabled = true;
    this.show();
    await ask(`/api/jobs/${this.job.job_id}`, { method: 'DELETE' }).catch(() => null);
  }

  show() {
    const { status, step, progress } = this.job;
    this.bar.value = progress;
    this.words.textContent = this.isStopping
      ? t('layouts.stopping')
      : status === 'waiting'
        ? t('console.job_waiting')
        : this.stepWords(step);
    const { search } = this.job;
    const known = search?.points.length ?? 0;
    this.figures.replaceChildren(...(known ? figuresOf(search) : []));
    // One moment is no line: the first layout is there before the search begins.
    this.chart.replaceChildren(...(known > 1 ? [chartOf(search)] : []));
  }

  stepWords(step) {
    const at = STEPS.indexOf(step);
    const words = has(`layouts.step_${step}`) ? t(`layouts.step_${step}`) : t('console.working');
    return at < 0 ? words : t('layouts.step_of', { at: at + 1, all: STEPS.length, step: words });
  }
}

function figuresOf({ stage, value, bound, gap }) {
  const about = stage === 'weights' ? t('layouts.by_weights') : termName(stage);
  return [
    [t('layouts.sought'), about],
    [t('layouts.found_so_far'), number(value)],
    [t('layout.bound'), number(bound)],
    [t('layout.gap'), gap === null ? t('layouts.no_bound_yet') : percent(gap)],
  ].map(([term, words]) => make('div', {}, make('dt', {}, term), make('dd', {}, words)));
}

// Value and bound over the seconds: two lines that close on each other.
function chartOf({ points }) {
  const values = points.flatMap((one) => [one.value, one.bound]).filter(Number.isFinite);
  const last = Math.max(points.at(-1).seconds, 0.1);
  // Bounds of the first moments may be far off: those that matter are near the best value.
  const best = points.findLast((one) => Number.isFinite(one.value))?.value ?? values.at(-1) ?? 0;
  const reach = Math.max(1, Math.abs(best) * 0.5);
  const shown = values.filter((value) => Math.abs(value - best) <= reach);
  const low = Math.min(best, ...shown);
  const high = Math.max(best + reach * 0.02, ...shown);
  const x = (seconds) => EDGE + (seconds / last) * (WIDE - 2 * EDGE);
  const y = (value) =>
    HIGH -
    EDGE -
    ((Math.min(high, Math.max(low, value)) - low) / (high - low || 1)) * (HIGH - 2 * EDGE);
  const line = (name) => {
    const known = points.filter((one) => Number.isFinite(one[name]));
    if (!known.length) {
      return null;
    }
    const steps = known.map((one, at) => {
      const [right, up] = [x(one.seconds).toFixed(1), y(one[name]).toFixed(1)];
      return at ? `H${right}V${up}` : `M${right} ${up}`;
    });
    return makeSvg('path', { class: `line-${name}`, d: `${steps.join('')}H${x(last)}` });
  };
  return make(
    'figure',
    { class: 'chart' },
    makeSvg(
      'svg',
      {
        viewBox: `0 0 ${WIDE} ${HIGH}`,
        role: 'img',
        'aria-label': t('layouts.chart_words', {
          value: number(points.at(-1).value),
          bound: number(points.at(-1).bound),
        }),
      },
      line('bound'),
      line('value'),
    ),
    make(
      'figcaption',
      { class: 'chart-key' },
      make('span', { class: 'key-value' }, t('layouts.found_so_far')),
      make('span', { class: 'key-bound' }, t('layout.bound')),
      make('span', {}, t('layouts.after_seconds', { seconds: number(last) })),
    ),
  );
}
