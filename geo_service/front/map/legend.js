// The legend: the symbols of the layers that are on.
import { dataText, icon, make } from '../shared/dom.js';
import { write } from './figures.js';
import { signSwatch } from './markers.js';
import { NARROW, layerSwatch } from './panel.js';
import { settings, text } from './settings.js';
import { themeClasses, themeMenu } from './themes.js';

// A map that is lower begins with its legend closed: it would cover half of it.
const LEAST_HEIGHT_PX = 480;
// What a map is not about is folded; on a park's map its land is what it is about.
const FOLDED = new Set(
  settings.kind === 'park'
    ? ['ground', 'parks', 'bases']
    : ['land', 'land_uses', 'zones', 'ground'],
);
const ALWAYS = /^(verdict|rests_on|change|diff|layout_map|county_class)\./;

export class Legend {
  // chooseTheme(name) is called when parks should be coloured by another theme.
  constructor(chooseTheme) {
    this.body = make('div', { class: 'legend-body', id: 'legend-body' });
    this.parts = make('div');
    this.moreParts = make('div');
    this.more = make(
      'details',
      { class: 'legend-more', hidden: true },
      make('summary', null, icon('chevron'), text('legend_more')),
      this.moreParts,
    );
    this.themes = themeMenu(chooseTheme);
    this.body.append(...[this.themes?.node ?? '', this.parts, this.more]);
    const sizes = new ResizeObserver(() => this.reach());
    [this.body, this.parts, this.moreParts].forEach((element) => sizes.observe(element));
    this.button = make(
      'button',
      {
        type: 'button',
        class: 'legend-head',
        'aria-controls': 'legend-body',
        click: () => this.open(this.body.hidden),
      },
      text('legend'),
      icon('chevron'),
    );
    this.element = make(
      'section',
      { class: 'legend', 'aria-label': text('legend') },
      this.button,
      this.body,
    );
    const hasRoom = !NARROW.matches && window.innerHeight >= LEAST_HEIGHT_PX;
    this.open(hasRoom && settings.maps.length === 1);
  }

  open(isOpen) {
    this.body.hidden = !isOpen;
    this.button.setAttribute('aria-expanded', String(isOpen));
    this.element.classList.toggle('is-closed', !isOpen);
  }

  showTheme(theme) {
    if (this.themes) {
      this.themes.menu.value = theme?.name ?? '';
    }
  }

  // What scrolls can be reached and scrolled by keyboard.
  reach() {
    if (this.body.scrollHeight > this.body.clientHeight + 1) {
      Object.entries({ tabindex: '0', role: 'group', 'aria-label': text('legend') }).forEach(
        ([name, value]) => this.body.setAttribute(name, value),
      );
    } else {
      ['tabindex', 'role', 'aria-label'].forEach((name) => this.body.removeAttribute(name));
    }
  }

  // The symbols of the layers that are on: of parks all, of the rest what is in sight; and
  // the numbers of the rules whose findings stand on the map.
  // A theme's classes stand in place of verdicts.
  show(shown, inSight, numbers, theme) {
    const told = new Set();
    const sections = settings.groups
      .filter(({ name }) => !theme || (name !== 'verdicts' && name !== 'bases'))
      .map((group) => ({ group, part: sectionOf(group, { shown, inSight, numbers, told }) }))
      .filter(({ part }) => part);
    const isFolded = sections.some(({ group }) => !FOLDED.has(group.name));
    const [first, rest] = [false, true].map((wanted) =>
      sections
        .filter(({ group }) => (isFolded && FOLDED.has(group.name)) === wanted)
        .map(({ part }) => part),
    );
    this.parts.replaceChildren(...(theme ? [themeClasses(theme)] : []), ...first);
    this.moreParts.replaceChildren(...rest);
    this.more.hidden = !rest.length;
  }
}

function sectionOf(group, { shown, inSight, numbers, told }) {
  const layers = group.layers.filter((layer) => shown.has(layer.name));
  const every = new Set(layers.flatMap((layer) => layer.symbols));
  const keys = [...every].filter((key) => !told.has(key) && (ALWAYS.test(key) || inSight.has(key)));
  keys.forEach((key) => told.add(key));
  const rules = layers.filter((layer) => numbers.has(layer.number));
  if (!keys.length && !rules.length) {
    return null;
  }
  const list = rules.length ? ruleEntries(rules) : entries(keys, group.name === 'verdicts');
  return make('div', { class: 'legend-part' }, make('h3', null, group.label), list);
}

function entries(keys, hasCounts) {
  return make(
    'ul',
    null,
    keys.map((key) => {
      const verdict = key.startsWith('verdict.') ? key.split('.')[1] : null;
      return make(
        'li',
        { 'data-symbol': key },
        signSwatch(key),
        make('span', null, (settings.labels[key] || { label: key }).label),
        hasCounts && verdict && settings.verdicts
          ? make('span', { class: 'count' }, write(settings.verdicts[verdict] || 0, 'number'))
          : null,
      );
    }),
  );
}

function ruleEntries(layers) {
  return make(
    'ul',
    { class: 'wide' },
    layers.map((layer) =>
      make(
        'li',
        { 'data-rule': layer.where[1] },
        layerSwatch(layer),
        make('span', null, dataText(layer.label, {}, 'span')),
      ),
    ),
  );
}
