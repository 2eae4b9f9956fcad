// The goals of a layout as a form: what is open, what is fixed, which limits hold, what is wanted.
// Ranges and defaults are those that the service publishes; a fault is shown at its field.
import { dataText, elementIn, make, shorten } from '../../shared/dom.js';
import { ask } from '../api.js';
import { start, t } from '../frame.js';
import { button, labelled, select } from '../parts.js';
import { faultOf } from '../scenario/words.js';
import { GoalsSchema, TextField } from './fields.js';
import { PLAN, goalsFields, goalsFlags } from './goals_fields.js';
import { ShareRows, TargetRows } from './limits.js';
import { ProjectRows } from './projects.js';
import { BANS, LOCKS, RuleRows } from './rules.js';
import { TermRows } from './terms.js';

export class GoalsForm {
  // submit(goals, scenario) is called with what the form says.
  constructor(schema, { files, scenarios, submit }) {
    this.schema = new GoalsSchema(schema);
    this.files = files;
    // Goals as they were opened: parts that the form does not show stay as they are.
    /** @type {any} */
    this.rest = {};
    /** @type {any} */
    this.boxes = {};
    this.base = select(
      [['', t('layouts.the_plan')], ...scenarios.map((one) => [one.scenario_id, one.name])],
      { id: 'base', change: () => this.follow() },
    );
    this.name = new TextField('name', 'goals_name', { maxlength: 200 });
    this.projects = new ProjectRows(() => {
      this.locks.refreshProjects();
      this.bans.refreshProjects();
    });
    const context = { own: () => this.own, projects: () => this.projects.names() };
    this.locks = new RuleRows('locks', LOCKS, context);
    this.bans = new RuleRows('bans', BANS, context);
    this.terms = new TermRows();
    this.shares = new ShareRows(this.schema, context);
    this.targets = new TargetRows(this.schema);
    /** @type {Record<string, any>} */
    this.open = goalsFlags();
    this.fields = goalsFields(this.schema);
    for (const flag of Object.values(this.open)) {
      flag.input.addEventListener('change', () => this.showOpen());
    }
    this.fault = make('div', { id: 'goals-faults' });
    this.send = make(
      'button',
      { type: 'submit', class: 'button strong', id: 'solve' },
      t('layouts.solve'),
    );
    this.makeBoxes();
    this.file = this.fileInput();
    this.node = make(
      'form',
      {
        class: 'form goals',
        id: 'goals',
        novalidate: true,
        submit: (event) => {
          event.preventDefault();
          submit(this.read(), this.base.value);
        },
      },
      this.tools(),
      this.fault,
      this.about(),
      make('div', { class: 'goals-grid' }, this.industriesPart(), this.movesPart()),
      this.projects.node,
      make('div', { class: 'goals-grid' }, this.locks.node, this.bans.node),
      make('div', { class: 'goals-grid' }, this.wantedPart(), this.limitsPart()),
      this.tellingPart(),
      make('div', { class: 'tools form-end' }, this.send),
    );
  }

  // What is shown once its part is open.
  makeBoxes() {
    const css = { industries: 'form', moves: 'form', same: 'two', front: 'form' };
    for (const [name, value] of Object.entries(css)) {
      this.boxes[name] = make('div', { class: value }, this.nodes(name));
    }
  }

  get own() {
    const id = this.base.value;
    return id ? `/api/scenarios/${encodeURIComponent(id)}` : PLAN;
  }

  // ---- parts ----

  tools() {
    /** @type {[string, string][]} */
    const named = this.files
      .filter((one) => one.goals)
      .map((one) => [one.file, `${one.file} · ${shorten(one.name, 40)}`]);
    const files = select([['', t('layouts.open_kept')], ...named], {
      'aria-label': t('layouts.open_kept'),
      id: 'kept-goals',
      change: () => {
        const file = this.files.find((one) => one.file === files.value);
        if (file) {
          this.fill(file.goals);
        }
        files.value = '';
      },
    });
    return make(
      'div',
      { class: 'tools' },
      named.length ? files : null,
      button(t('sites.open_file'), () => this.file.click(), { kind: 'plain small' }),
      button(t('sites.save_file'), () => this.save(), { kind: 'plain small', id: 'save-goals' }),
      this.file,
    );
  }

