// What verdicts rest on: laws, the county's own policy, reference values; as chips, lists, a table.
import { make } from '../shared/dom.js';
import { VERDICTS } from '../shared/symbols.js';
import { count } from './amounts.js';
import { capitalText, t } from './frame.js';
import { verdictBadge, verdictMark } from './marks.js';

export const BASIS_GROUPS = ['law', 'county', 'reference'];
export const BASIS_TAGS = [
  'law',
  'normative_document',
  'county_policy',
  'published_practice',
  'product_default',
];
const GROUPS = {
  law: 'law',
  normative_document: 'law',
  county_policy: 'county',
};

/**
 * The group in which a rule's kind of basis counts.
 * @param {string} tag
 * @returns {string}
 */
function groupOf(tag) {
  return /** @type {Record<string, string>} */ (GROUPS)[tag] ?? 'reference';
}

/** @param {string} tag */
export function basisMark(tag) {
  return make('span', { class: `chip is-by-${groupOf(tag)}` }, t(`basis_tag.${tag}`));
}

/**
 * Document, number and article of a basis; a document that is known by its number, once.
 * @param {{ document: string, number?: string | null, article?: string | null }} basis
 * @returns {string[]}
 */
export function citation({ document, number, article }) {
  const every = [document, number === document ? null : number, article];
  return /** @type {string[]} */ (every.filter(Boolean));
}

export function notRecorded() {
  return make('span', { class: 'note' }, t('console.not_recorded'));
}

/**
 * The kinds of basis that give a park its verdict; none for one that passes, and a word for a
 * review that did not record them.
 * @param {string[] | null | undefined} groups
 */
export function restsOnMarks(groups) {
  return groups
    ? make(
        'span',
        { class: 'chips' },
        groups.map((group) =>
          make('span', { class: `chip is-by-${group}` }, t(`rests_on.${group}`)),
        ),
      )
    : notRecorded();
}

/**
 * A park's verdict by rules on each kind of basis.
 * @param {Record<string, string | null> | null | undefined} verdicts
 */
export function verdictsByBasis(verdicts) {
  return make(
    'dl',
    { class: 'by-basis', 'aria-label': t('console.by_basis') },
    BASIS_GROUPS.map((group) => {
      const verdict = verdicts?.[group];
      const none = verdicts ? t('rests_on.none') : t('console.not_recorded');
      return make(
        'div',
        { 'data-basis': group, 'data-verdict': verdict ?? null },
        make('dt', {}, capitalText(`basis_group.${group}`)),
        make('dd', {}, verdict ? verdictMark(verdict) : make('span', { class: 'note' }, none)),
      );
    }),
  );
}

/**
 * How many parks have each verdict by rules on each kind of basis alone.
 * @param {Record<string, Record<string, number>> | null | undefined} counts
 */
export function basisTable(counts) {
  if (!counts) {
    return make('p', { class: 'note' }, t('console.by_basis'), ': ', t('console.not_recorded'));
  }
  const head = (words) => make('th', { scope: 'col' }, words);
  return make(
    'table',
    { class: 'basis-table' },
    make('caption', {}, t('console.by_basis')),
    make(
      'thead',
      {},
      make(
        'tr',
        {},
        make('td'),
        VERDICTS.map((verdict) =>
          head([verdictBadge(verdict, 15), ' ', capitalText(`verdict.${verdict}`)]),
        ),
        head(t('rests_on.none')),
      ),
    ),
    make(
      'tbody',
      {},
      BASIS_GROUPS.map((group) =>
        make(
          'tr',
          { 'data-basis': group },
          make('th', { scope: 'row' }, capitalText(`basis_group.${group}`)),
          [...VERDICTS, 'none'].map((name) =>
            make(
              'td',
              { class: `number${counts[group][name] ? '' : ' is-zero'}`, 'data-verdict': name },
              count(counts[group][name]),
            ),
          ),
        ),
      ),
    ),
  );
}
