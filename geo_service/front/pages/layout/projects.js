// The projects of a layout: made in the form of siting, read from files, or taken from rankings.
import { dataText, icon, make, shorten } from '../../shared/dom.js';
import { area, squareMetres } from '../amounts.js';
import { ask, get } from '../api.js';
import { t } from '../frame.js';
import { button, select } from '../parts.js';
import { ProjectForm } from '../project/form.js';
import { openDialog } from '../dialog.js';
import { faultOf } from '../scenario/words.js';

const RANKINGS = 60;

export class ProjectRows {
  // changed() is called when there are other projects.
  constructor(changed) {
    this.changed = changed;
    /** @type {{ project: any, required: boolean }[]} */
    this.items = [];
    /** @type {any} */
    this.schema = null;
    /** @type {any[]} */
    this.ranked = [];
    this.list = make('ul', { class: 'plain-list', 'aria-label': t('layouts.projects') });
    this.fault = make('div');
    this.file = make('input', {
      type: 'file',
      accept: '.yaml,.yml,.json,application/json',
      multiple: true,
      class: 'hidden-words',
      tabindex: '-1',
      'aria-label': t('layouts.project_file'),
      change: () => this.readFiles(),
    });
    this.rankings = select([['', t('layouts.from_ranking')]], {
      'aria-label': t('layouts.from_ranking'),
      change: () => this.takeRanking(),
    });
    this.node = make(
      'fieldset',
      { 'data-path': 'projects', id: 'projects' },
      make('legend', {}, t('layouts.projects')),
      make('p', { class: 'field-help' }, t('layouts.projects_help')),
      this.list,
      this.fault,
      make(
        'div',
        { class: 'tools' },
        button(t('layouts.add_project'), () => this.edit(null), {
          kind: 'plain small',
          sign: 'plus',
          'data-add': 'projects',
        }),
        button(t('layouts.project_file'), () => this.file.click(), { kind: 'plain small' }),
        this.rankings,
        this.file,
      ),
    );
    this.ready = this.load();
  }

  async load() {
    const none = { rankings: [] };
    const { rankings } = await get('/api/rankings', { limit: RANKINGS }).catch(() => none);
    this.ranked = rankings.filter((one) => one.project?.name);
    this.rankings.hidden = !this.ranked.length;
    this.rankings.append(
      ...this.ranked.map((one) =>
        make('option', { value: one.ranking_id }, shorten(one.project.name, 40)),
      ),
    );
  }

  names() {
    return this.items.map((item) => item.project.name ?? '');
  }

  take(project, at = null) {
    if (at === null) {
      this.items.push({ project, required: true });
    } else {
      this.items[at] = { ...this.items[at], project };
    }
    this.draw();
    this.changed();
  }

  async takeRanking() {
    const id = this.rankings.value;
    this.rankings.value = '';
    if (id) {
      const found = await get(`/api/rankings/${encodeURIComponent(id)}`).catch(() => null);
      if (found) {
        this.take(found.project);
      }
    }
  }

  async readFiles() {
    this.fault.replaceChildren();
    for (const file of this.file.files ?? []) {
      try {
        const body = { name: file.name, text: await file.text() };
        const { document } = await ask('/api/projects/read', { method: 'POST', body });
        this.take(document.project);
      } catch (error) {
        this.fault.append(faultOf(error));
      }
    }
    this.file.value = '';
  }

  async edit(at) {
    this.schema ??= await get('/api/project-schema');
    openDialog(t('layouts.project'), (close) => {
      const form = new ProjectForm(this.schema, (project) => {
        this.take(project, at);
        close();
      });
      form.send.textContent = t('layouts.take_project');
      if (at !== null) {
        form.fill(this.items[at].project);
      }
      return form.node;
    });
  }

  draw() {
    this.list.replaceChildren(...this.items.map((item, at) => this.row(item, at)));
  }

  row(item, at) {
    const { name, industry_code: code, needs = {} } = item.project;
    const wanted = needs.land_m2 ? area(needs.land_m2) : squareMetres(needs.floor_area_m2);
    return make(
      'li',
      { class: 'project-row', 'data-path': `projects.${at}` },
      make(
        'button',
        { type: 'button', class: 'button quiet small', click: () => this.edit(at) },
        dataText(shorten(name, 60)),
      ),
      make('span', { class: 'note' }, dataText(code), ' · ', wanted),
      make(
        'label',
        { class: 'check' },
        make('input', {
          type: 'checkbox',
          checked: item.required,
          change: (event) => {
            item.required = event.target.checked;
          },
        }),
        t('layouts.required'),
      ),
      make(
        'button',
        {
          type: 'button',
          class: 'button quiet small',
          'aria-label': t('layouts.take_out_one', { name: shorten(name, 60) }),
          click: () => {
            this.items.splice(at, 1);
            this.draw();
            this.changed();
          },
        },
        icon('close', 16),
      ),
    );
  }

  read() {
    return this.items.map(({ project, required }) =>
      required ? { project } : { project, required },
    );
  }

  fill(items) {
    this.items = (items ?? []).map((item) => ({
      project: item.project,
      required: item.required ?? true,
    }));
    this.draw();
  }
}
