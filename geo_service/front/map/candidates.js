// What a candidate of a ranking says of itself, and the ways from it to the nearest facilities.
'use strict';

(function (own) {
  const { settings, make, text, dataText, write, isGiven, badge } = own;

  // ---- what it says ----

  function candidateBody(properties) {
    return properties.status === 'ranked' ? rankedBody(properties) : reasonsBody(properties.reasons, text('excluded_because'));
  }

  function rankedBody(properties) {
    const effect = properties.focus_effect;
    return [
      make(
        'dl',
        { class: 'facts' },
        own.factRow(text('rank'), String(properties.rank)),
        own.factRow(text('score'), write(properties.score, 'score')),
        own.factRow(text('area'), own.areas(properties.area_m2).map((words) => make('span', { class: 'figure' }, words))),
        own.factRow(text('stability'), properties.stability ? text('stability_value', { first: write(properties.stability.first, 'share'), top: write(properties.stability.in_top3, 'share') }) : null),
        own.factRow(text('focus_effect'), effect && isGiven(effect.before.share) ? `${write(effect.before.share, 'share')} → ${isGiven(effect.after.share) ? write(effect.after.share, 'share') : text('unknown_value')}` : null)
      ),
      contributions(properties.criteria || {}),
      (properties.unknowns || []).length ? reasonsBody(properties.unknowns, text('unknowns')) : null,
    ];
  }

  function contributions(figures) {
    const known = settings.criteria.filter(({ name }) => figures[name]);
    const most = Math.max(1e-9, ...known.map(({ name }) => Math.abs(figures[name].contribution || 0)));
    return make(
      'section',
      { class: 'shares' },
      make('h3', null, text('contributions')),
      known
        .sort((one, other) => (figures[other.name].contribution || 0) - (figures[one.name].contribution || 0))
        .map(({ name, label, factor, word }) => {
          const { raw, contribution } = figures[name];
          const filled = make('span', { class: 'bar-fill' });
          filled.style.width = `${(Math.abs(contribution || 0) / most) * 100}%`;
          return make(
            'p',
            { class: 'bar bar-criterion' },
            make('span', { class: 'bar-label' }, dataText(label), make('span', { class: 'hint' }, ` ${isGiven(raw) ? `${write(raw * factor, 'number')}${word}` : text('unknown_value')}`)),
            make('span', { class: 'bar-track', 'aria-hidden': 'true' }, filled),
            make('span', { class: 'bar-value' }, isGiven(contribution) ? write(contribution, 'score') : '—')
          );
        })
    );
  }

  function reasonsBody(reasons, title) {
    return make(
      'section',
      { class: 'findings' },
      make('h3', null, title),
      make('ul', null, reasons.map((reason) => make('li', null, badge(`verdict.${reason.verdict}`), make('span', null, dataText(reason.detail)))))
    );
  }

  // ---- the ways ----

  const asked = new Map();

  async function waysOf(id) {
    const { carried, address } = settings.routes;
    if (carried) {
      return carried[id] || [];
    }
    if (!asked.has(id)) {
      asked.set(id, fetch(`${address}&candidate=${encodeURIComponent(id)}`).then((answer) => (answer.ok ? answer.json() : { features: [] })));
    }
    try {
      return (await asked.get(id)).features;
    } catch {
      asked.delete(id);
      return [];
    }
  }

  function isRanked(item) {
    return Boolean(settings.routes && item && item.source.name === 'candidates' && item.feature.properties.rank);
  }

  // A place in a candidate's popup that tells the ways once they are known.
  function moreOf(item, changed) {
    if (!isRanked(item)) {
      return null;
    }
    const section = make('section', { class: 'answer-part', hidden: true });
    waysOf(item.feature.id).then((ways) => {
      if (!ways.length) {
        return;
      }
      section.append(
        make('h3', null, text('ways')),
        make(
          'ul',
          { class: 'lines' },
          ways.map(({ properties }) =>
            make('li', null, make('span', null, properties.kind_name), make('span', { class: 'grow' }, dataText(properties.facility)), make('span', { class: 'number' }, text('minutes', { value: write(Math.round(properties.minutes * 10) / 10, 'number') })))
          )
        )
      );
      section.hidden = false;
      changed();
    });
    return section;
  }

  const routes = {
    group: null,
    async show(drawing, item) {
      if (!settings.routes) {
        return;
      }
      this.group = this.group || L.layerGroup().addTo(drawing.map);
      this.group.clearLayers();
      const turn = (this.turn = (this.turn || 0) + 1);
      const ways = isRanked(item) ? await waysOf(item.feature.id) : [];
      if (turn !== this.turn) {
        return;
      }
      const { stroke, width, casing } = settings.symbols['tool.route'];
      for (const [color, weight] of [[casing, width + 3], [stroke, width]]) {
        for (const { geometry } of ways.filter((way) => way.geometry)) {
          drawing.paths(geometry, { color, weight, fill: false, interactive: false, ...drawing.home('routes') }).forEach((part) => this.group.addLayer(part));
        }
      }
    },
  };

  Object.assign(own, { candidateBody, moreOf, routes });
})(window.planningMap);
