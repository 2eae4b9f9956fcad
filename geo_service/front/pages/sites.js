// Where a project fits: the form, and the ranking that follows.
import { dataText, make, shorten } from '../shared/dom.js';
import { emptyState, errorState, get, loadingState } from './api.js';
import { time } from './amounts.js';
import { pageAddress, printPage, setTitle, showPage, t } from './frame.js';
import { run } from './jobs.js';
import { button, pageHead, panel, select } from './parts.js';
import { ProjectForm } from './project/form.js';
import { RankingView, rankingPath } from './sites/ranking.js';

const results = make('div', { class: 'stack', id: 'results' });
/** @type {ProjectForm | null} */
let form = null;

function show(ranking) {
  new RankingView(ranking, { container: results, open }).show();
}

async function submit(project) {
  form?.setBusy(true);
  const made = await run(results, '/api/rankings', { body: project }, () => submit(project));
  form?.setBusy(false);
  if (!made) {
    results.scrollIntoView({ block: 'start' });
    return;
  }
  window.history.replaceState(
    null,
    '',
    pageAddress(`/sites?ranking=${encodeURIComponent(made.ranking_id)}`),
  );
  show(made);
  if (!made.saved) {
    const attributes = { class: 'callout', role: 'alert', id: 'not-saved' };
    results.prepend(make('p', attributes, dataText(made.not_saved)));
  }
  if (window.innerWidth <= 1180) {
    results.scrollIntoView({ block: 'start' });
  }
}

function earlier(rankings) {
  if (!rankings.length) {
    return null;
  }
  return select(
    [
      ['', t('sites.earlier')],
      ...rankings.map((item) => [
        item.ranking_id,
        `${time(item.made_at)} · ${shorten(item.project?.name ?? item.ranking_id, 30)}`,
      ]),
    ],
    {
      'aria-label': t('sites.earlier'),
      change: (event) => {
        if (event.target.value) {
          open(event.target.value);
        }
      },
    },
  );
}

async function open(rankingId) {
  results.replaceChildren(loadingState());
  try {
    const found = await get(rankingPath(rankingId));
    form?.fill(found.project);
    window.history.replaceState(
      null,
      '',
      pageAddress(`/sites?ranking=${encodeURIComponent(rankingId)}`),
    );
    show(found);
  } catch (error) {
    results.replaceChildren(errorState(error, () => open(rankingId)));
  }
}

async function load() {
  try {
    const [schema, { rankings }] = await Promise.all([
      get('/api/project-schema'),
      get('/api/rankings', { limit: 30 }),
    ]);
    form = new ProjectForm(schema, submit);
    setTitle(t('console.sites_title'));
    results.replaceChildren(
      make(
        'div',
        { class: 'panel' },
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
      ),
    );
    showPage(
      pageHead(t('console.sites_title'), {
        line: t('sites.lead'),
        tools: [earlier(rankings), button(t('console.print'), printPage, { sign: 'print' })],
      }),
      make(
        'div',
        { class: 'sites-grid' },
        panel(
          t('sites.project'),
          { note: t('sites.project_note'), className: 'no-print' },
          form.node,
        ),
        results,
      ),
    );
    const wanted = new URLSearchParams(window.location.search).get('ranking');
    if (wanted) {
      open(wanted);
    }
  } catch (error) {
    showPage(pageHead(t('console.sites_title')), errorState(error, load));
  }
}

load();
