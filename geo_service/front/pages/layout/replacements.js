// What the whole layout loses without each of its decisions: solved again for each, when asked for.
import { dataText, make } from '../../shared/dom.js';
import { number } from '../amounts.js';
import { t } from '../frame.js';
import { run } from '../jobs.js';
import { button, panel } from '../parts.js';
import { table } from '../table.js';

const COLUMNS = [
  {
    key: 'kind',
    label: t('layout.head_decision'),
    show: (one) => t(`layout.decision_${one.kind}`),
  },
  { key: 'subject', label: t('layout.head_subject'), isHead: true },
  { key: 'choice', label: t('layout.head_choice') },
  {
    key: 'loses',
    label: t('layout.head_loses'),
    css: 'number',
    value: (one) => one.loses,
    show: (one) => number(one.loses),
  },
  { key: 'certainty', label: t('layout.head_certainty'), show: (one) => t(certaintyOf(one)) },
];

function certaintyOf({ loses, is_proven: isProven }) {
  if (loses === null) {
    return `layout.replacement_${isProven ? 'none' : 'not_found'}`;
  }
  return `layout.replacement_${isProven ? 'solved' : 'cut_short'}`;
}

/**
 * @param {any} found the layout
 * @param {string} path its address
 */
export function replacementsPanel(found, path) {
  const progress = make('div', { id: 'replacing' });
  const body = make('div');
  const names = new Map([
    ...found.parks.map((park) => [park.park_id, park.name]),
    ...found.moves.map((move) => [move.enterprise_id, move.name]),
  ]);
  const columns = COLUMNS.map((column) =>
    column.key === 'subject'
      ? {
          ...column,
          show: (one) => [
            dataText(names.get(one.subject) ?? one.subject),
            names.has(one.subject) ? make('code', {}, ' ', dataText(one.subject)) : null,
          ],
        }
      : { show: (one) => dataText(one[column.key]), ...column },
  );
  const show = ({ replacements }) => {
    if (replacements.length) {
      const list = table(columns, {
        caption: t('layout.replacements'),
        rowId: (one) => `${one.kind} ${one.subject}`,
      });
      list.update(replacements);
      body.replaceChildren(list.node);
    }
  };
  const ask = async () => {
    start.disabled = true;
    const answer = await run(progress, `${path}/replacements`, {}, ask);
    start.disabled = false;
    if (answer) {
      show(answer);
    }
  };
  const start = button(t('layouts.replace_all'), ask, { id: 'replace-all' });
  show(found);
  return panel(
    t('layout.replacements'),
    { note: t('layouts.replacements_note'), id: 'replacements', tools: start },
    progress,
    body,
  );
}
