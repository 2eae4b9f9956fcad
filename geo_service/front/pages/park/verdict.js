// What a park's page opens with: the verdict in a sentence, and three figures against their lines.
import { dataText, make, makeSvg } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { moneyPerMu, percent } from '../amounts.js';
import { restsOnMarks, verdictsByBasis } from '../bases.js';
import { isWithheld, t } from '../frame.js';
import { verdictMark } from '../marks.js';

const WRITERS = { leading_share: percent, tax_per_mu: moneyPerMu, vacancy: percent };
// So far beyond value and line a bar goes.
const ROOM = 1.25;
const WIDTH = 200;
const HEIGHT = 14;

export function verdictHead(park, { sentence }) {
  return make(
    'div',
    { class: `verdict-head is-${park.verdict}` },
    make('p', { class: 'verdict-line' }, verdictMark(park.verdict), restsOnMarks(park.rests_on)),
    make('p', { class: 'verdict-sentence' }, dataText(sentence)),
    verdictsByBasis(park.verdict_by_basis),
  );
}

export function figures({ figures: rows }) {
  return make('dl', { class: 'line-figures' }, rows.map(figure));
}

export function writeFigure({ name, value }) {
  if (hasValue(value)) {
    return WRITERS[name](value);
  }
  const isGone =
    name === 'vacancy' ? isWithheld('floors', 'vacant_m2') : isTaxOrShareWithheld(name);
  return t(isGone ? 'withheld.word' : 'park.figure_unknown');
}

function isTaxOrShareWithheld(name) {
  return name === 'tax_per_mu'
    ? isWithheld('enterprises', 'tax_cny', 'land_m2')
    : isWithheld('enterprises', 'industry_code', 'output_cny', 'land_m2', 'floor_m2');
}

export function writeLine({ name, line, is_minimum: isMinimum }) {
  return hasValue(line)
    ? t(isMinimum ? 'park.line_least' : 'park.line_most', { value: WRITERS[name](line) })
    : t('park.line_none');
}

function figure(row) {
  const { name, value, line, is_met: isMet, year } = row;
  const state = isMet === null ? 'open' : isMet ? 'met' : 'missed';
  return make(
    'div',
    { class: `line-figure is-${state}`, 'data-figure': name },
    make(
      'dt',
      {},
      t(`park.figure_${name}`),
      year ? make('span', { class: 'note' }, ` ${t('park.year', { year })}`) : null,
    ),
    make(
      'dd',
      {},
      make('strong', {}, writeFigure(row)),
      hasValue(value) && hasValue(line) ? bullet(value, line, state) : null,
      make('span', { class: 'note' }, writeLine(row)),
    ),
  );
}

// A bar with the line that it should reach or keep below.
function bullet(value, line, state) {
  const most = Math.max(value, line) * ROOM || 1;
  const x = (number) => (Math.min(number, most) / most) * WIDTH;
  return makeSvg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: 'bullet',
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    },
    makeSvg('rect', { y: 3, width: WIDTH, height: 8, rx: 2, class: 'bullet-track' }),
    makeSvg('rect', { y: 3, width: x(value), height: 8, rx: 2, class: `bullet-bar is-${state}` }),
    makeSvg('rect', { x: x(line) - 1, width: 2, height: HEIGHT, class: 'bullet-line' }),
  );
}
