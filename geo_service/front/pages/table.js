// A table that sorts by its heads, shows so many rows at a time, and turns into cards in a
// small window. Roles are said out loud, since cards would lose them.
import { elementIn, make } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { freshId, labelled, moreOf, select } from './parts.js';
import { t } from './frame.js';

const AT_A_TIME = window.matchMedia('(max-width: 640px)').matches ? 15 : 100;

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} label
 * @property {(row: any) => any} [value] what it is sorted by
 * @property {(row: any) => import('../shared/dom.js').Child} show
 * @property {string} [css]
 * @property {boolean} [isHead]
 * @property {boolean} [isDownFirst]
 *
 * @typedef {object} Options
 * @property {string} [caption]
 * @property {[string | null, boolean]} [sort] the column's key, and whether it is sorted downward
 * @property {() => Node} [empty] what stands in place of no rows
 * @property {(row: any) => string} [rowId]
 * @property {(row: any) => unknown} [onRow]
 * @property {number} [atATime] how many rows at first
 * @property {boolean} [isGrownKept] whether rows that were asked for stay over updates
 */

/**
 * @param {Column[]} columns
 * @param {Options} [options]
 */
export function table(columns, options = {}) {
  return new Table(columns, options);
}

class Table {
  /**
   * @param {Column[]} columns
   * @param {Options} options
   */
  constructor(columns, options) {
    this.columns = columns;
    this.options = options;
    this.rows = [];
    this.selected = null;
    this.atATime = options.atATime ?? AT_A_TIME;
    this.shown = this.atATime;
    /** @type {[string | null, boolean]} */
    this.sort = options.sort || [null, false];
    this.body = make('tbody', { role: 'rowgroup' });
    this.heads = make('tr', { role: 'row' });
    this.more = make('div', { class: 'more' });
    this.emptyBox = make('div', { class: 'table-empty' });
    this.sorter = this.sorterOf(columns.filter((column) => column.value));
    this.element = make(
      'table',
      { role: 'table', class: 'table', id: freshId('table') },
      make('caption', { class: 'hidden-words' }, options.caption || ''),
      make('thead', { role: 'rowgroup' }, this.heads),
      this.body,
    );
    this.node = make(
      'div',
      { class: 'table-box' },
      labelled(t('console.sort'), this.sorter, { className: 'sorter' }),
      this.element,
      this.emptyBox,
      this.more,
    );
    // On paper every row is wanted.
    window.addEventListener('beforeprint', () => this.showUpTo(this.rows.length));
  }

  update(rows) {
    this.rows = rows;
    this.showUpTo(Math.max(this.atATime, this.options.isGrownKept ? this.shown : 0));
  }

  select(key) {
    this.selected = key === null ? null : String(key);
    const index = this.sorted().findIndex((item) => this.keyOf(item) === this.selected);
    // The page stays where it is: whoever selects looks at a map, a slider or the row itself.
    this.showUpTo(Math.max(this.shown, this.options.rowId ? index + 1 : 0));
  }

  showUpTo(count) {
    this.shown = count;
    this.draw();
  }

  // ---- sorting ----

  // What sorts in a small window, where there are no heads.
  sorterOf(columns) {
    const ways = columns.flatMap(({ key, label }) => [
      [`${key} up`, `${label} ↑`],
      [`${key} down`, `${label} ↓`],
    ]);
    return select([['', t('console.sort_none')], ...ways], {
      change: (event) => {
        const [key, way] = event.target.value.split(' ');
        this.sort = [key || null, way === 'down'];
        this.draw();
      },
    });
  }

  sortBy(column) {
    const [key, isDown] = this.sort;
    this.sort = [column.key, key === column.key ? !isDown : Boolean(column.isDownFirst)];
    this.draw();
    elementIn(this.heads, `[data-sort="${CSS.escape(column.key)}"]`)?.focus();
  }

  sorted() {
    const [key, isDown] = this.sort;
    const valueOf = this.columns.find((one) => one.key === key)?.value;
    return valueOf
      ? [...this.rows].sort((one, other) => compare(valueOf(one), valueOf(other), isDown))
      : this.rows;
  }

  // ---- drawing ----

  draw() {
    const [key, isDown] = this.sort;
    const { options } = this;
    const rows = this.sorted();
    const shown = rows.slice(0, this.shown);
    this.heads.replaceChildren(...this.columns.map((column) => this.head(column)));
    this.sorter.value = key ? `${key} ${isDown ? 'down' : 'up'}` : '';
    this.body.replaceChildren(...shown.map((item) => this.row(item)));
    this.element.hidden = !rows.length;
    const none = () => [options.empty ? options.empty() : t('console.nothing')];
    this.emptyBox.replaceChildren(...(rows.length ? [] : none()));
    const press = () => this.showUpTo(this.shown + AT_A_TIME);
    this.more.replaceChildren(...moreOf(shown.length, rows.length, press));
  }

  head(column) {
    const [key, isDown] = this.sort;
    const order = isDown ? 'descending' : 'ascending';
    const mark = key === column.key ? order : 'none';
    const sort = () => this.sortBy(column);
    const arrow = make('span', { class: `arrow ${mark}`, 'aria-hidden': 'true' });
    const content = column.value
      ? [
          make(
            'button',
            { type: 'button', class: 'sort no-print', 'data-sort': column.key, click: sort },
            column.label,
            arrow,
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
  }

  keyOf(item) {
    return this.options.rowId ? String(this.options.rowId(item)) : null;
  }

  row(item) {
    const { onRow } = this.options;
    const key = this.keyOf(item);
    const isSelected = key !== null && key === this.selected;
    const press = (event) => {
      if (!event.target.closest('a, button, input, select, summary')) {
        onRow?.(item);
      }
    };
    return make(
      'tr',
      {
        role: 'row',
        'data-id': key,
        class: [onRow ? 'can-select' : '', isSelected ? 'is-selected' : ''].join(' '),
        'aria-current': isSelected ? 'true' : null,
        click: onRow ? press : null,
      },
      this.columns.map((column) => cell(column, item)),
    );
  }
}

function cell(column, item) {
  return make(
    column.isHead ? 'th' : 'td',
    {
      role: column.isHead ? 'rowheader' : 'cell',
      scope: column.isHead ? 'row' : null,
      class: column.css || '',
      'data-label': column.label,
    },
    column.show(item),
  );
}

// What is not given comes last, whichever way is sorted.
function compare(first, second, isDown) {
  if (!hasValue(first) || !hasValue(second)) {
    return Number(hasValue(second)) - Number(hasValue(first));
  }
  const order =
    typeof first === 'string'
      ? first.localeCompare(second, document.documentElement.lang)
      : first - second;
  return isDown ? -order : order;
}
