// Candidates of a ranking on one sheet of A4: what is compared side by side, how sure the order is,
// and the map.
import { dataText, make, shorten } from '../shared/dom.js';
import { area, squareMetres } from './amounts.js';
import { emptyState, errorState, ask, get } from './api.js';
import { pageAddress, printPage, setTitle, showPage, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { button, pageHead } from './parts.js';
import { Comparison, MOST_COMPARED } from './sites/comparison.js';
import { swapSentence } from './sites/difference.js';
import { rankingPath } from './sites/path.js';

const given = new URLSearchParams(window.location.search);
const rankingId = given.get('ranking') ?? '';
const weighing = ['weights', 'method'].filter((name) => given.get(name));

// The ranking as it is kept, or by the weights of the address.
async function fetched() {
  const path = rankingPath(rankingId);
  if (!weighing.length) {
    return get(path);
  }
  const weights = JSON.parse(given.get('weights') ?? 'null') ?? undefined;
  const body = { weights, method: given.get('method') ?? undefined };
  return (await ask(`${path}/weights`, { method: 'POST', body })).document;
}

async function load() {
  try {
    draw(await fetched());
  } catch (error) {
    showPage(pageHead(t('console.sites_sheet_title')), errorState(error, load));
  }
}

function draw(ranking) {
  const wanted = new Set(given.getAll('candidate').slice(0, MOST_COMPARED));
  const shown = ranking.candidates.filter((item) => wanted.has(item.candidate_id));
  setTitle(t('console.sites_sheet_title'), shorten(ranking.project.name, 60));
  const parameters = Object.fromEntries(weighing.map((name) => [name, given.get(name) ?? '']));
  const map = mapFrame('/maps/ranking', { ranking_id: rankingId, ...parameters }, t('sites.map'), {
    isSmallOnPaper: true,
  });
  if (shown.length === 1) {
    map.select('candidates', shown[0].candidate_id);
  } else if (shown.length) {
    map.filter(
      'candidates',
      shown.map((item) => item.candidate_id),
    );
  }
  const back = new URLSearchParams({ ranking: rankingId, ...parameters });
  shown.forEach((item) => back.append('compare', item.candidate_id));
  showPage(
    make(
      'div',
      { class: 'tools no-print' },
      make(
        'a',
        { class: 'button plain', href: pageAddress(`/sites?${back}`) },
        t('sites.back_to_ranking'),
      ),
      button(t('console.print'), printPage),
    ),
    make(
      'div',
      { class: 'sheet-scroll' },
      make('article', { class: 'sheet-paper site-sheet' }, words(ranking, shown), map.node),
    ),
  );
}

function words(ranking, shown) {
  const { project, industry_name: industry } = ranking;
  const comparison = new Comparison(ranking.criteria);
  return make(
    'div',
    { class: 'sheet-words' },
    make('h1', {}, dataText(shorten(project.name, 60))),
    make(
      'p',
      {},
      dataText(`${project.industry_code} ${industry ?? ''}`),
      ' · ',
      project.needs.land_m2
        ? area(project.needs.land_m2)
        : squareMetres(project.needs.floor_area_m2),
      ' · ',
      t('sites.result_note', {
        candidates: ranking.candidates_count,
        excluded: ranking.excluded_count,
        method: t(`sites.${ranking.method}_method`),
        day: ranking.as_of,
      }),
    ),
    shown.length ? comparison.table(shown) : emptyState(t('sites.choose_one')),
    make('p', { class: 'note' }, swapSentence(ranking) ?? ''),
  );
}

load();
