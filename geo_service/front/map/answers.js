// What is told of a place and of a drawn area.
import { dataText, make, shorten } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { areaFigures, factRow, illustrativeMark } from './facts.js';
import { metres, write } from './figures.js';
import { swatch, verdictBadge } from './markers.js';
import { settings, text } from './settings.js';

const LISTED = 12;
const PARCELS_LISTED = 3;
const ALL_OF_IT = 0.9995;

// ---- a place ----

export function pointFacts(page, found, point) {
  return [
    make(
      'dl',
      { class: 'facts' },
      locationFacts(page, found, point),
      found.parcels.slice(0, PARCELS_LISTED).map((parcel) => parcelFact(page, parcel)),
      natureFacts(found),
    ),
    siteLink(point),
    part(text('zones_here'), zones(found.zones)),
    found.facilities.length
      ? part(text('facilities_near'), facilities(page, found.facilities.slice(0, LISTED)))
      : null,
    found.is_partial ? make('p', { class: 'hint' }, text('standalone_place')) : null,
    illustrativeMark(found),
  ].filter(Boolean);
}

// Where the service says whether a project may be built at a place.
function siteLink({ lng, lat }) {
  const { here } = settings.places ?? {};
  return here
    ? make(
        'p',
        null,
        make(
          'a',
          { href: `${here}?at=${lng.toFixed(7)},${lat.toFixed(7)}`, target: '_top' },
          text('may_build_here'),
        ),
      )
    : null;
}

function locationFacts(page, { township, parks, is_in_county: isInCounty }, { lng, lat }) {
  const unknown = isInCounty === false ? 'outside_county' : 'nothing_known';
  const links = parks.map((park) =>
    make('div', null, link(page, 'parks', park.park_id, park.name || park.park_id)),
  );
  return [
    factRow(text('coordinates'), `${lng.toFixed(6)}, ${lat.toFixed(6)}`),
    factRow(text('township'), township ? dataText(township.name) : text(unknown)),
    factRow(text('park'), links.length ? links : text('nothing_here')),
  ];
}

function parcelFact(page, parcel) {
  const use = [parcel.land_use_name, parcel.status_name].filter(hasValue).join(' · ');
  return factRow(text('parcel_here'), [
    link(page, 'parcels', parcel.parcel_id, parcel.parcel_id),
    make('div', null, dataText(use)),
  ]);
}

function natureFacts({ river, slope }) {
  const steep = () =>
    text('slope_value', {
      percent: write(slope.percent, 'number'),
      degrees: write(slope.degrees, 'number'),
    });
  return [
    river
      ? factRow(text('river_boundary'), [dataText(river.name), ` ${metres(river.distance_m)}`])
      : [],
    slope ? factRow(text('slope'), steep()) : [],
  ];
}

function facilities(page, found) {
  const line = ({ facility_id: id, name, kind_name: kind, distance_m: far }) =>
    make(
      'li',
      null,
      make('span', null, kind),
      make('span', { class: 'grow' }, link(page, 'facilities', id, name || id)),
      make('span', { class: 'number' }, metres(far)),
    );
  return make('ul', { class: 'lines' }, found.map(line));
}

// ---- an area ----

export function areaFacts(page, found) {
  const inside = found.share_in_county;
  const outside = () => text('partly_outside', { share: write(1 - inside, 'share') });
  return [
    make(
      'dl',
      { class: 'facts' },
      factRow(text('area'), areaFigures(found.area_m2)),
      factRow(text('area_method'), found.area_method),
    ),
    hasValue(inside) && inside < ALL_OF_IT ? make('p', { class: 'failed' }, outside()) : null,
    part(text('zones_here'), zones(found.zones)),
    part(
      text('must_rules'),
      found.rules.length
        ? found.rules.map((rule) => ruleLine(rule))
        : make('p', { class: 'hint' }, text('no_rule_against')),
      make('p', { class: 'hint' }, text('rules_looked_at')),
    ),
    members(page, 'parks', text('parks_tab'), found.parks),
    members(page, 'parcels', text('parcels'), found.parcels),
    members(page, 'enterprises', text('enterprises'), found.enterprises),
    illustrativeMark(found),
  ].filter(Boolean);
}

// What of a layer lies in the area, by name.
export function members(page, layer, title, { count, items }) {
  if (!count) {
    return null;
  }
  const names = items
    .slice(0, LISTED)
    .map(({ id, name }) => make('span', null, link(page, layer, id, shorten(name || id, 24))));
  return part(
    `${title} (${write(count, 'number')})`,
    make('p', { class: 'chips' }, names, count > LISTED ? '…' : null),
  );
}

// ---- parts of both ----

function part(title, ...body) {
  return make('section', { class: 'answer-part' }, make('h3', null, title), body);
}

function link(page, layer, id, name) {
  const item = page.find(layer, id);
  return item
    ? make(
        'button',
        { type: 'button', class: 'link-button', click: () => page.visit(item) },
        dataText(name),
      )
    : dataText(name);
}

function zones(list) {
  return list.length
    ? make('ul', { class: 'zones' }, list.map(zoneLine))
    : make('p', { class: 'hint' }, text('no_zones_here'));
}

function zoneLine(zone) {
  const key = `zone.${zone.kind}`;
  const grade = () => text('grade_value', { grade: shorten(write(zone.grade, 'grade'), 40) });
  const overlap = () =>
    text('overlap_value', {
      area: write(zone.area_m2, 'area_m2'),
      share: write(zone.share, 'share'),
    });
  return make(
    'li',
    null,
    make(
      'p',
      { class: 'zone-head' },
      swatch(key in settings.symbols ? key : 'zone.slope'),
      make('strong', null, zone.kind_name),
      hasValue(zone.grade) ? dataText(grade()) : null,
    ),
    hasValue(zone.name) ? make('p', null, dataText(shorten(zone.name, 80))) : null,
    hasValue(zone.area_m2) ? make('p', { class: 'figure' }, overlap()) : null,
    hasValue(zone.legal_basis)
      ? make(
          'p',
          { class: 'hint' },
          `${text('legal_basis')}: `,
          dataText(shorten(zone.legal_basis, 160)),
        )
      : null,
    (zone.rules || []).map((rule) =>
      ruleLine(rule, make('span', { class: 'severity' }, rule.severity_name)),
    ),
    hasValue(zone.note) ? make('p', { class: 'hint' }, zone.note) : null,
  );
}

/**
 * @param {Record<string, string>} rule
 * @param {HTMLElement | null} [severity]
 */
function ruleLine(rule, severity = null) {
  return make(
    'p',
    { class: 'rule-line' },
    verdictBadge(rule.verdict),
    make('span', null, severity, dataText(rule.title)),
  );
}
