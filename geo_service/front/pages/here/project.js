// Which project is asked about: one of the county's, or an industry with what it needs.
import { make } from '../../shared/dom.js';
import { pageAddress, start, t } from '../frame.js';
import { showIndustry } from '../industries.js';
import { freshId, labelled, later, radios, select } from '../parts.js';
import { LandField } from '../project/fields.js';
import { landUnits, numberInput } from '../project/controls.js';

export class ProjectChoice {
  // projects: the county's, by file. changed() is called when another project is asked about.
  constructor(projects, changed) {
    this.projects = new Map(
      projects.filter(({ project }) => project).map(({ file, project }) => [file, project]),
    );
    this.changed = later(changed, 350);
    /** @type {[string, string][]} */
    const choices = [...this.projects].map(([file, { name }]) => [file, name]);
    this.file = select([...choices, ['', t('here.own_project')]], {
      value: choices[0]?.[0] ?? '',
      change: () => this.follow(),
    });
    this.industry = make('input', {
      type: 'text',
      maxlength: 60,
      list: freshId('industries'),
      autocomplete: 'off',
      spellcheck: 'false',
      input: this.changed,
    });
    this.named = showIndustry(this.industry);
    this.kinds = radios('need', ['land', 'floors'], (item) => t(`sites.place_${item}`));
    this.amount = numberInput({ input: this.changed });
    this.unit = select(landUnits(), {
      value: landUnits()[0][0],
      'aria-label': t('sites.unit'),
      change: this.changed,
    });
    this.land = new LandField(this.amount, this.unit);
    this.floors = numberInput({ input: this.changed });
    this.fault = make('p', { class: 'field-fault', role: 'alert', hidden: true });
    this.kinds.set('land');
    this.landPart = make(
      'div',
      { class: 'two' },
      labelled(t('here.area_label'), this.amount),
      labelled(t('sites.unit'), this.unit),
    );
    this.floorPart = labelled(t('sites.floor_area_m2_label'), this.floors);
    this.own = this.ownPart();
    this.node = make(
      'div',
      { class: 'form' },
      labelled(t('here.project'), this.file),
      this.own,
      this.fault,
    );
    this.show();
  }

  ownPart() {
    this.kinds.node.addEventListener('change', () => this.follow());
    return make(
      'div',
      { class: 'form' },
      make('div', {}, labelled(t('sites.industry_code_label'), this.industry), this.named),
      make('div', { class: 'field' }, this.kinds.title(t('here.need'), 'label'), this.kinds.node),
      this.landPart,
      this.floorPart,
      start.may.sites
        ? make(
            'p',
            { class: 'field-help' },
            make('a', { href: pageAddress('/sites') }, t('here.more_needs')),
          )
        : null,
    );
  }

  follow() {
    this.show();
    this.changed();
  }

  show() {
    const isLand = this.kinds.value() === 'land';
    this.own.hidden = Boolean(this.file.value);
    this.landPart.hidden = !isLand;
    this.floorPart.hidden = isLand;
  }

  // What is asked about, as the service takes it; nothing while something lacks.
  value() {
    const kept = this.projects.get(this.file.value);
    if (kept) {
      return kept;
    }
    const code = this.industry.value.trim();
    const isLand = this.kinds.value() === 'land';
    const amount = isLand ? this.land.value() : Number(this.floors.value) || undefined;
    if (!code || !amount) {
      return null;
    }
    return {
      name: t('here.project_name', { industry: code }),
      industry_code: code,
      needs: isLand ? { land_m2: amount } : { floor_area_m2: amount },
    };
  }

  // Says at its field what is wrong with an industry; nothing for none.
  tell(words) {
    this.fault.textContent = words;
    this.fault.hidden = !words;
    this.industry.setAttribute('aria-invalid', String(Boolean(words)));
  }

  // ---- in the address ----

  /** @returns {Record<string, string>} */
  state() {
    if (this.file.value) {
      return { project: this.file.value };
    }
    const isLand = this.kinds.value() === 'land';
    const amount = isLand ? this.land.value() : this.floors.value;
    return {
      project: '-',
      industry: this.industry.value.trim(),
      [isLand ? 'land_m2' : 'floor_area_m2']: String(amount ?? ''),
    };
  }

  take(given) {
    const file = given.get('project');
    if (file && this.projects.has(file)) {
      this.file.value = file;
    } else if (file === '-' || given.get('industry')) {
      this.file.value = '';
      this.industry.value = given.get('industry') ?? '';
      this.industry.dispatchEvent(new Event('input'));
      const isFloors = given.has('floor_area_m2');
      this.kinds.set(isFloors ? 'floors' : 'land');
      this.land.set(Number(given.get('land_m2')) || 0);
      this.floors.value = given.get('floor_area_m2') ?? '';
    }
    this.show();
  }
}
