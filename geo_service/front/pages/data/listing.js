// Lists of an import's report, as tables that fold away.
import { dataText, make, shorten } from '../../shared/dom.js';
import { count, exact } from '../amounts.js';
import { has, t } from '../frame.js';

const SHOWN = 100;
const VALUES = ['tier', 'status', 'zone', 'scheme', 'facility', 'river', 'severity'];

// A value that is a word of the product, in the reader's language.
export function worded(value) {
  const section = typeof value === 'string' && VALUES.find((one) => has(`${one}.${value}`));
  return section ? t(`${section}.${value}`) : value;
}

function written(value) {
  if (value === null || value === undefined) {
    return '—';
  }
  if (typeof value === 'boolean') {
    return t(value ? 'console.yes' : 'console.no');
  }
  return typeof value === 'object' ? JSON.stringify(value) : exact(value);
}

/**
 * A list of the report as a table that folds away.
 * @param {string} title
 * @param {number} total
 * @param {[string, (row: any) => unknown][]} columns their names, and what each tells of a row
 * @param {any[]} rows
 * @param {Node | null} [link] to the whole list
 */
export function listing(title, total, columns, rows, link = null) {
  if (!rows.length || !columns.length) {
    return null;
  }
  const shown = rows.slice(0, SHOWN);
  return make(
    'details',
    { class: 'fold', open: rows.length <= 12 },
    make('summary', {}, `${title} (${count(total)})`),
    make(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
      make(
        'table',
        { class: 'table is-plain' },
        make('caption', { class: 'hidden-words' }, title),
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            columns.map(([label]) => make('th', { scope: 'col' }, label)),
          ),
        ),
        make(
          'tbody',
          {},
          shown.map((row) =>
            make(
              'tr',
              {},
              columns.map(([, cell]) => make('td', {}, dataText(shorten(written(cell(row)), 160)))),
            ),
          ),
        ),
      ),
    ),
    total > shown.length
      ? make(
          'p',
          { class: 'note' },
          t('console.shown', { shown: shown.length, total: count(total) }),
          ' ',
          link,
        )
      : link,
  );
}
