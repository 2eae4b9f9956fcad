// Answers about a place or a drawn area: from the service, and in a page that stands alone
// from the features that it carries (without what needs exact overlays).
import { dataText, make, shorten } from '../shared/dom.js';
import { isGiven } from '../shared/format.js';
import { areaFigures, illustrativeMark } from './facts.js';
import { metres, write } from './figures.js';
import * as geodesy from './geodesy.js';
import { swatch, verdictBadge } from './markers.js';
import { nameOf } from './items.js';
import { settings, text } from './settings.js';

const GIVE_UP_AFTER_MS = 20000;
const LISTED = 12;
const ALL_OF_IT = 0.9995;

class AnswerError extends Error {}

async function fetchJson(address, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), GIVE_UP_AFTER_MS);
  try {
    const answer = await fetch(address, { ...options, signal: stop.signal });
    const document = await answer.json();
    if (!answer.ok) {
      throw new AnswerError(
        answer.status < 500 && document.detail
          ? document.detail
          : text('reason_status', { status: answer.status }),
      );
    }
    return document;
  } catch (error) {
    if (error instanceof AnswerError) {
      throw error;
    }
    throw new AnswerError(
      text(
        stop.signal.aborted
          ? 'reason_timeout'
          : error instanceof SyntaxError
            ? 'reason_broken'
            : 'reason_offline',
      ),
    );
  } finally {
    clearTimeout(timer);
  }
}

// Runs a question and gives elements: the answer, or in words why there is none.
export async function ask(question) {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof AnswerError)) {
      reportError(error);
    }
    return [
      make(
        'p',
        { class: 'failed', role: 'alert' },
        error instanceof AnswerError ? error.message : text('reason_broken'),
      ),
    ];
  }
}

// ---- a place ----

export async function identify(page, drawing, { lng, lat }) {
  const place = L.latLng(lat, lng).wrap();
  const found = settings.places
    ? await fetchJson(
        `${settings.places.identify}&lon=${place.lng.toFixed(7)}&lat=${place.lat.toFixed(7)}`,
      )
    : lookAround(drawing, place);
  return placeFacts(page, found, place);
}

// What the embedded features say of a place; no rules, no slope.
function lookAround(drawing, place) {
  const inside = (name) =>
    (drawing.items.get(name) || []).filter(
      (item) =>
        item.bounds &&
        item.bounds.contains(place) &&
        /Polygon$/.test(item.feature.geometry.type) &&
        geodesy.isInside(place, item.feature.geometry),
    );
  const properties = (item) => ({ ...item.feature.properties, id: item.feature.id });
  const nearest = (items, far) =>
    items
      .map((item) => ({ item, distance_m: far(item) }))
      .sort((one, other) => one.distance_m - other.distance_m);
  const boundaries = (drawing.items.get('rivers') || []).filter(
    (item) => item.feature.properties.is_management_boundary,
  );
  const [river] = nearest(boundaries, ({ feature: { geometry } }) =>
    /Polygon$/.test(geometry.type) && geodesy.isInside(place, geometry)
      ? 0
      : geodesy.toEdge(place, geometry),
  );
  const facilities = nearest(drawing.items.get('facilities') || [], ({ bounds }) =>
    geodesy.distance(place, bounds.getCenter()),
  );
  const kinds = new Set();
  const [township] = inside('township_areas');
  return {
    township: township
      ? { name: township.feature.properties.name, code: township.feature.id }
      : null,
    parks: inside('parks')
      .map(properties)
      .map((row) => ({ park_id: row.id, ...row })),
    parcels: inside('parcels')
      .map(properties)
      .map((row) => ({ parcel_id: row.id, ...row, land_use_name: row.land_use })),
    zones: inside('control_zones')
      .map(properties)
      .map((row) => ({ ...row, rules: null })),
    river: river ? { name: nameOf(river.item), distance_m: river.distance_m } : null,
    facilities: facilities
      .filter(
        ({ item }) =>
          !kinds.has(item.feature.properties.kind) && kinds.add(item.feature.properties.kind),
      )
      .map(({ item, distance_m }) => ({
        ...item.feature.properties,
        facility_id: item.feature.id,
        distance_m,
      })),
    slope: null,
    is_partial: true,
  };
}

