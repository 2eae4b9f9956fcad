// The frame around the map: heading, side panel with the list of parks and the layers,
// legend, notes and messages. It shows a state that `page.js` keeps and reports wishes to it.
import { dataText, elementIn, icon, make } from '../shared/dom.js';
import { VERDICTS } from '../shared/symbols.js';
import { hasValue } from '../shared/format.js';
import { write } from './figures.js';
import { badge, pin, signSwatch, swatch, verdictBadge } from './markers.js';
import { nameOf } from './items.js';
import { parkBody, verdictPill } from './park.js';
import { settings, text } from './settings.js';

const MOST_LINES = 400;
export const NARROW = window.matchMedia('(max-width: 700px)');

// ---- heading ----

export function heading(actions) {
  return make(
    'header',
    { class: 'top' },
    make(
      'button',
      {
        type: 'button',
        class: 'menu-button',
        'aria-label': text('open_panel'),
        title: text('open_panel'),
        'aria-controls': 'panel',
        'aria-expanded': false,
        click: actions.togglePanel,
      },
      icon('menu'),
    ),
    make(
      'div',
      { class: 'titles' },
      make('h1', null, dataText(settings.title)),
      make('p', { class: 'subtitle' }, dataText(settings.subtitle)),
    ),
    settings.confidentiality
      ? make('strong', { class: 'confidentiality' }, dataText(settings.confidentiality))
      : null,
    settings.languages ? languages(actions) : null,
  );
}

// The same view in another language: the address takes place, layers and selection along.
function languages({ here }) {
  return make(
    'nav',
    { class: 'languages', 'aria-label': 'Language' },
    settings.languages.map((language) => {
      const link = make(
        'a',
        {
          href: language.address,
          lang: language.code,
          'aria-current': language.is_current ? 'true' : null,
        },
        language.label,
      );
      for (const moment of ['pointerdown', 'focus', 'click']) {
        link.addEventListener(moment, () =>
          link.setAttribute('href', `${language.address}${here()}`),
        );
      }
      return link;
    }),
  );
}

// ---- side panel ----

export class Panel {
  constructor(actions) {
    this.actions = actions;
    this.query = this.queryInput();
    this.counts = make('div', {
      class: 'counts',
      role: 'group',
      'aria-label': groupLabel('verdicts'),
    });
    // Asked for while a list is made anew, where it had been scrolled to would cost a layout.
    this.scrolled = 0;
    const scroll = () => {
      this.scrolled = this.list.scrollTop;
    };
    this.list = make('div', {
      class: 'scroll list-page',
      id: 'parks-page',
      role: 'tabpanel',
      'aria-labelledby': 'parks-tab',
      scroll,
    });
    this.layers = make('div', {
      class: 'scroll',
      id: 'layers-page',
      role: 'tabpanel',
      'aria-labelledby': 'layers-tab',
      hidden: true,
    });
    this.tabs = [this.tab('parks', this.list), this.tab('layers', this.layers)];
    this.element = make(
      'aside',
      { class: 'panel', id: 'panel', 'aria-label': text('open_panel') },
      make('div', { class: 'query-box', role: 'search' }, icon('search'), this.query),
      make(
        'div',
        { class: 'tabs', role: 'tablist', keydown: (event) => this.onTabKey(event) },
        this.tabs,
      ),
      this.list,
      this.layers,
    );
    this.boxes = new Map();
    this.select(0);
    this.fillLayers();
  }

  queryInput() {
    const words = text(settings.kind === 'province' ? 'search_counties' : 'search');
    const query = make('input', {
      type: 'search',
      class: 'query',
      id: 'query',
      placeholder: words,
      'aria-label': words,
      autocomplete: 'off',
      maxlength: 100,
      input: () => this.actions.search(query.value),
      keydown: (event) => {
        // Enter goes to the first that was found; not the one that ends a word of pinyin.
        if (event.key === 'Enter' && !event.isComposing && query.value.trim()) {
          event.preventDefault();
          this.actions.search(query.value);
          elementIn(this.list, '.list-line')?.click();
        }
      },
    });
    return query;
  }

