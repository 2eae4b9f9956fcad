// The slider that goes through the versions of a layer. The page keeps the step that is shown;
// a feature is drawn at the steps from its `first_step` to its `last_step`.
import { dataText, make } from '../shared/dom.js';
import { settings, text } from './settings.js';

const EVERY_MS = 1400;

export class Timeline {
  // choose(step) is called with the position of the version that is wanted.
  constructor(choose) {
    this.choose = choose;
    this.steps = settings.timeline.steps;
    this.timer = 0;
    const last = this.steps.length - 1;
    this.range = make('input', {
      type: 'range',
      class: 'timeline-range',
      min: 0,
      max: last,
      step: 1,
      value: last,
      'aria-label': text('time_slider'),
      input: () => this.go(Number(this.range.value)),
    });
    this.back = this.button('‹', 'time_back', () => this.go(this.step - 1));
    this.on = this.button('›', 'time_on', () => this.go(this.step + 1));
    this.play = this.button('▶', 'time_play', () => (this.timer ? this.stop() : this.start()));
    this.label = make('strong', { class: 'timeline-label' });
    this.told = make('span');
    this.note = make('span', { class: 'timeline-note' });
    this.element = make(
      'section',
      { class: 'timeline', 'aria-label': text('time_slider') },
      make(
        'div',
        { class: 'timeline-row' },
        this.layers(),
        last > 0 ? [this.back, this.range, this.on, this.play] : null,
      ),
      make(
        'p',
        { class: 'timeline-told', role: 'status' },
        this.label,
        ' ',
        this.told,
        ' ',
        this.note,
      ),
    );
  }

  // Another layer is another page.
  layers() {
    const { layer, layers } = settings.timeline;
    if (layers.length < 2) {
      return null;
    }
    const go = ({ target }) =>
      window.location.assign(layers.find(({ name }) => name === target.value).address);
    const option = ({ name, label }) =>
      make('option', { value: name, selected: name === layer }, label);
    return make(
      'select',
      { class: 'timeline-layer', 'aria-label': text('time_layer'), change: go },
      layers.map(option),
    );
  }

  button(sign, key, press) {
    return make(
      'button',
      {
        type: 'button',
        class: 'timeline-button',
        'aria-label': text(key),
        title: text(key),
        click: press,
      },
      sign,
    );
  }

  // Shows a step; one that the history does not have leaves things as they are.
  go(step) {
    if (Number.isInteger(step) && step >= 0 && step < this.steps.length) {
      this.choose(step);
    }
  }

  show(step) {
    const { label, told, note } = this.steps[step];
    this.step = step;
    this.range.value = String(step);
    this.range.setAttribute('aria-valuetext', label);
    this.back.disabled = step === 0;
    this.on.disabled = step === this.steps.length - 1;
    this.label.replaceChildren(dataText(label));
    this.told.textContent = told;
    this.note.replaceChildren(note ? dataText(note) : '');
  }

  start() {
    if (this.step === this.steps.length - 1) {
      this.go(0);
    }
    this.timer = setInterval(
      () => (this.step < this.steps.length - 1 ? this.go(this.step + 1) : this.stop()),
      EVERY_MS,
    );
    this.mark('⏸', 'time_pause');
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.mark('▶', 'time_play');
  }

  mark(sign, key) {
    this.play.textContent = sign;
    this.play.setAttribute('aria-label', text(key));
    this.play.title = text(key);
  }
}
