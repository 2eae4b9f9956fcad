// One layout: how good it is, what it changes and why, other layouts, and the way into a scenario.
import { dataText, make } from '../shared/dom.js';
import { number, percent } from './amounts.js';
import { address, errorState, get } from './api.js';
import { pageAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { Acceptance } from './layout/acceptance.js';
import { alternativesPanel } from './layout/alternatives.js';
import { conflictPanel } from './layout/conflict.js';
import { movesPanel, parksPanel, projectsPanel, termsPanel } from './layout/decisions.js';
import { FrontView } from './layout/front.js';
import { replacementsPanel } from './layout/replacements.js';
import { WhyNot } from './layout/whynot.js';
import { statusMark } from './layout/words.js';
import { mapFrame } from './mapframe.js';
import { WORST_FIRST } from './marks.js';
import { button, pageHead, panel } from './parts.js';

const FILES = ['xlsx', 'docx', 'json'];
const path = `/api/layouts/${encodeURIComponent(start.layout_id)}`;

function downloads() {
  return make(
    'details',
    { class: 'menu-list no-print' },
    make('summary', { class: 'button plain' }, t('console.download')),
    make(
      'ul',
      {},
      FILES.map((format) =>
        make(
          'li',
          {},
          make(
            'a',
            { href: address(`${path}/export`, { format }), download: '' },
            t(`layouts.as_${format}`),
          ),
        ),
      ),
    ),
  );
}

// What another layout is of: an alternative, or a point of a front.
function origin(found) {
  const [whole, part] = found.layout_id.split('.');
  if (!part) {
    return null;
  }
  const link = make(
    'a',
    { href: pageAddress(`/layouts/${encodeURIComponent(whole)}`) },
    make('code', {}, whole),
  );
  const key = part.startsWith('a') ? 'layouts.is_alternative' : 'layouts.is_front_point';
  return make(
    'p',
    { class: 'callout', role: 'note' },
    t(key, { number: part.slice(1) }),
    ' ',
    link,
  );
}

function head(found) {
  return pageHead(t('layouts.one', { name: found.name }), {
    above: make(
      'nav',
      { class: 'crumb', 'aria-label': t('layouts.crumb') },
      make('a', { href: pageAddress('/layouts') }, t('console.nav_layouts')),
    ),
    line: [
      statusMark(found),
      ' ',
      found.scenario
        ? make(
            'a',
            { href: pageAddress(`/scenarios/${encodeURIComponent(found.scenario)}`) },
            t('layouts.made_on'),
          )
        : null,
    ],
    tools: [
      downloads(),
      make(
        'a',
        {
          class: 'button plain',
          href: pageAddress(`/layouts?from=${encodeURIComponent(found.layout_id.split('.')[0])}`),
        },
        t('layouts.change_goals'),
      ),
      button(t('console.print'), printPage, { sign: 'print' }),
    ],
  });
}

// Value, bound and gap: what may be said of how good it is.
function quality(found) {
  const rows = [
    [t('layout.objective'), number(found.objective)],
    [t('layout.bound'), found.bound === null ? t('layouts.no_bound') : number(found.bound)],
    [t('layout.gap'), found.gap === null ? '—' : percent(found.gap)],
    [t('layout.seconds'), number(found.seconds)],
    [t('layout.seed'), String(found.seed)],
    [t('layout.as_of'), found.as_of],
  ];
  const { before, after } = found.review;
  return panel(
    t('layouts.quality'),
    { note: t(`layouts.quality_${found.status}`), id: 'quality' },
    make(
      'dl',
      { class: 'figures-row' },
      rows.map(([term, words]) => make('div', {}, make('dt', {}, term), make('dd', {}, words))),
    ),
    after
      ? make(
          'dl',
          { class: 'figures-row', id: 'review-change' },
          WORST_FIRST.map((verdict) =>
            make(
              'div',
              { 'data-verdict': verdict },
              make('dt', {}, t(`verdict.${verdict}`)),
              make('dd', {}, countChange(before?.[verdict], after[verdict])),
            ),
          ),
        )
      : null,
    found.notes.length
      ? make(
          'ul',
          { class: 'callouts' },
          found.notes.map((text) => make('li', {}, dataText(text))),
        )
      : null,
  );
}

function countChange(before, after) {
  return before === after ? String(after) : `${before ?? '—'} → ${after}`;
}

function mapOf(found) {
  const map = mapFrame('/maps/layout', { layout_id: found.layout_id }, t('layouts.map'));
  return map.panel();
}

function show(found) {
  setTitle(found.name, t('console.layout_title'));
  if (found.objective === null) {
    showPage(head(found), quality(found), conflictPanel(found));
    return;
  }
  const acceptance = new Acceptance(found, path);
  showPage(
    head(found),
    origin(found),
    quality(found),
    make('div', { class: 'scenarios-grid' }, termsPanel(found), acceptance.panel()),
    mapOf(found),
    parksPanel(found, acceptance),
    projectsPanel(found, acceptance),
    new WhyNot(found, path).panel(),
    movesPanel(found, acceptance),
    replacementsPanel(found, path),
    found.alternatives.length ? alternativesPanel(found) : null,
    found.front.length ? new FrontView(found).panel() : null,
  );
}

async function load() {
  setTitle(t('console.layout_title'));
  try {
    show(await get(path));
  } catch (error) {
    showPage(pageHead(t('console.layout_title')), errorState(error, load));
  }
}

load();