  tab(name, page) {
    return make(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: `${name}-tab`,
        'aria-controls': page.id,
        click: () => this.select(name === 'parks' ? 0 : 1),
      },
      name === 'parks' ? settings.list_label : text('layers_tab'),
    );
  }

  select(chosen) {
    [this.list, this.layers].forEach((page, index) => {
      page.hidden = index !== chosen;
      this.tabs[index].setAttribute('aria-selected', String(index === chosen));
      this.tabs[index].tabIndex = index === chosen ? 0 : -1;
    });
  }

  onTabKey(event) {
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const other = this.tabs.findIndex((tab) => tab.getAttribute('aria-selected') !== 'true');
      this.select(other);
      this.tabs[other].focus();
    }
  }

  fillLayers() {
    const groups = settings.groups.filter((group) => group.layers.length);
    this.layers.replaceChildren(
      ...groups.map((group) =>
        make(
          'details',
          { class: 'group', open: true },
          make(
            'summary',
            null,
            icon('chevron'),
            group.label,
            group.layers.length > 3 ? this.allSwitch(group) : null,
          ),
          make(
            'ul',
            { class: 'checks' },
            group.layers.map((layer) => make('li', null, this.check(group, layer))),
            group.name === 'ground'
              ? settings.backdrops.map((layer) => make('li', null, this.backdrop(layer)))
              : null,
          ),
        ),
      ),
    );
  }

  // What lies under the features, which has no symbol and nothing to count.
  backdrop(layer) {
    const box = make('input', {
      type: 'checkbox',
      'data-layer': layer.name,
      checked: layer.is_shown,
      change: () => this.actions.toggle(layer.name, box.checked),
    });
    this.boxes.set(layer.name, { box, note: make('span'), layer: { ...layer, min_zoom: 0 } });
    return make(
      'label',
      { class: 'check' },
      box,
      make('span', { class: 'swatch-gap' }),
      make('span', { class: 'check-name' }, layer.label),
    );
  }

  // Switches a whole group on, or off when any of it is on.
  allSwitch(group) {
    const names = group.layers.map((layer) => layer.name);
    const press = (event) => {
      event.preventDefault();
      this.actions.toggleAll(names, !names.some((name) => this.boxes.get(name).box.checked));
    };
    return make(
      'button',
      { type: 'button', class: 'all-switch', click: press },
      text('all_or_none'),
    );
  }

  check(group, layer) {
    const box = make('input', {
      type: 'checkbox',
      'data-layer': layer.name,
      checked: layer.is_shown,
      change: () => this.actions.toggle(layer.name, box.checked),
    });
    const note = make('span', { class: 'check-note' });
    this.boxes.set(layer.name, { box, note, layer });
    return make(
      'label',
      { class: 'check' },
      box,
      layerSwatch(layer),
      make('span', { class: 'check-name' }, dataText(layer.label, {}, 'span')),
      note,
      make('span', { class: 'count' }, write(layer.count, 'number')),
    );
  }

  // What is on, and what waits for a nearer view.
  showState(shown, zoom) {
    for (const { box, note, layer } of this.boxes.values()) {
      box.checked = shown.has(layer.name);
      note.textContent = box.checked && zoom < layer.min_zoom ? text('zoom_to_see') : '';
    }
    for (const button of this.counts.children) {
      const verdict = button.getAttribute('data-verdict');
      button.setAttribute('aria-pressed', String(shown.has(`parks.${verdict}`)));
    }
  }

  fillCounts() {
    this.counts.replaceChildren(
      ...VERDICTS.map((verdict) =>
        make(
          'button',
          {
            type: 'button',
            class: `count-button verdict-${verdict}`,
            'data-verdict': verdict,
            click: () => this.actions.flip(`parks.${verdict}`),
          },
          verdictBadge(verdict),
          make('strong', null, write(settings.verdicts[verdict] || 0, 'number')),
          make('span', null, settings.labels[`verdict.${verdict}`].label),
        ),
      ),
    );
  }

  // The lists of the page: features of a source in groups, each line a button.
  showLists(drawings, isShown, choose) {
    if (!this.counts.children.length && settings.has_verdict_counts) {
      this.fillCounts();
    }
    const { scrolled } = this;
    this.list.replaceChildren(
      settings.has_verdict_counts ? this.counts : '',
      ...facts(drawings),
      ...settings.lists.flatMap((list) => {
        const items = list.maps
          .flatMap((index) => drawings[index].items.get(list.source) || [])
          .filter((item) => item.drawing.page.isInStep(item))
          .filter(
            ({ feature: { properties } }) =>
              properties.is_listed !== false &&
              list.groups.some((group) => group.value === String(properties[list.column])),
          );
        return listOf(
          list,
          items,
          items.filter((item) => isShown(item)),
          list.maps.map((index) => drawings[index].held.get(list.source)),
          choose,
        );
      }),
    );
    if (scrolled) {
      this.list.scrollTop = scrolled;
    }
  }

  showResults(children) {
    this.select(0);
    this.list.replaceChildren(...children.filter(Boolean));
  }
}

