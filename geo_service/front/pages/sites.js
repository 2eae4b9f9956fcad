// Where a project fits, as a workbench: the project, weights and ranking, the map; everything that
// is on show stands in the address.
import { dataText, make, shorten } from '../shared/dom.js';
import { area, squareMetres, time } from './amounts.js';
import { emptyState, errorState, get, loadingState } from './api.js';
import { pageAddress, setTitle, showPage, start, t } from './frame.js';
import { run } from './jobs.js';
import { button, pageHead, select } from './parts.js';
import { ProjectForm } from './project/form.js';
import { scenarioNote } from './scenario_note.js';
import { rankingPath } from './sites/path.js';
import { RankingView } from './sites/ranking.js';

class Workbench {
  constructor(schema, rankings, projects) {
    this.form = new ProjectForm(schema, (project) => this.submit(project), projects);
    this.rankings = rankings;
    /** @type {RankingView | null} */
    this.view = null;
    this.line = make('span', { class: 'project-line' }, t('sites.lead'));
    this.note = make('div');
    this.project = part('is-project', t('sites.project'), this.form.node);
    this.middle = part('is-ranking', t('sites.ranking'));
    this.stage = part('is-stage', t('sites.map'));
    this.bottom = make('div', { class: 'tray-edge' });
    this.bench = make('div', { class: 'bench is-sites' }, this.project, this.middle, this.stage);
  }

  show() {
    setTitle(t('console.sites_title'));
    this.fold(false);
    this.middle.replaceChildren(intro());
    this.stage.hidden = true;
    showPage(
      pageHead(t('console.sites_title'), {
        line: this.line,
        tools: [
          start.scenario ? null : this.earlier(), // which are of the plan as it is
          start.may.here
            ? make(
                'a',
                { class: 'button plain', href: pageAddress('/here') },
                t('console.here_title'),
              )
            : null,
        ],
      }),
      scenarioNote(pageAddress('/sites')),
      make('div', { class: 'stack-small' }, this.note),
      this.bench,
      this.bottom,
    );
    const given = new URLSearchParams(window.location.search);
    if (given.get('ranking')) {
      this.open(given.get('ranking'), given);
    }
  }

  // Shows the project as one line, or its whole form.
  fold(isFolded) {
    this.project.hidden = isFolded;
    this.bench.classList.toggle('is-folded', isFolded);
    if (!this.view) {
      return;
    }
    const { project, industry_name: industry } = this.view.first;
    const { land_m2: land, floor_area_m2: floors } = project.needs;
    this.line.replaceChildren(
      make('strong', {}, dataText(shorten(project.name, 60))),
      dataText(`${project.industry_code} ${industry ?? ''}`),
      land ? area(land) : squareMetres(floors),
      button(
        t(isFolded ? 'sites.project_open' : 'sites.project_fold'),
        () => this.fold(!isFolded),
        { kind: 'plain small', id: 'fold-project', 'aria-expanded': String(!isFolded) },
      ),
    );
  }

  async submit(project) {
    this.form.setBusy(true);
    this.form.tell([]);
    this.stage.hidden = true;
    const options = { onFault: (error) => this.refused(error) };
    const again = () => this.submit(project);
    const body = start.scenario ? { ...project, scenario: start.scenario } : project;
    const made = await run(this.middle, '/api/rankings', { body }, again, options);
    this.form.setBusy(false);
    if (made) {
      this.take(made, new URLSearchParams());
    }
  }

  // What is wrong with a field is told there; nothing else is left to tell then.
  refused(error) {
    const faults = error.document?.faults ?? [];
    return faults.length && this.form.tell(faults) ? intro() : null;
  }

  take(ranking, given) {
    this.view = new RankingView(ranking, {
      open: (id) => this.open(id, new URLSearchParams()),
      given,
      remember: () => this.remember(),
    });
    this.stage.hidden = false;
    this.view.show(this.middle, this.stage, this.bottom);
    this.fold(true);
    this.note.replaceChildren(
      ...(ranking.saved
        ? []
        : [
            make(
              'p',
              { class: 'callout', role: 'alert', id: 'not-saved' },
              dataText(ranking.not_saved),
            ),
          ]),
    );
    this.remember();
  }

  async open(rankingId, given) {
    this.middle.replaceChildren(loadingState());
    try {
      const found = await get(rankingPath(rankingId));
      this.form.fill(found.project);
      this.take({ saved: true, ...found }, given);
    } catch (error) {
      this.middle.replaceChildren(errorState(error, () => this.open(rankingId, given)));
    }
  }

  remember() {
    if (!this.view) {
      return;
    }
    const lang = new URLSearchParams(window.location.search).get('lang');
    const { scenario } = start;
    const kept = [
      ...this.view.state(),
      ...(scenario ? [['scenario', scenario]] : []),
      ...(lang ? [['lang', lang]] : []),
    ];
    window.history.replaceState(null, '', pageAddress(`/sites?${new URLSearchParams(kept)}`));
  }

  earlier() {
    if (!this.rankings.length) {
      return null;
    }
    return select(
      [
        ['', t('sites.earlier')],
        ...this.rankings.map((item) => [
          item.ranking_id,
          `${time(item.made_at)} · ${shorten(item.project?.name ?? item.ranking_id, 30)}`,
        ]),
      ],
      {
        'aria-label': t('sites.earlier'),
        change: (event) => {
          if (event.target.value) {
            this.open(event.target.value, new URLSearchParams());
          }
        },
      },
    );
  }
}

function part(name, label, ...children) {
  return make(
    'section',
    { class: `bench-part ${name}`, 'aria-label': label, tabindex: '0' },
    ...children,
  );
}

function intro() {
  return make(
    'div',
    {},
    emptyState(t('sites.start'), { hint: t('sites.start_hint'), sign: 'pin' }),
    make(
      'ol',
      { class: 'steps' },
      ['exclude', 'score', 'decide'].map((step, index) =>
        make(
          'li',
          {},
          make('span', { class: 'rank-no' }, String(index + 1)),
          make(
            'div',
            {},
            make('h3', {}, t(`sites.step_${step}`)),
            make('p', { class: 'note' }, t(`sites.step_${step}_is`)),
          ),
        ),
      ),
    ),
  );
}

async function load() {
  try {
    const [schema, { rankings }, { projects }] = await Promise.all([
      get('/api/project-schema'),
      get('/api/rankings', { limit: 30 }),
      get('/api/projects'),
    ]);
    new Workbench(schema, rankings, projects).show();
  } catch (error) {
    showPage(pageHead(t('console.sites_title')), errorState(error, load));
  }
}

load();
