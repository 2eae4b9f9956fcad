// What a candidate of a ranking says of itself, and the ways from it to the nearest facilities.
import { dataText, make } from '../shared/dom.js';
import { hasValue } from '../shared/format.js';
import { areaFigures, factRow, reasonsBody } from './facts.js';
import { write } from './figures.js';
import { settings, text } from './settings.js';

// ---- what it says ----

export function candidateBody(properties) {
  return properties.status === 'ranked'
    ? rankedBody(properties)
    : reasonsBody(properties.reasons, text('excluded_because'));
}

function rankedBody(properties) {
  const effect = properties.focus_effect;
  return [
    make(
      'dl',
      { class: 'facts' },
      factRow(text('rank'), String(properties.rank)),
      factRow(text('score'), write(properties.score, 'score')),
      factRow(text('area'), areaFigures(properties.area_m2)),
      factRow(
        text('stability'),
        properties.stability
          ? text('stability_value', {
              first: write(properties.stability.first, 'share'),
              top: write(properties.stability.in_top3, 'share'),
            })
          : null,
      ),
      factRow(text('focus_effect'), effect && hasValue(effect.before.share) ? told(effect) : null),
    ),
    contributions(properties.criteria || {}),
    (properties.unknowns || []).length ? reasonsBody(properties.unknowns, text('unknowns')) : null,
  ];
}

// What a project would do to its park's leading share.
function told({ before, after }) {
  const share = hasValue(after.share) ? write(after.share, 'share') : text('unknown_value');
  return `${write(before.share, 'share')} → ${share}`;
}

function contributions(figures) {
  const known = settings.criteria.filter(({ name }) => figures[name]);
  const most = Math.max(
    1e-9,
    ...known.map(({ name }) => Math.abs(figures[name].contribution || 0)),
  );
  return make(
    'section',
    { class: 'shares' },
    make('h3', null, text('contributions')),
    known
      .sort(
        (one, other) =>
          (figures[other.name].contribution || 0) - (figures[one.name].contribution || 0),
      )
      .map(({ name, label, factor, word }) => {
        const { raw, contribution } = figures[name];
        const filled = make('span', { class: 'bar-fill' });
        filled.style.width = `${(Math.abs(contribution || 0) / most) * 100}%`;
        return make(
          'p',
          { class: 'bar bar-criterion' },
          make(
            'span',
            { class: 'bar-label' },
            dataText(label),
            make(
              'span',
              { class: 'hint' },
              ' ',
              hasValue(raw) ? `${write(raw * factor, 'number')}${word}` : text('unknown_value'),
            ),
          ),
          make('span', { class: 'bar-track', 'aria-hidden': 'true' }, filled),
          make(
            'span',
            { class: 'bar-value' },
            hasValue(contribution) ? write(contribution, 'score') : '—',
          ),
        );
      }),
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
    asked.set(
      id,
      fetch(`${address}&candidate=${encodeURIComponent(id)}`).then((answer) =>
        answer.ok ? answer.json() : { features: [] },
      ),
    );
  }
  try {
    return (await asked.get(id)).features;
  } catch {
    asked.delete(id);
    return [];
  }
}

function isRanked(item) {
  return Boolean(
    settings.routes && item && item.source.name === 'candidates' && item.feature.properties.rank,
  );
}

// A place in a candidate's sheet that tells the ways once they are known.
export function moreOf(item) {
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
          make(
            'li',
            null,
            make('span', null, properties.kind_name),
            make('span', { class: 'grow' }, dataText(properties.facility)),
            make(
              'span',
              { class: 'number' },
              text('minutes', { value: write(Math.round(properties.minutes * 10) / 10, 'number') }),
            ),
          ),
        ),
      ),
    );
    section.hidden = false;
  });
  return section;
}

// The ways of the candidate that is selected, as lines on a drawing.
export class Routes {
  constructor(drawing) {
    this.drawing = drawing;
    this.group = L.layerGroup().addTo(drawing.map);
    this.turn = 0;
  }

  async show(item) {
    const { drawing, group } = this;
    group.clearLayers();
    const turn = (this.turn += 1);
    const ways = isRanked(item) ? await waysOf(item.feature.id) : [];
    if (turn !== this.turn) {
      return;
    }
    const { stroke, width, casing } = settings.symbols['tool.route'];
    for (const [color, weight] of [
      [casing, width + 3],
      [stroke, width],
    ]) {
      for (const { geometry } of ways.filter((way) => way.geometry)) {
        drawing
          .paths(geometry, {
            color,
            weight,
            fill: false,
            interactive: false,
            ...drawing.home('routes'),
          })
          .forEach((part) => group.addLayer(part));
      }
    }
  }
}
