// One park: how it keeps to its leading industry, what is wrong, who is in it, what is free.
import { dataText, make, shorten } from '../shared/dom.js';
import { count } from './amounts.js';
import { emptyState, errorState, get } from './api.js';
import { pageAddress, parkAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { illustrativeMark, tierMark } from './marks.js';
import { about } from './park/about.js';
import { chainPanel } from './park/chain.js';
import { enterprises } from './park/enterprises.js';
import { perMuFigure } from './park/scatter.js';
import { floorsPanel } from './park/floors.js';
import { mixFigure } from './park/mix.js';
import { RuleRows, listCounts } from './park/rules.js';
import { trendFigure } from './park/trend.js';
import { figures, verdictHead } from './park/verdict.js';
import { button, pageHead, panel } from './parts.js';
import { scenarioNote } from './scenario_note.js';

const parkId = start.park_id;
// With a scenario, the page tells what its plan makes of the park.
/** @type {Record<string, string>} */
const ofScenario = start.scenario ? { scenario: start.scenario } : {};
const [shownLayer, ...shownId] = (
  new URLSearchParams(window.location.search).get('at') ?? ''
).split(':');
/** @type {RuleRows | null} */
let rules = null;

async function print() {
  await rules?.openAll();
  printPage();
}

async function load() {
  try {
    const [feature, profile] = await Promise.all([
      get(`/api/parks/${encodeURIComponent(parkId)}`, ofScenario),
      get(`/api/parks/${encodeURIComponent(parkId)}/profile`, { limit: 0, ...ofScenario }),
    ]);
    draw(feature.properties, profile);
  } catch (error) {
    showPage(pageHead(t('console.park_title')), errorState(error, load));
  }
}

// What there is of parks as they are only: beside others, and on one sheet.
function waysOn() {
  const beside = pageAddress(`/compare?${new URLSearchParams({ parks: parkId })}`);
  const sheet = `${parkAddress(parkId, null)}/sheet`;
  return [
    start.is_public ? null : make('a', { class: 'button plain', href: beside }, t('park.compare')),
    make('a', { class: 'button plain', href: sheet }, t('park.one_page')),
  ];
}

function head(park, reviewId) {
  const review = `/reviews/${encodeURIComponent(reviewId)}`;
  const address = pageAddress(`${review}?park=${encodeURIComponent(parkId)}`);
  return pageHead(dataText(shorten(park.name, 120)), {
    above: make(
      'nav',
      { class: 'crumb', 'aria-label': t('park.crumb') },
      make('a', { href: pageAddress('/') }, t('console.nav_home')),
      make('span', { 'aria-hidden': 'true' }, '/'),
      tierMark(park.tier),
      park.township ? make('span', {}, dataText(park.township)) : null,
      make('code', {}, dataText(park.park_id)),
      park.illustrative ? illustrativeMark() : null,
    ),
    tools: [
      start.scenario ? null : waysOn(),
      start.is_public
        ? null
        : make('a', { class: 'button plain', href: address }, t('park.in_review')),
      button(t('console.print'), print),
    ],
  });
}

// The verdict, its figures and its rules beside the map, each following the other.
function opening(park, profile) {
  const map = mapFrame('/maps/park', { park_id: parkId, ...ofScenario }, t('park.map'), {
    onSelected: (layer, id) => layer === 'findings' && rules?.choose(id),
  });
  rules = new RuleRows(profile.verdict.rules, {
    reviewId: profile.review_id,
    parkId,
    onSelect: (finding) => finding && map.select('findings', finding.finding_id),
    showMap: () => map.node.scrollIntoView({ block: 'center' }),
  });
  const lists = Object.entries(listCounts(profile.verdict.rules))
    .map(([list, number]) => `${t(`review.list_${list}`)} ${count(number)}`)
    .join(' · ');
  if (shownLayer && shownId.length) {
    map.select(shownLayer, shownId.join(':'));
  }
  return make(
    'div',
    { class: 'review-grid park-opening' },
    panel(
      t('park.verdict'),
      { className: 'park-verdict' },
      verdictHead(park, profile.verdict),
      figures(profile.verdict),
      lists
        ? [make('p', { class: 'note' }, t('park.rules_note', { lists })), rules.node]
        : emptyState(t('park.no_findings'), { hint: t('park.no_findings_hint') }),
    ),
    map.panel(),
  );
}

function draw(park, profile) {
  const { year } = profile.focus;
  setTitle(shorten(park.name, 60));
  showPage(
    head(park, profile.review_id),
    scenarioNote(parkAddress(parkId, null)),
    opening(park, profile),
    make(
      'div',
      { class: 'grid-2 park-figures' },
      panel(t('park.mix'), { note: t('park.mix_note') }, profile.mix ? mixFigure(profile) : gone()),
      panel(
        t('park.trend'),
        { note: t('park.trend_note') },
        profile.mix ? trendFigure(profile) : gone(),
      ),
    ),
    panel(t('park.floors_title'), {}, floorsPanel(profile)),
    panel(t('park.chain'), { note: chainNote(park) }, chainPanel(profile)),
    panel(
      t('park.enterprises'),
      { note: year ? t('park.enterprises_note', { year }) : null },
      profile.mix ? [perMuFigure(profile), enterprises(profile)] : gone(),
    ),
    about(park, profile),
  );
}

// What stands where nothing may be told of single enterprises.
const gone = () => emptyState(t('withheld.word'), { hint: t('withheld.enterprises') });

function chainNote(park) {
  return park.leading_industry_name
    ? t('park.chain_note', { industry: park.leading_industry_name })
    : null;
}

load();