  about() {
    return make(
      'div',
      { class: 'goals-grid' },
      this.name.node,
      labelled(t('layouts.base_label'), this.base, { help: t('layouts.base_help') }),
    );
  }

  part(title, ...children) {
    return make('fieldset', {}, make('legend', {}, title), ...children);
  }

  industriesPart() {
    const { industries } = this.open;
    return this.part(t('layouts.industries'), industries.node, this.boxes.industries);
  }

  movesPart() {
    return this.part(t('layouts.moves'), this.open.moves.node, this.boxes.moves);
  }

  nodes(part) {
    return this.fields[part].map((field) => field.node);
  }

  wantedPart() {
    return this.part(
      t('layouts.wanted'),
      this.terms.node,
      make('div', { class: 'two' }, this.nodes('wanted')),
    );
  }

  limitsPart() {
    return this.part(
      t('layouts.limits'),
      this.shares.node,
      this.open.same.node,
      this.boxes.same,
      this.nodes('limits'),
      this.targets.node,
    );
  }

  tellingPart() {
    const fold = (title, ...children) =>
      make(
        'details',
        { class: 'fold' },
        make('summary', {}, title),
        make('div', { class: 'form' }, ...children),
      );
    const row = (name) => make('div', { class: 'four' }, this.nodes(name));
    return make(
      'div',
      { class: 'stack-small' },
      fold(t('layouts.solving'), row('solving')),
      fold(t('layouts.alternatives'), row('alternatives')),
      fold(t('layouts.front'), this.open.front.node, this.boxes.front),
      fold(t('layouts.firmness'), row('firmness')),
    );
  }

  showOpen() {
    for (const [name, box] of Object.entries(this.boxes)) {
      box.hidden = !this.open[name].value;
    }
  }

  setBusy(isBusy) {
    this.send.disabled = isBusy;
  }

  // Pickers look in the plan that the layout is made on.
  follow() {
    const { own } = this;
    this.locks.follow(own);
    this.bans.follow(own);
    for (const field of [this.fields.industries[0], this.fields.moves[1]]) {
      field.picker.picker.own = own;
    }
    this.shares.follow(own);
  }

  // ---- what it says ----

  read() {
    const { rest } = this;
    const part = (name) => this.group(name);
    const industries = part('industries');
    industries.digits = industries.digits.map(Number);
    industries.also = industries.also.split(/[\s,，、;；]+/).filter(Boolean);
    const { moves } = this.fields;
    const front = part('front');
    const same = this.group('same');
    return {
      format: '1',
      name: this.name.value,
      industries: this.open.industries.value ? industries : undefined,
      moves: this.open.moves.value
        ? {
            most: moves[0].value,
            who: moves[1].value,
            cost: { fixed_cny: moves[2].value, per_m2_cny: moves[3].value },
          }
        : undefined,
      projects: this.projects.read(),
      locks: this.locks.read(),
      bans: this.bans.read(),
      limits: {
        focus_share: this.shares.read(),
        same_industry: this.open.same.value ? { ...same, digits: Number(same.digits) } : undefined,
        ...this.group('limits'),
      },
      targets: this.targets.read(),
      wanted: { chains: rest.wanted?.chains, ...this.terms.read(), ...this.group('wanted') },
      solving: this.group('solving'),
      alternatives: this.group('alternatives'),
      front: this.open.front.value ? front : undefined,
      firmness: this.group('firmness'),
    };
  }

  // The fields of a part by the last name of each path.
  group(name) {
    return Object.fromEntries(
      this.fields[name].map((field) => [field.path.split('.').pop(), field.value]),
    );
  }

