// The form of a project. Which values a field may take comes from the schema that the service
// publishes; a field that the form has no words for shows the schema's own.
import { dataText, make } from '../../shared/dom.js';
import { ServiceError, ask } from '../api.js';
import { has, t } from '../frame.js';
import { showIndustry } from '../industries.js';
import { button, labelled, radios, select } from '../parts.js';
import { AccessRows } from './access.js';
import { ADMISSION, FLOOR_NEEDS, UTILITIES, choicesOf, controlsOf, wordsOf } from './controls.js';
import { LandField } from './fields.js';
import { project, put } from './values.js';

const OUTSIDE = 'land';
const EXAMPLE = {
  industry_code: '3841',
  kind: 'new',
  hazard_class: '丙',
  output_cny: 200_000_000,
  needs: { land_m2: 20_000, power_kva: 2000 },
  access: { interchange: { max_minutes: 60 } },
};

export class ProjectForm {
  // submit(project) is called with what the form says. projects: those of the county, by file.
  constructor(schema, submit, projects = []) {
    this.schema = schema;
    this.projects = projects.filter((item) => item.project);
    const { properties } = schema;
    this.needs = this.defined(properties.needs.$ref ?? properties.needs.allOf?.[0]?.$ref);
    this.whereToLook = properties.candidates?.items?.enum ?? [];
    // Parts of a project that the form does not show.
    this.rest = {};
    this.controls = controlsOf(schema, this.needs);
    this.kinds = radios('kind', choicesOf(properties.kind), (item) => t(`sites.kind_${item}`));
    this.siteKinds = radios('place', ['land', 'floors'], (item) => t(`sites.place_${item}`));
    this.industry = showIndustry(this.controls.industry_code);
    this.land = new LandField(this.controls.land, this.controls.land_unit);
    this.access = new AccessRows(properties.access?.propertyNames?.enum);
    this.fault = make('div');
    /** @type {Map<HTMLElement, HTMLElement>} */
    this.told = new Map();
    this.file = this.fileInput();
    this.send = make(
      'button',
      { type: 'submit', class: 'button strong', id: 'rank' },
      t('sites.rank'),
    );
    this.landPart = this.partOfLand();
    this.floorPart = this.partOfFloors();
    this.siteKinds.node.addEventListener('change', () => this.showSiteKind());
    this.node = this.makeForm(submit);
    this.kinds.set('new');
    this.siteKinds.set('land');
    this.showSiteKind();
  }

  defined(reference) {
    return this.schema.$defs?.[reference?.split('/').pop()] ?? {};
  }

  setBusy(isBusy) {
    this.send.disabled = isBusy;
  }

  // ---- parts ----

  /**
   * @param {string} name
   * @param {any} [property] of the schema
   * @param {string | null} [group] the part of a project that it belongs to
   */
  field(name, property = this.schema.properties[name], group = null) {
    const control = this.controls[name];
    control.name = group ? `${group}.${name}` : name;
    const fallback = has(`sites.${name}_label`) ? null : (property?.description ?? null);
    return labelled(wordsOf(name, 'label', property?.title ?? name), control, {
      help: wordsOf(name, 'help', fallback),
    });
  }

  need(name) {
    return this.field(name, this.needs.properties?.[name] ?? null, 'needs');
  }

  partOfLand() {
    const { controls } = this;
    return make(
      'div',
      { class: 'form' },
      make(
        'div',
        { class: 'two' },
        labelled(t('sites.land_label'), controls.land, { help: t('sites.land_help') }),
        labelled(t('sites.unit'), controls.land_unit),
      ),
      this.land.beside,
      this.whereToLook.includes(OUTSIDE)
        ? make('label', { class: 'check' }, controls.outside, t('sites.outside'))
        : null,
    );
  }

  partOfFloors() {
    return make(
      'div',
      { class: 'form', hidden: true },
      this.need('floor_area_m2'),
      make(
        'label',
        { class: 'check' },
        this.controls.contiguous_floors,
        t('sites.contiguous_floors_label'),
      ),
      make(
        'div',
        { class: 'two' },
        FLOOR_NEEDS.map((name) => this.need(name)),
        this.need('fire_class'),
      ),
    );
  }

  showSiteKind() {
    const isLand = this.siteKinds.value() === 'land';
    this.landPart.hidden = !isLand;
    this.floorPart.hidden = isLand;
    this.controls.land.required = isLand;
    this.controls.floor_area_m2.required = !isLand;
  }

  makeForm(submit) {
    return make(
      'form',
      {
        class: 'form',
        id: 'project',
        submit: (event) => {
          event.preventDefault();
          submit(this.read());
        },
      },
      this.tools(),
      this.fault,
      this.about(),
      make(
        'fieldset',
        {},
        make('legend', {}, t('sites.place')),
        make(
          'div',
          {},
          this.siteKinds.title(t('sites.place'), 'hidden-words'),
          this.siteKinds.node,
        ),
        this.landPart,
        this.floorPart,
      ),
      this.accessPart(),
      this.fold(
        t('sites.utilities'),
        'two form-two',
        UTILITIES.map((name) => this.need(name)),
      ),
      this.fold(
        t('sites.admission'),
        'two form-two',
        ADMISSION.map((name) => this.field(name)),
      ),
      this.fold(t('sites.method'), 'form', this.methodFields()),
      make('div', { class: 'tools form-end' }, this.send),
    );
  }

