// Layouts of the whole county: those that were made, the goals of a new one, and how its search
// closes in.
import { dataText, make } from '../shared/dom.js';
import { count, number, percent } from './amounts.js';
import { ServiceError, ask, emptyState, errorState, get } from './api.js';
import { pageAddress, setTitle, showPage, start, t } from './frame.js';
import { GoalsForm } from './layout/form.js';
import { SearchView } from './layout/search.js';
import { statusMark } from './layout/words.js';
import { button, pageHead, panel } from './parts.js';
import { table } from './table.js';

const LISTED = 100;
const given = new URLSearchParams(window.location.search);
const outcome = make('div', { class: 'stack', id: 'search' });
/** @type {GoalsForm | null} */
let form = null;

// Keeps what is open in the address; the language stays.
function write(parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...parameters, lang: given.get('lang') })) {
    if (value) {
      query.set(name, value);
    }
  }
  const words = query.toString();
  const address = `${window.location.pathname}${words ? `?${words}` : ''}`;
  window.history.replaceState(null, '', address);
}

function layoutAddress(id) {
  return pageAddress(`/layouts/${encodeURIComponent(id)}`);
}

// ---- the search ----

async function submit(goals, scenario) {
  form?.setBusy(true);
  form?.showFaults([]);
  outcome.replaceChildren();
  try {
    const body = scenario ? { goals, scenario } : { goals };
    const { status, document } = await ask('/api/layouts', { method: 'POST', body });
    if (status === 202) {
      write({ job: document.job_id });
      await watch(document);
    } else {
      window.location.assign(layoutAddress(document.layout_id));
    }
  } catch (error) {
    form?.setBusy(false);
    const { faults } = (error instanceof ServiceError && error.document) || {};
    if (Array.isArray(faults) && faults.length) {
      form?.showFaults(faults);
    } else {
      outcome.replaceChildren(errorState(error, () => submit(goals, scenario)));
      outcome.scrollIntoView({ block: 'nearest' });
    }
  }
}

async function watch(job) {
  form?.setBusy(true);
  const view = new SearchView(job);
  outcome.replaceChildren(view.node);
  outcome.scrollIntoView({ block: 'nearest' });
  try {
    const made = await view.follow();
    if (made) {
      window.location.assign(layoutAddress(made));
      return;
    }
    outcome.replaceChildren(
      make('p', { class: 'callout', role: 'status' }, t('layouts.was_cancelled')),
    );
  } catch (error) {
    outcome.replaceChildren(errorState(error));
  }
  write({});
  form?.setBusy(false);
}

// A search that went on while the page was elsewhere.
async function takeUp(jobId) {
  try {
    await watch(await get(`/api/jobs/${encodeURIComponent(jobId)}`));
  } catch (error) {
    outcome.replaceChildren(errorState(error));
    write({});
    form?.setBusy(false);
  }
}

// ---- the list ----

function figure(key, written) {
  return {
    key,
    label: t(`layout.${key}`),
    css: 'number',
    value: (one) => one[key],
    show: (one) => written(one[key]),
  };
}

const COLUMNS = [
  {
    key: 'name',
    label: t('layouts.name'),
    isHead: true,
    value: (one) => one.name,
    show: (one) =>
      make(
        'span',
        {},
        make('a', { href: layoutAddress(one.layout_id) }, dataText(one.name)),
        make('code', { class: 'under' }, one.layout_id),
      ),
  },
  { key: 'status', label: t('layout.status'), value: (one) => one.status, show: statusMark },
  figure('objective', number),
  figure('bound', number),
  figure('gap', percent),
  figure('seconds', number),
  {
    key: 'again',
    label: t('layouts.again'),
    show: (one) =>
      make(
        'a',
        { href: pageAddress(`/layouts?from=${encodeURIComponent(one.layout_id)}`) },
        t('layouts.use_goals'),
      ),
  },
];

function listPanel(layouts, matched) {
  const list = table(COLUMNS, {
    caption: t('layouts.list'),
    rowId: (one) => one.layout_id,
    empty: () => emptyState(t('layouts.none'), { hint: t('layouts.none_hint') }),
  });
  list.update(layouts);
  const note = t('layouts.so_many', { count: count(matched) });
  return panel(t('layouts.list'), { note, id: 'layouts' }, list.node);
}

// ---- the page ----

// What the form begins with: the goals of a layout, a file of the workspace, else nothing.
async function beginning(files) {
  const from = given.get('from');
  if (from) {
    const made = await get(`/api/layouts/${encodeURIComponent(from)}`);
    return { goals: made.goals, scenario: made.scenario };
  }
  const file = files.find((one) => one.goals);
  const none = { name: t('layouts.new_name'), industries: {} };
  return { goals: file?.goals ?? none, scenario: null };
}

async function load() {
  setTitle(t('console.layouts_title'));
  try {
    const [schema, { goals: files }, { layouts, numberMatched }, { scenarios }] = await Promise.all(
      [
        get('/api/goals-schema'),
        get('/api/goals'),
        get('/api/layouts', { limit: LISTED }),
        get('/api/scenarios', { limit: LISTED }),
      ],
    );
    const begun = await beginning(files);
    form = new GoalsForm(schema, { files, scenarios, submit });
    form.fill(begun.goals, given.get('scenario') ?? begun.scenario);
    showPage(
      pageHead(t('console.layouts_title'), {
        line: t('layouts.lead'),
        tools: start.may.make_layouts
          ? [button(t('layouts.new'), () => form?.begin(), { sign: 'plus', id: 'new-goals' })]
          : [],
      }),
      listPanel(layouts, numberMatched),
      outcome,
      start.may.make_layouts
        ? panel(
            t('layouts.goals'),
            { note: t('layouts.goals_note'), className: 'no-print' },
            form.node,
          )
        : null,
    );
    const job = given.get('job');
    if (job) {
      takeUp(job);
    }
  } catch (error) {
    showPage(pageHead(t('console.layouts_title')), errorState(error, load));
  }
}

load();
