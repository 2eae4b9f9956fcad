// Shares of all parks on one line against the line that the rulebook draws; each dot is a park.
import { make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { count, percent } from '../amounts.js';
import { isWithheld, t } from '../frame.js';

const LEVELS = 4;
const NEAR = 0.012;

// parks: { park_id, name, share }; line: the share from which a park complies, null if no rule has
// one; choose(id) is called for a dot that is pressed.
export class Strip {
  constructor({ basis, line, choose }) {
    this.line = line;
    this.choose = choose;
    this.dots = new Map();
    this.field = make('div', {
      class: 'strip-field',
      role: 'group',
      'aria-label': t('home.strip'),
    });
    this.note = make('span', { class: 'note' });
    this.node = make(
      'section',
      { class: 'strip', 'aria-label': t('home.strip') },
      make(
        'p',
        { class: 'strip-head' },
        make('strong', {}, t('home.share_by', { basis: t(`basis.${basis}`) })),
        this.note,
      ),
      this.field,
    );
    this.field.addEventListener('keydown', (event) => this.onKey(event));
  }

  // shown: the ids of parks that fit the filters.
  draw(parks, shown) {
    const known = parks.filter(({ share }) => hasValue(share));
    const ordered = [...known].sort((one, other) => one.share - other.share);
    const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => this.mark(share, 'strip-tick'));
    const line = hasValue(this.line) ? [this.mark(this.line, 'strip-line')] : [];
    this.dots = new Map(
      levelsOf(ordered).map(([park, level]) => [park, this.dot(park, level, shown)]),
    );
    this.field.replaceChildren(...marks, ...line, ...this.dots.values());
    const first = this.dots.values().next().value;
    first?.setAttribute('tabindex', '0');
    const own = parks.filter((park) => shown.has(park.park_id));
    const unknown = own.filter(({ share }) => !hasValue(share)).length;
    const isBelow = ({ share }) => hasValue(share) && hasValue(this.line) && share < this.line;
    const below = own.filter(isBelow).length;
    if (isWithheld('enterprises')) {
      const told = own.length - unknown;
      this.note.textContent = t('home.strip_withheld', { count: count(told) });
      return;
    }
    this.note.textContent = [
      hasValue(this.line)
        ? t('home.strip_below', { share: percent(this.line), count: count(below) })
        : '',
      unknown ? t('home.strip_unknown', { count: count(unknown) }) : '',
    ].join(' ');
  }

  mark(share, css) {
    const node = make('span', { class: css }, make('i', {}, percent(share)));
    node.style.left = `${share * 100}%`;
    return node;
  }

  dot(park, level, shown) {
    const isBelow = hasValue(this.line) && park.share < this.line;
    const words = `${park.name} ${percent(park.share)}`;
    const isShown = shown.has(park.park_id);
    const node = make('button', {
      type: 'button',
      class: `dot${isBelow ? ' is-below' : ''}${isShown ? '' : ' is-faint'}`,
      'data-park': park.park_id,
      'aria-label': words,
      title: words,
      tabindex: '-1',
      click: () => this.choose(park.park_id),
    });
    node.style.left = `${park.share * 100}%`;
    node.style.top = `${8 + level * 9}px`;
    return node;
  }

  onKey(event) {
    const dots = [...this.dots.values()];
    const at = dots.indexOf(event.target);
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: dots.length - 1,
    }[event.key];
    const next = dots[to ?? -1];
    if (at >= 0 && next) {
      event.preventDefault();
      dots[at].setAttribute('tabindex', '-1');
      next.setAttribute('tabindex', '0');
      next.focus();
    }
  }
}

// Parks of nearly one share stand above each other.
function levelsOf(ordered) {
  const last = Array(LEVELS).fill(-1);
  return ordered.map((park) => {
    const free = last.findIndex((share) => park.share - share > NEAR);
    const level = free < 0 ? last.indexOf(Math.min(...last)) : free;
    last[level] = park.share;
    return [park, level];
  });
}
