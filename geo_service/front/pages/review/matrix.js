// Parks by rule families: in each cell how many findings there are, and the verdict that these
// alone would give the park. Arrows move, Enter narrows list and map to a cell, a row or a column.
import { dataText, make, shorten } from '../../shared/dom.js';
import { count, short } from '../amounts.js';
import { capitalText, t } from '../frame.js';
import { TIERS, tierBadge, verdictBadge, verdictMark } from '../marks.js';
import { button } from '../parts.js';
import { familyName } from './rules.js';

const STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
  PageUp: [-10, 0],
  PageDown: [10, 0],
};

export class Matrix {
  // parks: those of the review, in the order of the layer. choose({ park, family }) narrows.
  constructor(parks, choose) {
    this.parks = parks;
    this.choose = choose;
    this.places = [];
    this.at = [1, 1];
    this.body = make('table', { class: 'matrix', role: 'grid', 'aria-label': t('review.matrix') });
    this.left = make('p', { class: 'note' });
    this.node = make('div', { class: 'matrix-scroll' }, this.body, this.left);
    this.body.addEventListener('keydown', (event) => this.onKey(event));
    this.body.addEventListener('focusin', (event) => this.onFocus(event));
  }

  // desk: what the service tells; chosen: { park, family }; isNarrowed: whether parks that have
  // nothing are left out.
  draw(desk, chosen, isNarrowed) {
    const hadFocus = this.body.contains(document.activeElement);
    this.families = desk.families;
    this.chosen = chosen;
    const cells = new Map(desk.matrix.map((row) => [row.park_id, row.cells]));
    const isShown = ({ park_id: id }) => !isNarrowed || cells.has(id) || id === chosen.park;
    const parks = this.parks.filter(isShown);
    this.places = [this.headPlaces()];
    const groups = TIERS.map((tier) => [tier, parks.filter((park) => park.tier === tier)]);
    const none = cells.get(null);
    this.body.replaceChildren(
      make('thead', {}, make('tr', {}, make('td'), this.places[0].slice(1).map(headOf))),
      ...groups
        .filter(([, own]) => own.length)
        .map(([tier, own]) =>
          make(
            'tbody',
            {},
            this.tierRow(tier, own.length),
            own.map((park) => this.row(park, cells.get(park.park_id) ?? {})),
          ),
        ),
      none ? make('tbody', {}, this.row(null, none)) : '',
    );
    const hidden = this.parks.length - parks.length;
    this.left.textContent = hidden ? t('review.matrix_left', { count: count(hidden) }) : '';
    this.moveTo(...this.at, hadFocus);
  }

  headPlaces() {
    const { chosen } = this;
    return [
      null,
      ...this.families.map((family) =>
        button(
          familyName(family),
          () => this.choose({ park: '', family: isOn(chosen, '', family) ? '' : family }),
          { class: 'matrix-head', 'aria-pressed': String(isOn(chosen, '', family)) },
        ),
      ),
    ];
  }

  tierRow(tier, number) {
    return make(
      'tr',
      { class: 'matrix-tier' },
      make(
        'th',
        { scope: 'rowgroup', colspan: this.families.length + 1 },
        tierBadge(tier, 13),
        ' ',
        capitalText(`tier.${tier}`),
        ' ',
        count(number),
      ),
    );
  }

  row(park, cells) {
    const { chosen } = this;
    const id = park?.park_id ?? null;
    const name = park ? park.name : t('review.no_park');
    const head = park
      ? button(
          [
            verdictBadge(park.verdict, 13),
            make('span', { class: 'hidden-words' }, t(`verdict.${park.verdict}`)),
            dataText(shorten(park.short_name, 60)),
          ],
          () => this.choose({ park: isOn(chosen, id, '') ? '' : id, family: '' }),
          { class: 'matrix-park', title: name, 'aria-pressed': String(isOn(chosen, id, '')) },
        )
      : make('span', { class: 'matrix-park' }, name);
    const places = this.families.map((family) => this.cell(id, name, family, cells[family]));
    this.places.push([park ? head : null, ...places]);
    return make(
      'tr',
      { 'data-park': id ?? '' },
      make('th', { scope: 'row' }, head),
      places.map((place) => (place.tagName === 'TD' ? place : make('td', {}, place))),
    );
  }

  cell(parkId, name, family, cell) {
    if (!cell) {
      return make('td', { class: 'matrix-none', tabindex: '-1' }, make('span', {}, '·'));
    }
    const values = {
      park: name,
      family: familyName(family),
      count: count(cell.findings),
      verdict: outcomeOf(cell),
    };
    const words = t('review.matrix_cell', values);
    const content = [signOf(cell), make('span', {}, short(cell.findings))];
    const isFaint = cell.verdict === 'pass';
    const attributes = {
      class: `matrix-cell is-${cell.verdict}${isFaint ? ' is-faint' : ''}`,
      'data-family': family,
      'data-verdict': cell.verdict,
      'data-count': cell.findings,
      title: words,
      'aria-label': words,
    };
    const isChosen = isOn(this.chosen, parkId, family);
    const press = () =>
      this.choose(isChosen ? { park: '', family: '' } : { park: parkId ?? '-', family });
    return button(content, press, { ...attributes, 'aria-pressed': String(isChosen) });
  }

  // ---- the keyboard ----

  onKey(event) {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    event.preventDefault();
    const [down, right] = step;
    const [row, column] = this.at;
    this.moveTo(row + down, column + right, true);
  }

  onFocus({ target }) {
    this.places.forEach((places, row) => {
      const column = places.indexOf(target);
      if (column >= 0 && (row !== this.at[0] || column !== this.at[1])) {
        this.moveTo(row, column, false);
      }
    });
  }

  // Makes one place the one that Tab comes to.
  moveTo(row, column, isFocused) {
    const down = Math.max(0, Math.min(this.places.length - 1, row));
    const right = Math.max(0, Math.min(this.families.length, column));
    const place = this.places[down][right] ?? this.places[down][right + 1];
    for (const other of this.places.flat()) {
      other?.setAttribute('tabindex', '-1');
    }
    this.at = [down, right];
    place?.setAttribute('tabindex', '0');
    if (isFocused) {
      place?.focus();
    }
  }
}

function headOf(place) {
  return make('th', { scope: 'col' }, place);
}

// Whether just this park (null for none) and family are chosen.
function isOn(chosen, park, family) {
  return chosen.park === (park ?? '-') && chosen.family === family;
}

// Findings that take nothing from a park's verdict: data that only guiding rules lack, and what is
// set aside.
function outcomeOf({ verdict, counting }) {
  if (verdict !== 'pass') {
    return capitalText(`verdict.${verdict}`);
  }
  return t(counting ? 'review.cell_data' : 'review.cell_aside');
}

function signOf({ verdict, counting }) {
  if (verdict === 'pass' && !counting) {
    return make('span', { class: 'row-aside', 'aria-hidden': 'true' });
  }
  return verdictBadge(verdict === 'pass' ? 'unknown' : verdict, 13);
}

// What the signs of the matrix mean, below it.
export function matrixKey() {
  return make(
    'p',
    { class: 'matrix-key note' },
    ['fail', 'unknown', 'watch'].map((verdict) => verdictMark(verdict)),
    t('review.matrix_note'),
  );
}
