// Thematic maps: what parks are coloured by, its menu, and its classes as a histogram.
import { dataText, make } from '../shared/dom.js';
import { capital, hasValue } from '../shared/format.js';
import { write, writeSpan } from './figures.js';
import { swatch } from './markers.js';
import { settings, text } from './settings.js';

const UNKNOWN = 'theme.unknown';

export function themeOf(name) {
  return settings.themes.find((theme) => theme.name === name) ?? null;
}

// What a park has of a theme: the key of its symbol, and its figure in words.
export function symbolIn(theme, properties) {
  return theme ? (properties.themes?.[theme.name]?.symbol ?? UNKNOWN) : null;
}

export function figureIn(theme, properties) {
  const { symbol, figure } = properties.themes?.[theme.name] ?? {};
  if (hasValue(figure)) {
    return write(figure, theme.form);
  }
  return theme.classes.find((one) => one.symbol === (symbol ?? UNKNOWN))?.label ?? '';
}

// The menu; choose(name) is called with the theme's name, null for verdicts.
export function themeMenu(choose) {
  if (!settings.themes.length) {
    return null;
  }
  const option = (value, label) => make('option', { value }, label);
  const menu = make(
    'select',
    { class: 'theme-menu', change: () => choose(menu.value || null) },
    option('', capital(text('theme_verdict'))),
    settings.themes.map(({ name, label }) => option(name, capital(label))),
  );
  return {
    menu,
    node: make('label', { class: 'theme-row' }, make('span', null, text('theme')), menu),
  };
}

// The classes of a theme, each with how many parks it has; unknown is the last one.
export function themeClasses(theme) {
  const most = Math.max(1, ...theme.classes.map(({ count }) => count));
  const label = capital(theme.label);
  const title = theme.note ? `${label}（${theme.note}）` : label;
  return make(
    'div',
    { class: 'legend-part theme-part' },
    make(
      'h3',
      null,
      settings.language === 'en' ? title.replace('（', ' (').replace('）', ')') : title,
    ),
    make(
      'ul',
      { class: 'wide' },
      theme.classes.map((one) => line(theme, one, most)),
    ),
  );
}

function line(theme, one, most) {
  const words = hasValue(one.low) ? writeSpan(one.low, one.high, theme.form) : one.label;
  const bar = make('span', { class: 'theme-bar', 'aria-hidden': 'true' });
  bar.style.width = `${(one.count / most) * 100}%`;
  return make(
    'li',
    { 'data-class': one.symbol },
    swatch(one.symbol),
    make('span', { class: 'theme-words' }, dataText(words, {}, 'span')),
    make('span', { class: 'theme-track', 'aria-hidden': 'true' }, bar),
    make('span', { class: 'count' }, write(one.count, 'number')),
  );
}
