// A table that sorts by its heads, shows so many rows at a time, and turns into cards in a
// small window. Roles are said out loud, since cards would lose them.
import { make } from '../shared/dom.js';
import { button, freshId, labelled, select } from './parts.js';
import { t } from './frame.js';

const AT_A_TIME = window.matchMedia('(max-width: 640px)').matches ? 15 : 100;

// columns: { key, label, value(row) for sorting, show(row) -> text or node, css, isHead }
// options: caption, sort: [key, isDown], empty: () -> node, rowId(row), onRow(row), atATime: how
// many rows at first, isGrownKept: whether rows that were asked for stay over updates
export function table(columns, options = {}) {
  const state = {
    rows: [],
    sort: options.sort || [null, false],
    shown: options.atATime ?? AT_A_TIME,
    selected: null,
  };
  const atATime = state.shown;
  const body = make('tbody', { role: 'rowgroup' });
  const heads = make('tr', { role: 'row' });
  const more = make('div', { class: 'more' });
  const place = make('div', { class: 'table-empty' });
  const sorter = select(
    [
      ['', t('console.sort_none')],
      ...columns
        .filter((column) => column.value)
        .flatMap((column) => [
          [`${column.key} up`, `${column.label} ↑`],
          [`${column.key} down`, `${column.label} ↓`],
        ]),
    ],
    {
      change: (event) => {
        const [key, way] = event.target.value.split(' ');
        state.sort = [key || null, way === 'down'];
        draw();
      },
    },
  );
  const id = freshId('table');
  const element = make(
    'table',
    { role: 'table', class: 'table', id },
    make('caption', { class: 'hidden-words' }, options.caption || ''),
    make('thead', { role: 'rowgroup' }, heads),
    body,
  );
  const node = make(
    'div',
    { class: 'table-box' },
    labelled(t('console.sort'), sorter, { className: 'sorter' }),
    element,
    place,
    more,
  );

  function compare(one, other, column) {
    const [first, second] = [column.value(one), column.value(other)];
    const isNone = (value) => value === null || value === undefined || value === '';
    if (isNone(first) || isNone(second)) {return isNone(first) - isNone(second);}
    const order =
      typeof first === 'string'
        ? first.localeCompare(second, document.documentElement.lang)
        : first - second;
    return state.sort[1] ? -order : order;
  }

  function sorted() {
    const column = columns.find(({ key }) => key === state.sort[0]);
    return column ? [...state.rows].sort((one, other) => compare(one, other, column)) : state.rows;
  }

  function drawHeads() {
    heads.replaceChildren(
      ...columns.map((column) => {
        const isSorted = state.sort[0] === column.key;
        const mark = isSorted ? (state.sort[1] ? 'descending' : 'ascending') : 'none';
        const content = column.value
          ? [
              make(
                'button',
                {
                  type: 'button',
                  class: 'sort no-print',
                  'data-sort': column.key,
                  click: () => sortBy(column),
                },
                column.label,
                make('span', { class: `arrow ${mark}`, 'aria-hidden': 'true' }),
              ),
              // Heads that a sheet repeats are painted without their buttons.
              make('span', { class: 'print-only', 'aria-hidden': 'true' }, column.label),
            ]
          : column.label;
        return make(
          'th',
          {
            scope: 'col',
            role: 'columnheader',
            class: column.css || '',
            'aria-sort': column.value ? mark : null,
          },
          content,
        );
      }),
    );
  }

  function sortBy(column) {
    const isSame = state.sort[0] === column.key;
    state.sort = [column.key, isSame ? !state.sort[1] : Boolean(column.isDownFirst)];
    draw();
    heads.querySelector(`[data-sort="${CSS.escape(column.key)}"]`).focus();
  }

  function row(item) {
    const key = options.rowId ? String(options.rowId(item)) : null;
    return make(
      'tr',
      {
        role: 'row',
        'data-id': key,
        class: [
          options.onRow ? 'can-select' : '',
          key !== null && key === state.selected ? 'is-selected' : '',
        ].join(' '),
        'aria-current': key !== null && key === state.selected ? 'true' : null,
        click: options.onRow
          ? (event) => {
              if (!event.target.closest('a, button, input, select, summary')) {options.onRow(item);}
            }
          : null,
      },
      columns.map((column) =>
        make(
          column.isHead ? 'th' : 'td',
          {
            role: column.isHead ? 'rowheader' : 'cell',
            scope: column.isHead ? 'row' : null,
            class: column.css || '',
            'data-label': column.label,
          },
          column.show(item),
        ),
      ),
    );
  }

  function draw() {
    drawHeads();
    sorter.value = state.sort[0] ? `${state.sort[0]} ${state.sort[1] ? 'down' : 'up'}` : '';
    const rows = sorted();
    const shown = rows.slice(0, state.shown);
    body.replaceChildren(...shown.map(row));
    element.hidden = !rows.length;
    place.replaceChildren(
      ...(rows.length ? [] : [options.empty ? options.empty() : t('console.nothing')]),
    );
    more.replaceChildren(
      ...(rows.length > shown.length
        ? [
            make('span', {}, t('console.shown', { shown: shown.length, total: rows.length })),
            button(t('console.show_more'), () => {
              state.shown += AT_A_TIME;
              draw();
            }),
          ]
        : []),
    );
  }

  // On paper every row is wanted.
  window.addEventListener('beforeprint', () => {
    state.shown = state.rows.length;
    draw();
  });

  return {
    node,
    update(rows) {
      state.rows = rows;
      state.shown = Math.max(atATime, options.isGrownKept ? state.shown : 0);
      draw();
    },
    select(key) {
      state.selected = key === null ? null : String(key);
      const place = options.rowId
        ? sorted().findIndex((row) => String(options.rowId(row)) === state.selected)
        : -1;
      state.shown = Math.max(state.shown, place + 1);
      draw();
      body.querySelector('.is-selected')?.scrollIntoView({ block: 'nearest' });
    },
  };
}
