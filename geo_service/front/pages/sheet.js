// One park on one sheet of A4: verdict, reasons, figures, facts and its map.
import { dataText, make, shorten } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { area, count, money } from './amounts.js';
import { errorState, get } from './api.js';
import { parkAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { mapFrame } from './mapframe.js';
import { LIST_SIGNS, tierMark, verdictBadge, verdictMark } from './marks.js';
import { gravest } from './park/rules.js';
import { figures } from './park/verdict.js';
import { button, pageHead } from './parts.js';

const parkId = start.park_id;
const MOST_RULES = 7;

async function load() {
  try {
    const path = `/api/parks/${encodeURIComponent(parkId)}`;
    const [feature, profile] = await Promise.all([get(path), get(`${path}/profile`, { limit: 0 })]);
    draw(feature.properties, profile);
  } catch (error) {
    showPage(pageHead(t('console.sheet_title')), errorState(error, load));
  }
}

function draw(park, profile) {
  setTitle(t('console.sheet_title'), shorten(park.name, 60));
  const map = mapFrame('/maps/park', { park_id: parkId }, t('park.map'), { isSmallOnPaper: true });
  showPage(
    make(
      'div',
      { class: 'tools no-print' },
      make('a', { class: 'button plain', href: parkAddress(parkId) }, t('sheet.back')),
      button(t('console.print'), printPage),
    ),
    make(
      'div',
      { class: 'sheet-scroll' },
      make(
        'article',
        { class: 'sheet-paper' },
        make(
          'div',
          { class: 'sheet-words' },
          make('h1', {}, dataText(shorten(park.name, 60))),
          make('p', {}, tierMark(park.tier), ' ', verdictMark(park.verdict)),
          make('p', { class: 'verdict-sentence' }, dataText(profile.verdict.sentence)),
          figures(profile.verdict),
          rules(profile.verdict),
          facts(park, profile),
        ),
        map.node,
      ),
    ),
  );
}

function rules({ rules: rows }) {
  const left = rows.slice(MOST_RULES).reduce((sum, rule) => sum + rule.findings, 0);
  return make(
    'div',
    {},
    rows
      .slice(0, MOST_RULES)
      .map((rule) =>
        make(
          'p',
          { class: 'fold-line' },
          verdictBadge(LIST_SIGNS[gravest(rule)], 14),
          make('span', { class: 'fold-title' }, dataText(rule.title)),
          make(
            'span',
            { class: 'fold-count' },
            hasValue(rule.area_m2) ? area(rule.area_m2) : count(rule.findings),
          ),
        ),
      ),
    left ? make('p', { class: 'note' }, t('sheet.further', { count: count(left) })) : null,
  );
}

function facts(park, profile) {
  const { focus, mix, parcels } = profile;
  const rows = [
    [
      t('park.leading_industry'),
      hasValue(park.leading_industry) ? dataText(park.leading_industry_name) : '—',
    ],
    [t('park.speciality'), dataText(shorten(profile.speciality ?? '—', 40))],
    [t('park.enterprise_count'), count(focus.enterprise_count)],
    [t('basis.output'), money(mix?.totals.output)],
    [
      t('park.declared_area'),
      hasValue(park.declared_area_ha) ? area(park.declared_area_ha * 1e4) : '—',
    ],
    [t('park.parcels'), t('park.parcels_count', { count: count(parcels.count) })],
  ];
  return make(
    'dl',
    { class: 'sheet-facts' },
    rows.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
  );
}

load();
