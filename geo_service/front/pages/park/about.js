// What a park is: its industry, land, floors and enterprises at a glance.
import { dataText, make, shorten } from '../../shared/dom.js';
import { commaIn, hasValue } from '../../shared/format.js';
import { area, count, number, percent, squareMetres } from '../amounts.js';
import { has, parkAddress, start, t } from '../frame.js';
import { panel } from '../parts.js';

export function about(park, profile) {
  /** @type {[string, any, any?][]} */
  const facts = [
    ...industryFacts(park, profile),
    ...groundFacts(park, profile),
    ...focusFacts(profile),
    ...furtherFacts(park),
  ];
  return panel(
    t('park.facts'),
    {},
    make('dl', { class: 'facts-grid' }, facts.filter(([, value]) => hasValue(value)).map(factOf)),
  );
}

/** @param {[string, any, any?]} fact what it is called, its value, and what stands under it */
function factOf([name, value, under]) {
  return make(
    'div',
    {},
    make('dt', {}, name),
    make('dd', {}, value, under ? make('span', { class: 'under' }, under) : null),
  );
}

function industry(code, name) {
  return hasValue(code)
    ? make('span', {}, dataText(name), ' ', make('code', {}, dataText(code)))
    : null;
}

/** @returns {[string, any, any?][]} */
function industryFacts(park, { focus, speciality }) {
  return [
    [
      t('park.leading_industry'),
      industry(park.leading_industry, park.leading_industry_name),
      park.industry_group_name ? dataText(park.industry_group_name) : null,
    ],
    [t('park.speciality'), hasValue(speciality) ? dataText(shorten(speciality, 120)) : null],
    [
      t('park.top_industry'),
      industry(focus.top_industry, focus.top_industry_name),
      hasValue(focus.top_share) ? percent(focus.top_share) : null,
    ],
  ];
}

/** @returns {[string, any, any?][]} */
function groundFacts(park, { parcels, buildings }) {
  const free = ['vacant', 'idle'].map((status) => parcels.by_status[status]?.area_m2 ?? 0);
  const floors = buildings.flatMap((building) => building.floors);
  const vacant = floors.reduce((sum, floor) => sum + (floor.vacant_m2 ?? 0), 0);
  const counted = { buildings: count(buildings.length), floors: count(floors.length) };
  return [
    [
      t('park.declared_area'),
      hasValue(park.declared_area_ha) ? area(park.declared_area_ha * 1e4) : null,
    ],
    [
      t('park.parcels'),
      parcels.count ? t('park.parcels_count', { count: count(parcels.count) }) : null,
      make('span', {}, t('park.free_land'), ' ', area(free[0] + free[1])),
    ],
    [
      t('park.floors'),
      floors.length ? t('park.floors_count', counted) : null,
      t('park.free_floors', { area: squareMetres(vacant) }),
    ],
  ];
}

/** @returns {[string, any, any?][]} */
function focusFacts({ focus }) {
  return [
    [
      t('park.enterprise_count'),
      count(focus.enterprise_count),
      focus.year ? t('park.year', { year: focus.year }) : null,
    ],
    [
      t('park.hhi'),
      hasValue(focus.hhi) ? number(focus.hhi) : null,
      hasValue(focus.location_quotient)
        ? t('park.quotient', { value: number(focus.location_quotient) })
        : null,
    ],
  ];
}

/** @returns {[string, any, any?][]} */
function furtherFacts({ park_kinds: kinds, host_park_id: host, source }) {
  const kindName = (kind) => (has(`park.kind_${kind}`) ? t(`park.kind_${kind}`) : kind);
  return [
    [t('park.kinds'), kinds ? kinds.split(';').map(kindName).join(commaIn(start.lang)) : null],
    [
      t('park.host'),
      hasValue(host) ? make('a', { href: parkAddress(host) }, dataText(host)) : null,
    ],
    [
      t('park.source'),
      hasValue(source) ? make('span', { class: 'note' }, dataText(shorten(source, 160))) : null,
    ],
  ];
}
