// What a feature says of itself: tooltips and popups, built as elements from its properties.
'use strict';

(function (own) {
  const { settings, make, text, dataText, write, isGiven, verdictBadge, shorten } = own;
  const TOOLTIP_LENGTH = 40;
  const CHIP_LENGTH = 18;
  const CHIPS = 6;

  function nameOf(item) {
    const { name, title } = item.feature.properties;
    if (isGiven(name)) {
      return name;
    }
    return isGiven(title) ? title : item.feature.id || text('unnamed');
  }

  function tooltip(item) {
    const { properties } = item.feature;
    const kind = properties.kind_name || properties.class_name || properties.belonging_name;
    return make(
      'div',
      { class: 'tip' },
      dataText(shorten(nameOf(item), TOOLTIP_LENGTH)),
      make('span', { class: 'tip-kind' }, properties.verdict_name || kind || item.source.label)
    );
  }

  function illustrativeMark(properties) {
    return properties.illustrative
      ? make('p', { class: 'mark-illustrative' }, text('illustrative_more'))
      : null;
  }

  // others: further items at the same place; choose(item) opens one of them.
  function popup(item, others, { choose, close, zoom, here, more }) {
    const { properties } = item.feature;
    const isJudged = item.source.name === 'parks' && properties.verdict;
    const body = isJudged ? parkBody(properties) : item.source.name === 'candidates' ? own.candidateBody(properties) : plainBody(item);
    return frameSheet(
      nameOf(item),
      make('div', { class: 'sheet-body' }, subtitle(item), illustrativeMark(properties), body, more),
      { close },
      make(
        'footer',
        { class: 'sheet-foot' },
        make('button', { type: 'button', class: 'link-button', click: zoom }, text('zoom_here')),
        here ? make('button', { type: 'button', class: 'link-button', click: here }, text('place_title')) : null,
        also(others, choose)
      )
    );
  }

  function frameSheet(title, body, { close }, foot) {
    return make(
      'article',
      { class: 'sheet', role: 'dialog', 'aria-label': shorten(title, TOOLTIP_LENGTH), tabindex: -1 },
      make(
        'header',
        { class: 'sheet-head' },
        make('h2', { class: 'sheet-title' }, dataText(title)),
        own.iconButton('close', text('close'), close)
      ),
      body,
      foot
    );
  }

  function subtitle(item) {
    const { properties, id } = item.feature;
    const parts =
      item.source.name === 'parks'
        ? [properties.tier_name, properties.township, id]
        : [item.source.label, properties.change_name, item.source.name === 'candidates' ? properties.kind_name : null];
    return make(
      'p',
      { class: 'sheet-kind' },
      properties.verdict ? verdictPill(properties) : null,
      parts.filter(isGiven).map((part) => dataText(part, 'span'))
    );
  }

  function verdictPill(properties) {
    return make(
      'span',
      { class: `verdict verdict-${properties.verdict}` },
      verdictBadge(properties.verdict),
      properties.verdict_name
    );
  }

  function also(others, choose) {
    if (!others.length) {
      return null;
    }
    return make(
      'p',
      { class: 'also' },
      make('span', null, text('also_here')),
      others.slice(0, CHIPS).map((other) =>
        make(
          'button',
          { type: 'button', class: 'chip', click: () => choose(other) },
          dataText(shorten(nameOf(other), CHIP_LENGTH))
        )
      )
    );
  }

  function row(label, value) {
    return isGiven(value) ? [make('dt', null, label), make('dd', null, value)] : [];
  }

  function plainBody(item) {
    const { properties } = item.feature;
    const rows = item.source.fields.map((field) => {
      const value = properties[field.key];
      return isGiven(value) ? row(field.label, dataText(write(value, field.form))) : [];
    });
    return make('dl', { class: 'facts' }, rows);
  }

  function parkBody(properties, { isWhole = false } = {}) {
    const industry = (code, name) => (isGiven(code) ? dataText(`${code} ${name || ''}`.trim()) : null);
    return [
      make(
        'dl',
        { class: 'facts' },
        row(text('leading_industry'), industry(properties.leading_industry, properties.leading_industry_name)),
        row(text('industry_group'), properties.industry_group_name && dataText(properties.industry_group_name)),
        row(text('speciality'), properties.speciality && dataText(properties.speciality)),
        row(text('status'), dataText(properties.status_name))
      ),
      shares(properties),
      make(
        'dl',
        { class: 'facts' },
        row(
          text('top_industry'),
          isGiven(properties.top_industry)
            ? [
                industry(properties.top_industry, properties.top_industry_name),
                isGiven(properties.top_share) ? ` ${write(properties.top_share, 'share')}` : null,
              ]
            : null
        ),
        row(text('hhi'), isGiven(properties.hhi) ? write(properties.hhi, 'number') : text('unknown_value')),
        row(text('enterprise_count'), write(properties.enterprise_count, 'number')),
        row(
          text('declared_area'),
          isGiven(properties.declared_area_ha) ? write(properties.declared_area_ha, 'area_ha') : null
        )
      ),
      isWhole ? null : findings(properties),
    ];
  }

  function shares(properties) {
    const title = isGiven(properties.year)
      ? text('shares_year', { year: properties.year })
      : text('shares');
    return make(
      'section',
      { class: 'shares' },
      make('h3', null, title),
      settings.bases.map((basis) => bar(basis, properties))
    );
  }

  function bar(basis, properties) {
    const value = (properties.shares || {})[basis.key];
    const isJudged = basis.key === properties.basis;
    const track = make('span', { class: 'bar-track', 'aria-hidden': 'true' });
    if (isGiven(value)) {
      const filled = make('span', { class: 'bar-fill' });
      filled.style.width = `${Math.max(0, Math.min(1, value)) * 100}%`;
      track.append(filled);
    }
    return make(
      'p',
      { class: `bar${isJudged ? ' is-judged' : ''}`, title: isJudged ? text('judged_by') : null },
      make('span', { class: 'bar-label' }, basis.label),
      track,
      make('span', { class: 'bar-value' }, isGiven(value) ? write(value, 'share') : text('unknown_value'))
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
            make('span', null, make('span', { class: 'severity' }, finding.severity), dataText(finding.title))
          )
        )
      ),
      more > 0 ? make('p', { class: 'more' }, text('more_findings', { count: more })) : null
    );
  }

  Object.assign(own, { nameOf, tooltip, popup, frameSheet, parkBody, plainBody, verdictPill, factRow: row });
})(window.planningMap);