  tools() {
    const example = () => this.fill({ ...EXAMPLE, name: t('sites.example_name') });
    return make(
      'div',
      { class: 'tools' },
      this.countyProjects(),
      button(t('sites.example'), example, { kind: 'plain small', id: 'example' }),
      button(t('sites.open_file'), () => this.file.click(), { kind: 'plain small' }),
      button(t('sites.save_file'), () => this.save(), { kind: 'plain small' }),
      this.file,
    );
  }

  // The projects that the county has, to be filled in.
  countyProjects() {
    if (!this.projects.length) {
      return null;
    }
    /** @type {[string, string][]} */
    const choices = this.projects.map((item) => [item.file, item.project.name]);
    return select([['', t('sites.county_projects')], ...choices], {
      'aria-label': t('sites.county_projects'),
      id: 'county-projects',
      change: (event) => {
        const found = this.projects.find(({ file }) => file === event.target.value);
        if (found) {
          this.tell([]);
          this.fill(found.project);
        }
      },
    });
  }

  // Tells faults at their fields; returns whether every one has a field. The first is focused.
  tell(faults) {
    for (const [control, node] of this.told) {
      control.removeAttribute('aria-invalid');
      node.remove();
    }
    this.told = new Map();
    let isWhole = true;
    for (const { field, message } of faults) {
      const name = { land_m2: 'land' }[field] ?? field;
      const control = this.controls[name];
      isWhole &&= Boolean(control);
      if (control) {
        const node = make('p', { class: 'field-fault', role: 'alert' }, dataText(message));
        control.setAttribute('aria-invalid', 'true');
        control.after(node);
        this.told.set(control, node);
      }
    }
    const [first] = this.told.keys();
    first?.focus();
    return isWhole;
  }

  about() {
    return make(
      'fieldset',
      {},
      make('legend', {}, t('sites.about')),
      this.field('name'),
      make('div', {}, this.field('industry_code'), this.industry),
      make(
        'div',
        { class: 'field' },
        this.kinds.title(t('sites.kind_label'), 'label'),
        this.kinds.node,
      ),
      make('div', { class: 'two' }, this.field('hazard_class'), this.field('output_cny')),
    );
  }

  accessPart() {
    const add = button(t('sites.add'), () => this.access.add(), {
      kind: 'plain small',
      sign: 'plus',
    });
    return make(
      'fieldset',
      {},
      make('legend', {}, t('sites.access')),
      make('p', { class: 'field-help' }, t('sites.access_help')),
      this.access.node,
      make('div', {}, add),
    );
  }

  methodFields() {
    return [
      this.field('method'),
      this.field('normalisation'),
      labelled(t('sites.weights_label'), this.controls.weights, { help: t('sites.weights_help') }),
      this.field('unknown'),
    ];
  }

  fold(title, className, fields) {
    return make(
      'details',
      { class: 'fold' },
      make('summary', {}, title),
      make('div', { class: className }, fields),
    );
  }

  // ---- what it says ----

  read() {
    const isLand = this.siteKinds.value() === 'land';
    const { candidates } = this.rest;
    const isOutside = isLand && this.controls.outside.checked;
    const usual = candidates ?? this.schema.properties.candidates.default;
    return {
      ...this.rest,
      ...project(this.controls, { isLand, land_m2: this.land.value() }),
      kind: this.kinds.value(),
      access: this.access.read(),
      candidates: isOutside
        ? [...new Set([...usual, OUTSIDE])]
        : candidates?.filter((item) => item !== OUTSIDE),
      weights: {
        ...this.rest.weights,
        method: this.controls.weights.value === '' ? 'ahp' : this.controls.weights.value,
      },
    };
  }

  // Puts a project into the form; parts that the form does not show stay with it.
  fill(filled) {
    const { criteria, weights, candidates } = filled;
    this.rest = { criteria, weights, candidates };
    const needs = filled.needs ?? {};
    put(this.controls, filled, needs);
    this.controls.outside.checked = candidates?.includes(OUTSIDE) ?? false;
    this.controls.industry_code.dispatchEvent(new Event('input'));
    this.kinds.set(filled.kind ?? 'new');
    this.siteKinds.set(needs.floor_area_m2 ? 'floors' : 'land');
    this.showSiteKind();
    this.land.set(needs.land_m2);
    this.access.fill(filled.access ?? {});
  }

  // ---- files ----

  fileInput() {
    const file = make('input', {
      type: 'file',
      accept: '.yaml,.yml,.json,application/json',
      class: 'hidden-words',
      tabindex: '-1',
      'aria-label': t('sites.open_file'),
      change: async () => {
        this.fault.replaceChildren();
        try {
          await this.open(/** @type {FileList} */ (file.files)[0]);
        } catch (error) {
          const faults = error instanceof ServiceError ? error.errors : [];
          this.fault.replaceChildren(
            make(
              'div',
              { class: 'field-fault', role: 'alert' },
              make('p', {}, t('sites.file_fault')),
              faults.length
                ? make(
                    'ul',
                    {},
                    faults.map((text) => make('li', {}, dataText(text))),
                  )
                : null,
            ),
          );
        }
        file.value = '';
      },
    });
    return file;
  }

  // The service reads the file, which may be YAML, by the same rules as the command line.
  async open(file) {
    const body = { name: file.name, text: await file.text() };
    const { document } = await ask('/api/projects/read', { method: 'POST', body });
    this.fill(document.project);
  }

  save() {
    const text = JSON.stringify(this.read(), null, 2);
    const href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    make('a', { href, download: 'project.json' }).click();
    URL.revokeObjectURL(href);
  }
}
