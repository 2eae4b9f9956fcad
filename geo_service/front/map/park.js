// What a park says of itself: its verdict, its leading industry, shares and gravest findings.
import { dataText, make } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { factRow } from './facts.js';
import { write } from './figures.js';
import { verdictBadge } from './markers.js';
import { settings, text } from './settings.js';

export function verdictPill(properties) {
  return make(
    'span',
    { class: `verdict verdict-${properties.verdict}` },
    verdictBadge(properties.verdict),
    properties.verdict_name,
  );
}

// What the park gets from rules on each kind of basis alone.
function byBasis({ by_basis: rows }) {
  return rows?.length
    ? make(
        'section',
        { class: 'by-basis' },
        make('h3', null, text('by_basis')),
        make(
          'ul',
          null,
          rows.map(({ name, verdict, verdict_name: verdictName }) =>
            make(
              'li',
              { 'data-verdict': verdict },
              verdict ? verdictBadge(verdict) : make('span', { class: 'no-badge' }, '—'),
              make('span', null, name),
              make('span', { class: 'by-basis-verdict' }, verdictName),
            ),
          ),
        ),
      )
    : null;
}

export function parkBody(properties, { isWhole = false } = {}) {
  const industry = (code, name) =>
    hasValue(code) ? dataText(`${code} ${name || ''}`.trim()) : null;
  return [
    byBasis(properties),
    make(
      'dl',
      { class: 'facts' },
      factRow(
        text('leading_industry'),
        industry(properties.leading_industry, properties.leading_industry_name),
      ),
      factRow(
        text('industry_group'),
        properties.industry_group_name && dataText(properties.industry_group_name),
      ),
      factRow(text('speciality'), properties.speciality && dataText(properties.speciality)),
      factRow(text('status'), dataText(properties.status_name)),
    ),
    shares(properties),
    make(
      'dl',
      { class: 'facts' },
      factRow(
        text('top_industry'),
        hasValue(properties.top_industry)
          ? [
              industry(properties.top_industry, properties.top_industry_name),
              hasValue(properties.top_share) ? ` ${write(properties.top_share, 'share')}` : null,
            ]
          : null,
      ),
      factRow(
        text('hhi'),
        hasValue(properties.hhi) ? write(properties.hhi, 'number') : text('unknown_value'),
      ),
      factRow(
        text('enterprise_count'),
        hasValue(properties.enterprise_count)
          ? write(properties.enterprise_count, 'number')
          : text('unknown_value'),
      ),
      factRow(
        text('declared_area'),
        hasValue(properties.declared_area_ha)
          ? write(properties.declared_area_ha, 'area_ha')
          : null,
      ),
    ),
    isWhole ? null : findings(properties),
  ];
}

function shares(properties) {
  const title = hasValue(properties.year)
    ? text('shares_year', { year: properties.year })
    : text('shares');
  return make(
    'section',
    { class: 'shares' },
    make('h3', null, title),
    settings.bases.map((basis) => bar(basis, properties)),
  );
}

function bar(basis, properties) {
  const value = (properties.shares || {})[basis.key];
  const isJudged = basis.key === properties.basis;
  const track = make('span', { class: 'bar-track', 'aria-hidden': 'true' });
  if (hasValue(value)) {
    const filled = make('span', { class: 'bar-fill' });
    filled.style.width = `${Math.max(0, Math.min(1, value)) * 100}%`;
    track.append(filled);
  }
  return make(
    'p',
    { class: `bar${isJudged ? ' is-judged' : ''}`, title: isJudged ? text('judged_by') : null },
    make('span', { class: 'bar-label' }, basis.label),
    track,
    make(
      'span',
      { class: 'bar-value' },
      hasValue(value) ? write(value, 'share') : text('unknown_value'),
    ),
  );
}

function findings(properties) {
  const top = properties.top_findings || [];
  if (!top.length) {
    return make('p', { class: 'no-findings' }, text('no_findings'));
  }
  const more = (properties.findings || 0) - top.length;
  return make(
    'section',
    { class: 'findings' },
    make('h3', null, text('top_findings')),
    make(
      'ul',
      null,
      top.map((finding) =>
        make(
          'li',
          null,
          verdictBadge(finding.verdict),
          make(
            'span',
            null,
            make('span', { class: 'severity' }, finding.severity),
            dataText(finding.title),
          ),
        ),
      ),
    ),
    more > 0 ? make('p', { class: 'more' }, text('more_findings', { count: more })) : null,
  );
}
