// Why a candidate stands where it does: in sentences, and by its figures.
import { dataText, make, shorten } from '../../shared/dom.js';
import { percent } from '../amounts.js';
import { emptyState, fillWith, get } from '../api.js';
import { pageAddress, parkAddress, t } from '../frame.js';
import { points, rankNumber, raw } from './figures.js';

// Fills a container with the reasons for a candidate's rank, as it is with other weights; without a
// candidate, says how to choose one. view: { path, first }, the ranking that it is of.
export function explain(container, view, candidate, weights) {
  if (!candidate) {
    const hint = t('sites.choose_one_hint');
    container.replaceChildren(emptyState(t('sites.choose_one'), { hint, sign: 'pin' }));
    return;
  }
  fillWith(container, async () => {
    const asked = { candidate: candidate.candidate_id, ...weights };
    const found = await get(`${view.path}/explanation`, asked);
    return reasons(candidate, view.first, found);
  });
}

function reasons(candidate, { criteria, ranking_id: ranking }, found) {
  const summary = [found.summary]
    .flat()
    .map((text) => make('p', { class: 'cure' }, dataText(text)));
  const sentences = found.sentences.map(({ text }) => make('li', {}, dataText(text)));
  return make(
    'div',
    {},
    make('h3', {}, rankNumber(candidate.rank), ' ', dataText(shorten(candidate.label, 120))),
    make(
      'p',
      { class: 'finding-links no-print' },
      candidate.park_id
        ? make('a', { href: parkAddress(candidate.park_id) }, t('sites.open_park'))
        : null,
      make(
        'a',
        { href: placingAddress(ranking, candidate.candidate_id), 'data-place': '' },
        t('sites.into_scenario'),
      ),
    ),
    make(
      'div',
      { class: 'explain' },
      make('div', {}, summary, make('ul', {}, sentences), unknowns(candidate)),
      figuresOf(candidate, criteria),
    ),
  );
}

// Where a scenario is chosen that the project is placed in.
function placingAddress(ranking, candidate) {
  return pageAddress(`/scenarios?${new URLSearchParams({ ranking, candidate })}`);
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

function figuresOf(candidate, criteria) {
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
