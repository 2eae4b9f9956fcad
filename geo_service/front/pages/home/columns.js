// The columns of the home page's table of parks.
import { dataText, make, shorten } from '../../shared/dom.js';
import { area, count, percent } from '../amounts.js';
import { BASIS_GROUPS, restsOnMarks } from '../bases.js';
import { parkAddress, t } from '../frame.js';
import {
  TIERS,
  WORST_FIRST,
  illustrativeMark,
  shareBar,
  tierBadge,
  verdictMark,
} from '../marks.js';

// basis: what shares are measured by; line: the share from which a park complies, if a rule has
// one; isAllMadeUp: whether every park is, which the page says once.
export function columnsOf(basis, line, isAllMadeUp) {
  const [verdict, ...others] = reviewColumns();
  const [share, area_] = figureColumns(basis, line);
  return [...aboutColumns(isAllMadeUp), verdict, reasonColumn(), share, area_, ...others];
}

function reasonColumn() {
  return {
    key: 'reason',
    label: t('home.reason'),
    css: 'one-line reason',
    show: ({ reason }) =>
      reason ? dataText(reason.text, { title: reason.text }, 'span') : make('span', {}, '—'),
  };
}

function aboutColumns(isAllMadeUp) {
  return [
    {
      key: 'name',
      label: t('home.park'),
      isHead: true,
      css: 'name',
      value: (park) => park.name,
      show: (park) =>
        make(
          'span',
          { class: 'park-name' },
          tierSign(park.tier),
          make(
            'span',
            { class: 'one-line', title: [park.name, park.park_id, park.township].join(' · ') },
            make('a', { href: parkAddress(park.park_id) }, dataText(shorten(park.name, 80))),
            ' ',
            park.illustrative && !isAllMadeUp ? illustrativeMark() : null,
            make('small', {}, dataText(park.park_id)),
          ),
        ),
    },
    {
      key: 'tier',
      label: t('home.tier'),
      css: 'wide-only tier-cell',
      value: (park) => TIERS.indexOf(park.tier),
      show: (park) => t(`tier.${park.tier}`),
    },
    {
      key: 'industry',
      label: t('home.leading_industry'),
      css: 'one-line industry',
      value: (park) => park.leading_industry,
      show: (park) =>
        park.leading_industry
          ? make(
              'span',
              { title: [park.leading_industry_name, park.industry_group_name].join(' · ') },
              dataText(park.leading_industry),
              ' ',
              dataText(shorten(park.leading_industry_name ?? '', 60)),
            )
          : '—',
    },
  ];
}

function figureColumns(basis, line) {
  return [
    {
      key: 'share',
      label: t('home.share_by', { basis: t(`basis.${basis}`) }),
      css: 'number share-cell',
      isDownFirst: true,
      value: (park) => park.share,
      show: (park) =>
        make(
          'span',
          { class: 'share' },
          shareBar(park.share, { mark: line }),
          make('span', {}, percent(park.share)),
        ),
    },
    {
      key: 'area',
      label: t('home.area'),
      css: 'number wide-only area-cell',
      isDownFirst: true,
      value: (park) => park.declared_area_ha,
      show: (park) => area(park.declared_area_ha === null ? null : park.declared_area_ha * 1e4),
    },
  ];
}

function reviewColumns() {
  return [
    {
      key: 'verdict',
      label: t('home.verdict'),
      css: 'outcome-col',
      value: (park) => WORST_FIRST.indexOf(park.verdict),
      show: (park) => verdictMark(park.verdict),
    },
    {
      key: 'rests_on',
      label: t('home.rests_on'),
      css: 'basis-cell',
      value: (park) => BASIS_GROUPS.indexOf(park.rests_on[0] ?? ''),
      show: (park) => restsOnMarks(park.rests_on),
    },
    {
      key: 'findings',
      label: t('home.findings'),
      css: 'number count-cell',
      isDownFirst: true,
      value: (park) => park.findings,
      show: (park) => count(park.findings),
    },
  ];
}

function tierSign(tier) {
  return make(
    'span',
    { class: 'tier-sign', title: t(`tier.${tier}`) },
    tierBadge(tier),
    make('span', { class: 'hidden-words' }, t(`tier.${tier}`)),
  );
}
