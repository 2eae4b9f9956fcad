// One park: how it keeps to its leading industry, what is wrong, who is in it, what is free.
import { dataText, make, shorten } from '../shared/dom.js';
import { count } from './amounts.js';
import { emptyState, errorState, get } from './api.js';
import { ON_PAPER, askFindings, chooserOf, findingList } from './findings.js';
import { pageAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { illustrativeMark, tierMark } from './marks.js';
import { about } from './park/about.js';
import { enterprises } from './park/enterprises.js';
import { floorsPanel } from './park/floors.js';
import { mixFigure } from './park/mix.js';
import { trendFigure } from './park/trend.js';
import { button, pageHead, panel } from './parts.js';

const parkId = start.park_id;
/** @type {ReturnType<typeof findingList> | null} */
let list = null;

async function print() {
  await list?.showUpTo(ON_PAPER);
  printPage();
}

async function load() {
  try {
    const [feature, profile] = await Promise.all([
      get(`/api/parks/${encodeURIComponent(parkId)}`),
      get(`/api/parks/${encodeURIComponent(parkId)}/profile`, { limit: 0 }),
    ]);
    draw(feature.properties, profile, await askFindings(profile.review_id, { park: parkId }));
  } catch (error) {
    showPage(pageHead(t('console.park_title')), errorState(error, load));
  }
}

function head(park) {
  const review = `/reviews/${encodeURIComponent(start.review_id)}`;
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
      make('a', { class: 'button plain', href: address }, t('park.in_review')),
      button(t('console.print'), print),
    ],
  });
}

// The findings beside the map, each following the other.
function findingsBesideMap(reviewId, { findings, total }) {
  const map = mapFrame('/maps/park', { park_id: parkId }, t('park.map'), {
    onSelected: (layer, id) => layer === 'findings' && showChosen(id),
  });
  list = findingList({
    ruleTitle: (finding) => finding.rule_title,
    parkName: () => null,
    onSelect: (finding) => finding && map.select('findings', finding.finding_id),
    showMap: () => map.node.scrollIntoView({ block: 'center' }),
    more: async (offset) => (await askFindings(reviewId, { park: parkId }, { offset })).findings,
  });
  const showChosen = chooserOf(reviewId, list);
  list.update(findings, total);
  const none = emptyState(t('park.no_findings'), { hint: t('park.no_findings_hint') });
  const note = total ? t('park.findings_count', { count: count(total) }) : null;
  return make(
    'div',
    { class: 'review-grid' },
    panel(t('park.findings'), { note }, total ? list.node : none),
    map.panel(),
  );
}

function draw(park, profile, findings) {
  const { year } = profile.focus;
  setTitle(shorten(park.name, 60));
  showPage(
    head(park),
    about(park, profile),
    make(
      'div',
      { class: 'grid-2 park-figures' },
      panel(t('park.mix'), { note: t('park.mix_note') }, mixFigure(profile)),
      panel(t('park.trend'), { note: t('park.trend_note') }, trendFigure(profile)),
    ),
    findingsBesideMap(profile.review_id, findings),
    panel(t('park.floors_title'), {}, floorsPanel(profile)),
    panel(
      t('park.enterprises'),
      { note: year ? t('park.enterprises_note', { year }) : null },
      enterprises(profile),
    ),
  );
}

load();