  /** @param {any} [scenario] the scenario that is built on; undefined for none said */
  fill(goals, scenario = undefined) {
    const usual = start.forms.defaults;
    this.rest = goals;
    this.showFaults([]);
    if (scenario !== undefined) {
      this.base.value = scenario ?? '';
    }
    this.name.set(goals.name ?? '');
    this.projects.fill(goals.projects);
    this.locks.fill(goals.locks);
    this.bans.fill(goals.bans);
    this.terms.fill(goals.wanted ?? {});
    this.shares.fill(goals.limits?.focus_share);
    this.targets.fill(goals.targets ?? {});
    this.open.industries.set(goals.industries);
    this.open.moves.set(goals.moves);
    this.open.same.set(goals.limits?.same_industry);
    this.open.front.set(goals.front);
    const values = {
      industries: { ...usual.industries, ...goals.industries },
      moves: {
        ...usual.moves,
        ...goals.moves,
        cost: { ...usual.moves.cost, ...goals.moves?.cost },
      },
      same: { ...usual.same_industry, ...goals.limits?.same_industry },
      front: goals.front ?? usual.front,
    };
    values.industries.also = values.industries.also.join(' ');
    this.put('industries', values.industries);
    this.put('moves', { ...values.moves, ...values.moves.cost });
    this.put('same', values.same);
    this.put('front', values.front);
    for (const name of ['limits', 'wanted', 'solving', 'alternatives', 'firmness']) {
      this.put(name, { ...usual[name], ...goals[name] });
    }
    this.showOpen();
    this.follow();
  }

  put(name, values) {
    for (const field of this.fields[name]) {
      field.set(values[field.path.split('.').pop()]);
    }
  }

  // Goals that open nothing yet.
  begin() {
    this.fill({ name: t('layouts.new_name') }, null);
    this.node.scrollIntoView({ block: 'start' });
    this.name.input.focus();
  }

  // ---- faults ----

  // Each at the field that is nearest to where it stands; what has no field stands above.
  showFaults(faults) {
    this.node.querySelectorAll('.field-fault').forEach((node) => node.remove());
    this.node
      .querySelectorAll('[aria-invalid]')
      .forEach((node) => node.removeAttribute('aria-invalid'));
    if (!faults.length) {
      this.fault.replaceChildren();
      return;
    }
    const lines = faults.map((fault) => {
      const place = this.placeOf(fault.field ?? '');
      if (place) {
        const words = make('p', { class: 'field-fault', role: 'alert' }, dataText(fault.message));
        place.append(words);
        elementIn(place, 'input, select')?.setAttribute('aria-invalid', 'true');
        const fold = place.closest('details');
        if (fold) {
          fold.open = true;
        }
      }
      return make('li', {}, make('code', {}, fault.field ?? ''), ' ', dataText(fault.message));
    });
    this.fault.replaceChildren(
      make(
        'div',
        { class: 'callout', role: 'alert', tabindex: '-1' },
        make('p', {}, t('layouts.so_many_faults', { count: faults.length })),
        make('ul', {}, lines),
      ),
    );
    elementIn(this.fault, '.callout')?.focus();
  }

  placeOf(path) {
    const names = path.split('.');
    for (let length = names.length; length > 0; length -= 1) {
      const found = names.slice(0, length).join('.');
      const place = elementIn(this.node, `[data-path="${CSS.escape(found)}"]`);
      if (place && !place.closest('[hidden]')) {
        return place;
      }
    }
    return null;
  }

  // ---- files ----

  fileInput() {
    const file = make('input', {
      type: 'file',
      id: 'goals-file',
      accept: '.yaml,.yml,.json,application/json',
      class: 'hidden-words',
      tabindex: '-1',
      'aria-label': t('sites.open_file'),
      change: async () => {
        try {
          const [chosen] = /** @type {FileList} */ (file.files);
          const body = { name: chosen.name, text: await chosen.text() };
          const { document } = await ask('/api/goals/read', { method: 'POST', body });
          this.fill(document.goals);
        } catch (error) {
          this.fault.replaceChildren(faultOf(error));
        }
        file.value = '';
      },
    });
    return file;
  }

  save() {
    const text = JSON.stringify(this.read(), null, 2);
    const href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    make('a', { href, download: 'goals.json' }).click();
    URL.revokeObjectURL(href);
  }
}
