// The scenarios: what there is, to open, compare and drop; to make one, or take a file in.
import { dataText, make } from '../shared/dom.js';
import { count, time } from './amounts.js';
import { ask, emptyState, errorState, get } from './api.js';
import { pageAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { button, labelled, labelledFile, pageHead, panel } from './parts.js';
import { author, faultOf, keepAuthor } from './scenario/words.js';
import { table } from './table.js';

const LISTED = 500;
const MOST_COMPARED = 4;
// A candidate that comes from a ranking goes along to the scenario that is opened.
const given = new URLSearchParams(window.location.search);
const carried = given.get('ranking') && given.get('candidate') ? placing() : '';
/** @type {Set<string>} */
const compared = new Set();

function placing() {
  const query = new URLSearchParams({
    add: 'place_project',
    ranking: given.get('ranking') ?? '',
    candidate: given.get('candidate') ?? '',
  });
  return `?${query}`;
}

function addressOf(id) {
  return pageAddress(`/scenarios/${encodeURIComponent(id)}${carried}`);
}

function go(id) {
  window.location.assign(addressOf(id));
}

// ---- making one ----

function newForm() {
  const name = make('input', { type: 'text', required: true, maxlength: 200, autocomplete: 'off' });
  const reason = make('textarea', { class: 'edit-words', maxlength: 2000 });
  const by = make('input', { type: 'text', maxlength: 200, autocomplete: 'name' });
  by.value = author();
  const outcome = make('div');
  const send = make(
    'button',
    { type: 'submit', class: 'button strong', id: 'make' },
    t('scenarios.make'),
  );
  const submit = async (event) => {
    event.preventDefault();
    keepAuthor(by.value);
    send.disabled = true;
    try {
      const body = { name: name.value, reason: reason.value, edits: [] };
      const parameters = { author: by.value };
      const { document } = await ask('/api/scenarios', { method: 'POST', body, parameters });
      go(document.scenario_id);
    } catch (error) {
      outcome.replaceChildren(faultOf(error));
      send.disabled = false;
    }
  };
  return make(
    'form',
    { class: 'form', id: 'new-scenario', submit },
    labelled(t('scenarios.name'), name, { help: t('scenarios.name_help') }),
    labelled(t('scenarios.why'), reason),
    labelled(t('scenarios.author'), by),
    outcome,
    make('div', { class: 'tools' }, send),
  );
}

function importForm() {
  const outcome = make('div');
  const file = make('input', {
    type: 'file',
    id: 'scenario-file',
    accept: '.json,.yaml,.yml',
    change: async () => {
      const [chosen] = /** @type {FileList} */ (file.files);
      outcome.replaceChildren();
      try {
        const body = { file: chosen.name, text: await chosen.text(), author: author() };
        const { document } = await ask('/api/scenarios/import', { method: 'POST', body });
        go(document.scenario_id);
      } catch (error) {
        outcome.replaceChildren(faultOf(error));
      }
      file.value = '';
    },
  });
  return make(
    'div',
    { class: 'stack-small' },
    labelledFile(t('scenarios.file'), file, { help: t('scenarios.file_help') }),
    outcome,
  );
}

// ---- the list ----

function stateOf(one) {
  return make(
    'span',
    { class: 'chips' },
    one.is_current
      ? make('span', { class: 'chip is-real' }, t('scenarios.is_current'))
      : make('span', { class: 'chip is-changed' }, t('scenarios.has_moved')),
    one.published_count
      ? make(
          'span',
          { class: 'chip is-current' },
          t('scenarios.was_published', { count: count(one.published_count) }),
        )
      : null,
  );
}

function dropOf(one, again) {
  const box = make('span', { class: 'tools' });
  const first = button(
    t('scenarios.drop'),
    () => {
      const yes = button(
        t('scenarios.drop_now'),
        async () => {
          try {
            const headers = { 'if-match': `"${one.etag}"` };
            const path = `/api/scenarios/${encodeURIComponent(one.scenario_id)}`;
            await ask(path, { method: 'DELETE', headers });
            again();
          } catch (error) {
            box.replaceChildren(faultOf(error, again));
          }
        },
        { kind: 'plain small' },
      );
      const no = button(t('console.cancel'), () => box.replaceChildren(first), {
        kind: 'quiet small',
      });
      box.replaceChildren(make('span', { class: 'note' }, t('scenarios.drop_sure')), yes, no);
      yes.focus();
    },
    { kind: 'plain small', 'aria-label': t('scenarios.drop_one', { name: one.name }) },
  );
  box.append(first);
  return box;
}

function tickOf(one, tell) {
  return make('input', {
    type: 'checkbox',
    checked: compared.has(one.scenario_id),
    'aria-label': t('scenarios.compare_one', { name: one.name }),
    change: (event) => {
      compared[event.target.checked ? 'add' : 'delete'](one.scenario_id);
      tell();
    },
  });
}

function columns(again, tell) {
  return [
    { key: 'compare', label: t('scenarios.compare'), show: (one) => tickOf(one, tell) },
    {
      key: 'name',
      label: t('scenarios.name'),
      isHead: true,
      value: (one) => one.name,
      show: (one) =>
        make(
          'span',
          {},
          make('a', { href: addressOf(one.scenario_id) }, dataText(one.name)),
          one.reason ? dataText(one.reason, { class: 'under' }, 'span') : null,
        ),
    },
    {
      key: 'edits',
      label: t('scenarios.edits_count'),
      css: 'number',
      value: (one) => one.edits_count,
      show: (one) =>
        one.enabled_count === one.edits_count
          ? count(one.edits_count)
          : t('scenarios.some_of', {
              some: count(one.enabled_count),
              all: count(one.edits_count),
            }),
    },
    {
      key: 'state',
      label: t('scenarios.state'),
      value: (one) => Number(one.is_current),
      show: stateOf,
    },
    {
      key: 'base',
      label: t('scenarios.base'),
      css: 'wide-only',
      show: (one) => make('code', {}, one.base?.plan_version ?? '—'),
    },
    {
      key: 'changed',
      label: t('scenarios.changed_at'),
      value: (one) => one.changed_at,
      isDownFirst: true,
      show: (one) =>
        make(
          'span',
          {},
          time(one.changed_at),
          one.author ? make('span', { class: 'under' }, dataText(one.author)) : null,
        ),
    },
    { key: 'drop', label: t('scenarios.drop'), show: (one) => dropOf(one, again) },
  ];
}

// Compares the plan with the scenarios that are ticked.
function compareTools() {
  const link = make('a', { class: 'button plain', id: 'compare' }, t('scenarios.compare_ticked'));
  const note = make('span', { class: 'note', role: 'status' });
  const tell = () => {
    const isRight = compared.size > 0 && compared.size <= MOST_COMPARED;
    const ids = ['plan', ...compared].join(',');
    if (isRight) {
      link.href = pageAddress(`/scenarios/compare?ids=${encodeURIComponent(ids)}`);
      link.removeAttribute('aria-disabled');
    } else {
      link.removeAttribute('href');
      link.setAttribute('aria-disabled', 'true');
    }
    note.textContent = isRight
      ? t('scenarios.ticked', { count: count(compared.size) })
      : t('scenarios.tick_some', { most: MOST_COMPARED });
  };
  tell();
  return { node: make('div', { class: 'tools' }, link, note), tell };
}

async function load() {
  try {
    const { scenarios, numberMatched } = await get('/api/scenarios', { limit: LISTED });
    setTitle(t('console.scenarios_title'));
    const tools = compareTools();
    const list = table(columns(load, tools.tell), {
      caption: t('console.scenarios_title'),
      rowId: (one) => one.scenario_id,
      sort: ['changed', true],
      empty: () => emptyState(t('scenarios.none'), { hint: t('scenarios.none_hint') }),
    });
    list.update(scenarios);
    showPage(
      pageHead(t('console.scenarios_title'), {
        line: t('scenarios.lead'),
        tools: [button(t('console.print'), printPage, { sign: 'print' })],
      }),
      carried
        ? make(
            'p',
            { class: 'callout', role: 'note' },
            t('scenarios.choose_for', { candidate: given.get('candidate') }),
          )
        : null,
      make(
        'div',
        { class: 'scenarios-grid' },
        panel(
          t('scenarios.list'),
          {
            note: t('scenarios.so_many', { count: count(numberMatched) }),
            tools: scenarios.length ? tools.node : null,
          },
          list.node,
        ),
        start.may.make_scenarios
          ? make(
              'div',
              { class: 'stack no-print' },
              panel(t('scenarios.new'), { note: t('scenarios.new_note') }, newForm()),
              panel(t('scenarios.import'), {}, importForm()),
            )
          : null,
      ),
    );
  } catch (error) {
    showPage(pageHead(t('console.scenarios_title')), errorState(error, load));
  }
}

load();
