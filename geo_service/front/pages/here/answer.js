// The answer: one word on top, then why, the nearest place that would do, and what lies around.
import { dataText, make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { area, count, number, percent, squareMetres } from '../amounts.js';
import { citation } from '../bases.js';
import { pageAddress, parkAddress, start, t } from '../frame.js';
import { severityMark, verdictBadge } from '../marks.js';
import { button } from '../parts.js';
import { effect } from '../sites/figures.js';

const M_PER_KM = 1000;
const FACILITIES = 8;

export function metres(value) {
  return value < M_PER_KM ? `${count(value)} m` : `${number(value / M_PER_KM)} km`;
}

// acts: { showOnMap(candidate), askAt(candidate), save(), compare() }
export function answerNode(found, acts) {
  return make(
    'div',
    { class: 'here-answer' },
    headOf(found),
    toolsOf(found, acts),
    part(t('here.reasons'), reasonList(found.reasons.filter((one) => one.verdict === 'fail'))),
    part(t('here.unknowns'), reasonList(found.reasons.filter((one) => one.verdict !== 'fail'))),
    part(t('here.conditions'), [
      reasonList(found.conditions),
      found.is_focus_worse ? make('p', {}, t('here.focus_worse')) : null,
    ]),
    found.focus_effect ? part(t('here.focus'), make('p', {}, effect(found))) : null,
    found.reasons.length ? part(t('here.nearest'), nearest(found, acts)) : null,
    unchecked(found.unchecked),
    part(t('here.facts'), facts(found)),
  );
}

function headOf(found) {
  const { place } = found;
  return make(
    'div',
    { class: `here-head is-${found.verdict}` },
    make(
      'p',
      { class: 'here-word', 'data-verdict': found.verdict },
      verdictBadge(found.verdict, 30),
      make('strong', {}, found.answer),
    ),
    make('p', {}, found.statement),
    make(
      'p',
      { class: 'note' },
      dataText(found.project.name),
      ' · ',
      dataText(`${found.project.industry_code} ${found.industry_name ?? ''}`),
      ' · ',
      needOf(found.project),
    ),
    make('p', { class: 'note' }, dataText(place.label), ' · ', place.judged_as),
  );
}

function needOf({ needs }) {
  return needs.land_m2 ? area(needs.land_m2) : squareMetres(needs.floor_area_m2);
}

function toolsOf(found, acts) {
  const isRanked = found.verdict !== 'fail' && found.place.kind !== 'land';
  return make(
    'div',
    { class: 'tools no-print' },
    start.may.make_scenarios
      ? button(t('here.as_scenario'), acts.save, { kind: 'plain small', id: 'save-scenario' })
      : null,
    start.may.rank
      ? button(t('here.into_ranking'), acts.compare, {
          kind: 'plain small',
          id: 'into-ranking',
          disabled: !isRanked,
          title: isRanked ? null : t('here.not_ranked'),
        })
      : null,
    button(t('console.print'), acts.print, { kind: 'plain small', sign: 'print' }),
  );
}

function part(title, ...children) {
  const shown = children.flat().filter(Boolean);
  return shown.length ? make('section', {}, make('h2', {}, title), shown) : null;
}

function reasonList(reasons) {
  return reasons.length ? make('ul', { class: 'here-reasons' }, reasons.map(reasonItem)) : null;
}

function reasonItem(reason) {
  const { legal_basis: basis } = reason;
  return make(
    'li',
    { class: `is-${reason.verdict}`, 'data-rule': reason.rule_id },
    verdictBadge(reason.verdict, 16),
    make(
      'div',
      {},
      make('strong', {}, reason.title ? dataText(reason.title) : t('here.need_of_project')),
      ' ',
      reason.severity ? severityMark(reason.severity) : null,
      make('p', {}, dataText(reason.detail)),
      basis ? make('p', { class: 'under' }, dataText(citation(basis).join(' · '))) : null,
    ),
  );
}

function unchecked(reasons) {
  return reasons.length
    ? make(
        'details',
        { class: 'fold' },
        make('summary', {}, t('here.unchecked', { count: count(reasons.length) })),
        reasonList(reasons),
      )
    : null;
}

function nearest({ nearest: near, tried }, acts) {
  if (!near) {
    return make('p', { class: 'note' }, t('here.nearest_none', { count: count(tried) }));
  }
  const far = near.distance_m < 1 ? t('here.nearest_touches') : metres(near.distance_m);
  return [
    make(
      'p',
      { class: 'here-nearest' },
      dataText(near.label),
      make(
        'span',
        { class: 'under' },
        near.distance_m < 1 ? far : t('here.nearest_is', { distance: far }),
        ' · ',
        near.kind === 'floors' ? squareMetres(near.area_m2) : area(near.area_m2),
      ),
      near.unknowns.length
        ? make(
            'span',
            { class: 'under' },
            t('here.nearest_unknown', { count: count(near.unknowns.length) }),
          )
        : null,
    ),
    make(
      'div',
      { class: 'tools no-print' },
      button(t('here.show'), () => acts.showOnMap(near), { kind: 'plain small', sign: 'pin' }),
      button(t('here.ask_there'), () => acts.askAt(near), { kind: 'plain small' }),
    ),
  ];
}

function facts({ place, facts: found, evidence }) {
  const { township, zones, slope, river } = found;
  /** @type {[string, import('../../shared/dom.js').Child][]} */
  const lines = [
    [t('here.area'), place.kind === 'floors' ? squareMetres(place.area_m2) : area(place.area_m2)],
    [t('here.drawn'), hasValue(place.drawn_m2) ? area(place.drawn_m2) : null],
    [
      t('here.park'),
      place.park_id
        ? make('a', { href: parkAddress(place.park_id) }, dataText(place.park_name))
        : null,
    ],
    [t('here.township'), township ? dataText(township.name) : null],
    [t('here.zones'), zones.length ? zones.map(zoneLine) : t('here.no_zones')],
    [
      t('here.slope'),
      slope
        ? t('here.slope_is', { degrees: number(slope.degrees), percent: number(slope.percent) })
        : t('here.no_slope'),
    ],
    [t('here.river'), river ? [dataText(river.name), ` ${metres(river.distance_m)}`] : null],
    [
      t('here.facilities'),
      found.facilities.length ? found.facilities.slice(0, FACILITIES).map(facilityLine) : null,
    ],
    [t('here.coordinates'), evidence.length ? evidence.map((text) => dataText(text)) : null],
  ];
  return make(
    'dl',
    { class: 'here-facts' },
    lines
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]),
  );
}

function zoneLine(zone) {
  return make(
    'div',
    {},
    dataText(zone.kind_name),
    ' ',
    make(
      'span',
      { class: 'beside' },
      t('here.zone_part', { area: squareMetres(zone.area_m2), share: percent(zone.share) }),
    ),
  );
}

function facilityLine({ kind_name: kind, name, distance_m: far }) {
  return make('div', {}, kind, ' ', dataText(name), ' ', metres(far));
}

export function mapOf(candidate) {
  return candidate.kind === 'floors'
    ? ['buildings', candidate.members[0]?.replace(/\/[^/]*$/, '')]
    : ['parcels', candidate.members[0]];
}

export function rankingPage(rankingId, candidateId) {
  const query = new URLSearchParams({
    ranking: rankingId,
    selected: candidateId,
    compare: candidateId,
  });
  return pageAddress(`/sites?${query}`);
}
