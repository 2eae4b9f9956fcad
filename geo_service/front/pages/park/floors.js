// The floors of a park's buildings, stacked as they stand: what is let and what is vacant.
import { dataText, make, makeSvg, shorten } from '../../shared/dom.js';
import { commaIn, hasValue } from '../../shared/format.js';
import { exact, squareMetres } from '../amounts.js';
import { emptyState } from '../api.js';
import { start, t } from '../frame.js';
import { moreOf } from '../parts.js';

const SHOWN_AT_FIRST = 6;

function slab(floor) {
  const share =
    hasValue(floor.vacant_m2) && floor.area_m2
      ? Math.min(1, floor.vacant_m2 / floor.area_m2)
      : null;
  const offers = [
    hasValue(floor.load_kn_m2) ? t('park.load', { value: exact(floor.load_kn_m2) }) : null,
    hasValue(floor.clear_height_m)
      ? t('park.height', { value: exact(floor.clear_height_m) })
      : null,
    hasValue(floor.goods_lift_t) ? t('park.lift', { value: exact(floor.goods_lift_t) }) : null,
    hasValue(floor.fire_class) ? t('park.fire', { value: floor.fire_class }) : null,
  ].filter(Boolean);
  const state =
    share === null
      ? t('park.vacancy_unknown')
      : share > 0
        ? t('park.vacant', { area: squareMetres(floor.vacant_m2) })
        : t('park.let');
  return make(
    'li',
    { class: `floor${share ? ' is-vacant' : ''}` },
    make(
      'span',
      { class: 'floor-no' },
      make('span', { class: 'hidden-words' }, t('park.floor')),
      t('park.floor_no', { no: floor.floor_no }),
    ),
    make(
      'div',
      { class: 'slab' },
      makeSvg(
        'svg',
        { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
        makeSvg('rect', { width: 100, height: 10, class: 'slab-used' }),
        tenantParts(floor),
        share
          ? makeSvg('rect', {
              x: 100 - share * 100,
              width: share * 100,
              height: 10,
              class: 'slab-vacant',
            })
          : null,
      ),
      make(
        'div',
        { class: 'slab-words' },
        make('strong', {}, state),
        make('span', {}, squareMetres(floor.area_m2)),
        make('span', {}, dataText(offers.join(' · '))),
        tenantNames(floor),
      ),
    ),
  );
}

// The tenants of a floor from its left, each as wide as its share of the floor.
function tenantParts({ tenants, area_m2: whole }) {
  let used = 0;
  return tenants.map(({ role, floor_m2: own }) => {
    const width = whole ? Math.min(100 - used, ((own ?? 0) / whole) * 100) : 0;
    const part = makeSvg('rect', { x: used, width, height: 10, class: `slab-tenant is-${role}` });
    used += width;
    return part;
  });
}

function tenantNames({ tenants }) {
  return tenants.length
    ? make(
        'span',
        { class: 'slab-tenants' },
        dataText(tenants.map(({ name }) => shorten(name, 24)).join(commaIn(start.lang))),
      )
    : null;
}

function building(item) {
  const total = item.floors.reduce((sum, floor) => sum + (floor.area_m2 ?? 0), 0);
  const vacant = vacantOf(item);
  return make(
    'article',
    { class: 'building' },
    make('ol', { class: 'floors', reversed: true }, item.floors.map(slab)),
    make(
      'div',
      { class: 'building-head' },
      make('h3', {}, dataText(shorten(item.name ?? item.building_id, 60))),
      make(
        'span',
        { class: 'under' },
        t('park.building_total', { area: squareMetres(total), vacant: squareMetres(vacant) }),
      ),
    ),
  );
}

export function floorsPanel(profile) {
  const stacked = profile.buildings
    .filter(({ floors }) => floors.length)
    .sort((one, other) => vacantOf(other) - vacantOf(one));
  if (!stacked.length) {
    return emptyState(t('park.no_floors'), { hint: t('park.no_floors_hint') });
  }
  const container = make(
    'div',
    { class: 'stacks' },
    stacked.slice(0, SHOWN_AT_FIRST).map(building),
  );
  const more = make('div', { class: 'more' });
  const showAll = () => {
    container.replaceChildren(...stacked.map(building));
    more.replaceChildren();
  };
  more.append(...moreOf(Math.min(SHOWN_AT_FIRST, stacked.length), stacked.length, showAll));
  return [floorKey(), container, more];
}

function floorKey() {
  return make(
    'p',
    { class: 'floor-key' },
    ['leading', 'supporting', 'other'].map((role) =>
      make('span', {}, make('i', { class: `is-${role}` }), t(`park.role_${role}`)),
    ),
    make('span', {}, make('i', {}), t('park.free_unnamed')),
    make('span', {}, make('i', { class: 'is-vacant' }), t('park.vacant_key')),
    make('span', {}, t('park.floors_note')),
  );
}

function vacantOf(item) {
  return item.floors.reduce((sum, floor) => sum + (floor.vacant_m2 ?? 0), 0);
}
