// The enterprises of a park: industry, role, output, taxes, land and floors.
import { dataText, make, shorten } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { area, count, tenThousand } from '../amounts.js';
import { emptyState } from '../api.js';
import { has, isWithheld, t } from '../frame.js';
import { illustrativeMark } from '../marks.js';
import { table } from '../table.js';

const ROLES = ['leading', 'supporting', 'other', 'uncoded'];

export function enterprises(profile) {
  const list = table([...aboutColumns(), ...figureColumns(), ...stateColumns()], {
    caption: t('park.enterprises'),
    rowId: (item) => item.enterprise_id,
    sort: ['output', true],
    empty: () => emptyState(t('park.no_enterprises')),
  });
  list.update(profile.enterprises);
  return list.node;
}

function aboutColumns() {
  return [
    {
      key: 'name',
      label: t('park.enterprise'),
      isHead: true,
      css: 'name',
      value: (item) => item.name,
      show: (item) =>
        make(
          'span',
          {},
          dataText(shorten(item.name, 60)),
          ' ',
          item.illustrative ? illustrativeMark() : null,
          make('span', { class: 'under' }, dataText(item.enterprise_id)),
        ),
    },
    {
      key: 'industry',
      label: t('park.industry'),
      value: (item) => item.industry_code,
      show: (item) =>
        make(
          'span',
          {},
          dataText(item.industry_name),
          make('span', { class: 'under' }, dataText(item.industry_code)),
        ),
    },
    {
      key: 'role',
      label: t('park.role'),
      value: (item) => ROLES.indexOf(item.role),
      show: (item) =>
        make(
          'span',
          { class: `chip${item.role === 'leading' ? ' is-current' : ''}` },
          t(`park.role_${item.role}`),
        ),
    },
  ];
}

// A figure; one that is kept from this account says so.
const toldOr = (write, column) => (item) =>
  !hasValue(item[column]) && isWithheld('enterprises', column)
    ? t('withheld.word')
    : write(item[column]);

function figureColumns() {
  return [
    {
      key: 'output',
      label: t('park.output_wan'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.output_cny,
      show: toldOr(tenThousand, 'output_cny'),
    },
    {
      key: 'tax',
      label: t('park.tax_wan'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.tax_cny,
      show: toldOr(tenThousand, 'tax_cny'),
    },
    {
      key: 'land',
      label: t('basis.land'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.land_m2,
      show: (item) => (item.land_m2 ? area(item.land_m2) : hasValue(item.land_m2) ? '0' : '—'),
    },
    {
      key: 'floor',
      label: t('park.floor_area_m2'),
      css: 'number',
      isDownFirst: true,
      value: (item) => item.floor_m2,
      show: toldOr(count, 'floor_m2'),
    },
  ];
}

function stateColumns() {
  return [
    {
      key: 'status',
      label: t('park.status'),
      value: (item) => item.status,
      show: (item) => (has(`park.status_${item.status}`) ? t(`park.status_${item.status}`) : '—'),
    },
    {
      key: 'grade',
      label: t('park.grade'),
      css: 'number',
      value: (item) => item.grade,
      show: (item) => item.grade ?? '—',
    },
  ];
}
