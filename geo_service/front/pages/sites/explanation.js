// Why a candidate stands where it does: in sentences, and by its figures.
import { dataText, make } from '../../shared/dom.js';
import { percent } from '../amounts.js';
import { fillWith, get } from '../api.js';
import { t } from '../frame.js';
import { points, raw } from './figures.js';

// Fills a container with the reasons for a candidate's rank, as it is with other weights. view:
// { path }, the ranking that it is of.
export function explain(container, view, candidate, weights) {
  fillWith(container, async () => {
    const asked = { candidate: candidate.candidate_id, ...weights };
    return reasons(candidate, await get(`${view.path}/explanation`, asked));
  });
}

function reasons(candidate, found) {
  const summary = [found.summary]
    .flat()
    .map((text) => make('p', { class: 'cure' }, dataText(text)));
  const sentences = found.sentences.map(({ text }) => make('li', {}, dataText(text)));
  return make('div', {}, summary, make('ul', {}, sentences), unknowns(candidate));
}

function unknowns(candidate) {
  if (!candidate.unknowns?.length) {
    return null;
  }
  const lines = candidate.unknowns.map((item) =>
    make('li', {}, dataText(typeof item === 'string' ? item : item.detail)),
  );
  return make(
    'div',
    {},
    make('h4', {}, t('sites.unknowns')),
    make('ul', { class: 'reasons' }, lines),
  );
}

// The table of a candidate's figures by criterion.
export function figuresOf(candidate, criteria) {
  const title = t('sites.figures');
  const heads = ['criterion', 'raw', 'normalised', 'weight', 'contribution'].map((name, index) =>
    make('th', { scope: 'col', class: index ? 'number' : '' }, t(`sites.${name}`)),
  );
  return make(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
    make(
      'table',
      { class: 'table is-plain' },
      make('caption', { class: 'hidden-words' }, title),
      make('thead', {}, make('tr', {}, heads)),
      make(
        'tbody',
        {},
        criteria.map((criterion) => figureLine(criterion, candidate.criteria[criterion.name])),
      ),
    ),
  );
}

function figureLine({ label }, figures) {
  const texts = [
    raw(figures),
    points(figures?.normalised),
    percent(figures?.weight),
    points(figures?.contribution),
  ];
  return make(
    'tr',
    {},
    make('th', { scope: 'row' }, dataText(label)),
    texts.map((text) => make('td', { class: 'number' }, text)),
  );
}