function row(label, ...value) {
  return [make('dt', null, label), make('dd', null, value)];
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

function placeFacts(page, found, place) {
  const none = text('nothing_here');
  const facts = [
    row(text('coordinates'), `${place.lng.toFixed(6)}, ${place.lat.toFixed(6)}`),
    row(
      text('township'),
      found.township
        ? dataText(found.township.name)
        : text(found.is_in_county === false ? 'outside_county' : 'nothing_known'),
    ),
    row(
      text('park'),
      found.parks.length
        ? found.parks.map((park) =>
            make('div', null, link(page, 'parks', park.park_id, park.name || park.park_id)),
          )
        : none,
    ),
    ...found.parcels
      .slice(0, 3)
      .map((parcel) =>
        row(
          text('parcel_here'),
          link(page, 'parcels', parcel.parcel_id, parcel.parcel_id),
          make(
            'div',
            null,
            dataText([parcel.land_use_name, parcel.status_name].filter(isGiven).join(' · ')),
          ),
        ),
      ),
    found.river
      ? row(
          text('river_boundary'),
          dataText(found.river.name),
          ` ${metres(found.river.distance_m)}`,
        )
      : [],
    found.slope
      ? row(
          text('slope'),
          text('slope_value', {
            percent: write(found.slope.percent, 'number'),
            degrees: write(found.slope.degrees, 'number'),
          }),
        )
      : [],
  ];
  return [
    make('dl', { class: 'facts' }, facts),
    make(
      'section',
      { class: 'answer-part' },
      make('h3', null, text('zones_here')),
      zones(found.zones),
    ),
    found.facilities.length
      ? make(
          'section',
          { class: 'answer-part' },
          make('h3', null, text('facilities_near')),
          make(
            'ul',
            { class: 'lines' },
            found.facilities
              .slice(0, LISTED)
              .map((facility) =>
                make(
                  'li',
                  null,
                  make('span', null, facility.kind_name),
                  make(
                    'span',
                    { class: 'grow' },
                    link(
                      page,
                      'facilities',
                      facility.facility_id,
                      facility.name || facility.facility_id,
                    ),
                  ),
                  make('span', { class: 'number' }, metres(facility.distance_m)),
                ),
              ),
          ),
        )
      : null,
    found.is_partial ? make('p', { class: 'hint' }, text('standalone_place')) : null,
    illustrativeMark(found),
  ].filter(Boolean);
}

function zones(list) {
  if (!list.length) {
    return make('p', { class: 'hint' }, text('no_zones_here'));
  }
  return make(
    'ul',
    { class: 'zones' },
    list.map((zone) =>
      make(
        'li',
        null,
        make(
          'p',
          { class: 'zone-head' },
          swatch(`zone.${zone.kind}` in settings.symbols ? `zone.${zone.kind}` : 'zone.slope'),
          make('strong', null, zone.kind_name),
          isGiven(zone.grade)
            ? dataText(text('grade_value', { grade: shorten(write(zone.grade, 'grade'), 40) }))
            : null,
        ),
        isGiven(zone.name) ? make('p', null, dataText(shorten(zone.name, 80))) : null,
        isGiven(zone.area_m2)
          ? make(
              'p',
              { class: 'figure' },
              text('overlap_value', {
                area: write(zone.area_m2, 'area_m2'),
                share: write(zone.share, 'share'),
              }),
            )
          : null,
        isGiven(zone.legal_basis)
          ? make(
              'p',
              { class: 'hint' },
              `${text('legal_basis')}: `,
              dataText(shorten(zone.legal_basis, 160)),
            )
          : null,
        (zone.rules || []).map((rule) =>
          make(
            'p',
            { class: 'rule-line' },
            verdictBadge(rule.verdict),
            make(
              'span',
              null,
              make('span', { class: 'severity' }, rule.severity_name),
              dataText(rule.title),
            ),
          ),
        ),
      ),
    ),
  );
}

// ---- an area ----

export async function area(page, geometry) {
  if (!settings.places) {
    return carriedIn(page, geometry);
  }
  const found = await fetchJson(settings.places.areas, {
    method: 'POST',
    headers: { 'content-type': 'application/geo+json' },
    body: JSON.stringify(geometry),
  });
  return areaFacts(page, found);
}

function members(page, layer, title, { count, items }) {
  return count
    ? make(
        'section',
        { class: 'answer-part' },
        make('h3', null, `${title} (${write(count, 'number')})`),
        make(
          'p',
          { class: 'chips' },
          items
            .slice(0, LISTED)
            .map(({ id, name }) =>
              make('span', null, link(page, layer, id, shorten(name || id, 24))),
            ),
          count > LISTED ? '…' : null,
        ),
      )
    : null;
}

function areaFacts(page, found) {
  return [
    make(
      'dl',
      { class: 'facts' },
      row(text('area'), areaFigures(found.area_m2)),
      row(text('area_method'), found.area_method),
    ),
    isGiven(found.share_in_county) && found.share_in_county < ALL_OF_IT
      ? make(
          'p',
          { class: 'failed' },
          text('partly_outside', { share: write(1 - found.share_in_county, 'share') }),
        )
      : null,
    make(
      'section',
      { class: 'answer-part' },
      make('h3', null, text('zones_here')),
      zones(found.zones),
    ),
    make(
      'section',
      { class: 'answer-part' },
      make('h3', null, text('must_rules')),
      found.rules.length
        ? found.rules.map((rule) =>
            make(
              'p',
              { class: 'rule-line' },
              verdictBadge(rule.verdict),
              make('span', null, dataText(rule.title)),
            ),
          )
        : make('p', { class: 'hint' }, text('no_rule_against')),
      make('p', { class: 'hint' }, text('rules_looked_at')),
    ),
    members(page, 'parks', text('parks_tab'), found.parks),
    members(page, 'parcels', text('parcels'), found.parcels),
    members(page, 'enterprises', text('enterprises'), found.enterprises),
    illustrativeMark(found),
  ].filter(Boolean);
}

// What of the embedded features lies in an area by its middle; overlaps need the service.
function carriedIn(page, geometry) {
  const ring = geometry.coordinates[0].map(([lng, lat]) => ({ lng, lat }));
  const within = (name) => {
    const items = (page.drawing.items.get(name) || []).filter(
      (item) => item.bounds && geodesy.isInside(item.bounds.getCenter(), geometry),
    );
    return {
      count: items.length,
      items: items.map((item) => ({ id: item.feature.id, name: nameOf(item) })),
    };
  };
  return [
    make('dl', { class: 'facts' }, row(text('area'), areaFigures(geodesy.area(ring.slice(0, -1))))),
    ...['parks', 'parcels', 'enterprises', 'facilities'].map((name) =>
      members(
        page,
        name,
        (settings.sources.find((source) => source.name === name) || {}).label || '',
        within(name),
      ),
    ),
    make('p', { class: 'hint' }, text('standalone_area')),
  ].filter(Boolean);
}