// What a map of one park says of it above its lists.
function facts(drawings) {
  const item = settings.park_id && drawings[drawings.length - 1].find('parks', settings.park_id);
  if (!item) {
    return [];
  }
  const { properties } = item.feature;
  return [
    make(
      'section',
      { class: 'park-facts' },
      make('h2', null, dataText(nameOf(item))),
      make(
        'p',
        { class: 'sheet-kind' },
        verdictPill(properties),
        [properties.tier_name, properties.township, item.feature.id]
          .filter(hasValue)
          .map((part) => dataText(part, {}, 'span')),
      ),
      properties.illustrative
        ? make('p', { class: 'mark-illustrative' }, text('illustrative_more'))
        : null,
      parkBody(properties, { isWhole: true }),
    ),
  ];
}

// held: of each of the list's maps, what is known of the features that are not here.
function listOf(list, items, shown, held, choose) {
  const isWhole = held.every((one) => !one || one.isWhole);
  const totals = isWhole || shown.length < items.length ? null : totalsOf(list, held);
  let room = MOST_LINES;
  const groups = list.groups.flatMap((group) => {
    const members = shown
      .filter((item) => String(item.feature.properties[list.column]) === group.value)
      .sort(
        (one, other) => (one.feature.properties.rank || 0) - (other.feature.properties.rank || 0),
      );
    const lines = members.slice(0, room);
    room -= lines.length;
    const total = totals ? totals.get(group.value) || 0 : members.length;
    return total || members.length
      ? [
          make(
            'h2',
            { class: 'list-head' },
            group.number ? make('span', { class: 'rule-number' }, String(group.number)) : null,
            make('span', { class: 'list-title' }, dataText(group.label, {}, 'span')),
            isWhole || totals ? make('span', { class: 'count' }, write(total, 'number')) : null,
          ),
          make(
            'ul',
            { class: 'list' },
            lines.map((item) => make('li', null, listLine(item, list, choose))),
          ),
        ]
      : [];
  });
  return [
    make(
      'div',
      { class: 'list-note is-spread' },
      make('span', { role: 'status' }, noteOf(list, items, shown, held)),
      list.more === 'share' ? make('span', null, text('leading_share')) : null,
    ),
    ...groups,
    shown.length > MOST_LINES
      ? make('p', { class: 'list-note' }, text('search_more', { count: MOST_LINES }))
      : '',
  ];
}

// How many features there are of each group, those that are not here included.
function totalsOf(list, held) {
  const totals = new Map();
  for (const { counts } of held.filter(Boolean)) {
    for (const [value, number] of Object.entries(counts[list.column] || {})) {
      totals.set(value, (totals.get(value) || 0) + number);
    }
  }
  return totals;
}

// What stands above a list: how many features it has, and how many of them there are in all.
function noteOf(list, items, shown, held) {
  const known = held.filter(Boolean);
  const matched = known.reduce((sum, one) => sum + one.matched, 0);
  if (known.some(({ bounds }) => bounds)) {
    return text(`${list.note}_count_in_view`, numbers(Math.min(shown.length, matched), matched));
  }
  if (known.some(({ isWhole }) => !isWhole)) {
    return text(`${list.note}_count_first`, numbers(shown.length, matched));
  }
  return shown.length === items.length
    ? text(`${list.note}_count`, { count: items.length })
    : text(`${list.note}_count_shown`, { shown: shown.length, count: items.length });
}

function numbers(shown, matched) {
  return {
    shown: write(Math.min(shown, MOST_LINES), 'number'),
    count: write(matched, 'number'),
  };
}

function listLine(item, list, choose) {
  const { properties, id } = item.feature;
  const isPark = item.source.name === 'parks';
  return make(
    'button',
    {
      type: 'button',
      class: 'list-line',
      [isPark ? 'data-park' : 'data-item']: id,
      click: () => choose(item),
    },
    isPark ? parkSign(item) : properties.rank ? pin(item.key, properties) : badge(item.key),
    make('span', { class: 'list-name' }, dataText(nameOf(item))),
    make('span', { class: 'list-more' }, more(properties, list)),
  );
}

// A park by its verdict; on the map of a layout by its group.
function parkSign({ key, feature }) {
  const { verdict } = feature.properties;
  return verdict ? verdictBadge(verdict) : swatch(key);
}

// What stands at the end of a line: a park's share, or a property as it is.
function more(properties, { more: key, form }) {
  const value = key === 'share' ? (properties.shares || {})[properties.basis] : properties[key];
  return hasValue(value) ? dataText(write(value, form)) : form === 'share' ? '—' : null;
}

function groupLabel(name) {
  const group = settings.groups.find((candidate) => candidate.name === name);
  return group ? group.label : '';
}

export function layerSwatch(layer) {
  if (layer.number) {
    return make('span', { class: 'rule-number' }, String(layer.number));
  }
  return layer.symbols.length === 1
    ? signSwatch(layer.symbols[0])
    : make('span', { class: 'swatch-gap' });
}
