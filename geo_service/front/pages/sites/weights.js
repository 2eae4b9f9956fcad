// The sliders of a ranking: other weights and another method, tried at once and kept on request.
import { capital } from '../../shared/format.js';
import { dataText, make, shorten } from '../../shared/dom.js';
import { percent } from '../amounts.js';
import { ask, errorState } from '../api.js';
import { t } from '../frame.js';
import { button, later, select } from '../parts.js';

const METHODS = ['weighted_sum', 'topsis', 'vikor', 'promethee_ii'];

export class Weights {
  constructor(view) {
    this.view = view;
    this.first = view.first;
    // What the ranking on show is weighed by; null while it is the kept one.
    this.weighing = null;
    this.asked = 0;
    this.stop = null;
    this.status = make('p', { class: 'note', role: 'status' });
    this.reweigh = later(() => this.askAgain(), 40);
    this.sliders = new Map(
      this.first.criteria.map(({ name }, index) => [name, this.slider(name, index)]),
    );
    this.method = select(
      METHODS.map((item) => [item, t(`sites.${item}_method`)]),
      { value: this.first.method, change: this.reweigh, id: 'method-now' },
    );
    this.keep = button(t('sites.weights_keep'), () => this.keepThem(), {
      kind: 'plain small',
      hidden: true,
    });
  }

  slider(name, index) {
    const weight = this.first.weights[name];
    const highest = Object.values(this.first.weights).map((value) => Math.ceil(value * 200));
    const input = make('input', {
      type: 'range',
      min: 0,
      max: Math.max(40, ...highest),
      step: 0.5,
      id: `weight-${index}`,
      value: weight * 100,
      input: this.reweigh,
    });
    return { input, output: make('output', { for: input.id }, percent(weight)) };
  }

  /**
   * What an address says of the weights that are tried.
   * @returns {Record<string, string>}
   */
  parameters() {
    return this.weighing
      ? { weights: JSON.stringify(this.weighing.weights), method: this.weighing.method }
      : {};
  }

  // Takes the weights that an address asks for, if any.
  begin(given) {
    const method = given.get('method');
    const weights = readWeights(given.get('weights'));
    if (method && METHODS.includes(method)) {
      this.method.value = method;
    }
    for (const [name, { input }] of this.sliders) {
      if (weights && name in weights) {
        input.value = String(weights[name]);
      }
    }
    if (weights || this.method.value !== this.first.method) {
      this.askAgain();
    }
  }

  // Makes answers that are under way count for nothing.
  forget() {
    this.asked += 1;
    this.stop?.abort();
    return this.asked;
  }

  async askAgain() {
    const own = this.forget();
    this.stop = new AbortController();
    const weights = Object.fromEntries(
      [...this.sliders].map(([name, { input }]) => [name, Number(input.value)]),
    );
    if (!Object.values(weights).some((value) => value > 0)) {
      this.status.textContent = t('sites.weights_zero');
      return;
    }
    try {
      const { document } = await ask(`${this.view.path}/weights`, {
        method: 'POST',
        body: { weights, method: this.method.value || undefined },
        signal: this.stop.signal,
      });
      if (own === this.asked) {
        this.weighing = { weights, method: document.method };
        this.tell(document);
        this.view.take(document);
      }
    } catch (error) {
      if (own === this.asked) {
        this.status.replaceChildren(errorState(error, this.reweigh));
      }
    }
  }

  tell(ranking) {
    for (const [name, { output }] of this.sliders) {
      output.textContent = percent(ranking.weights[name]);
    }
    const label = shorten(ranking.candidates[0]?.label ?? '—', 80);
    this.status.textContent = t('sites.reweighed', { label });
  }

  reset() {
    for (const [name, { input, output }] of this.sliders) {
      input.value = String(this.first.weights[name] * 100);
      output.textContent = percent(this.first.weights[name]);
    }
    this.method.value = this.first.method;
    this.forget();
    this.weighing = null;
    this.status.textContent = '';
    this.view.take(this.first);
  }

  async keepThem() {
    this.keep.disabled = true;
    try {
      const { document } = await ask(`${this.view.path}/run`, {
        method: 'POST',
        body: this.weighing,
      });
      this.view.open(document.ranking_id);
    } catch (error) {
      this.keep.disabled = false;
      this.status.replaceChildren(errorState(error));
    }
  }

  node() {
    const lines = this.first.criteria.map(({ name, label }) => {
      const { input, output } = this.sliders.get(name);
      return make(
        'div',
        { class: 'weight' },
        make('label', { for: input.id, title: label }, dataText(capital(label))),
        input,
        output,
      );
    });
    return make(
      'section',
      { class: 'is-weights no-print', 'aria-label': t('sites.weights') },
      make(
        'div',
        { class: 'bench-head' },
        make('h3', {}, t('sites.weights')),
        make(
          'div',
          { class: 'tools' },
          make('label', { for: 'method-now', class: 'hidden-words' }, t('sites.method_label')),
          this.method,
          button(t('sites.weights_reset'), () => this.reset(), { kind: 'plain small' }),
          this.keep,
        ),
      ),
      make('div', { class: 'weights' }, lines),
      this.status,
    );
  }
}

// Weights by criterion as an address has them; nothing for what is none.
function readWeights(text) {
  try {
    const found = JSON.parse(text ?? 'null');
    const isFit = Object.values(found ?? {}).every((value) => Number.isFinite(value));
    return found && isFit ? found : null;
  } catch {
    return null;
  }
}
