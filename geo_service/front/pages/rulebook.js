// The rules in force: what each asks, how grave it is, on what basis, with which parameters.
import { emptyState, errorState, get } from './api.js';
import { dataText, make } from '../shared/dom.js';
import { labelled, later, pageHead, panel, select } from './parts.js';
import { commaIn, hasValue } from '../shared/format.js';
import { day, exact, money, percent } from './amounts.js';
import { has, setTitle, showPage, start, t, wordOf } from './frame.js';
import { SEVERITIES, severityMark } from './marks.js';

const TAGS = ['law', 'published_practice', 'product_default'];
const state = { words: '', severity: '', tag: '' };

const SECTIONS = [
  'parameter',
  'tier',
  'verdict',
  'zone',
  'river',
  'layer',
  'column',
  'measure',
  'scheme',
  'basis',
];

// A name of the rulebook in the reader's language, where the catalogue has one.
function named(name) {
  const section = SECTIONS.find((one) => has(`${one}.${name}`));
  return section ? t(`${section}.${name}`) : name;
}

function written(value, key = '') {
  if (Array.isArray(value)) {
    return value.length ? value.map((item) => written(item, key)).join(commaIn(start.lang)) : '—';
  }
  if (typeof value === 'boolean') {
    return t(value ? 'console.yes' : 'console.no');
  }
  if (typeof value === 'string') {
    return named(value);
  }
  if (/share$|^difference$/.test(key)) {
    return percent(value);
  }
  return key.endsWith('_m')
    ? `${exact(value)} m`
    : key.includes('_cny')
      ? money(value)
      : exact(value);
}

// Parameters as name and value; a value that is itself a table is listed line by line.
function parameters(values, path = []) {
  return Object.entries(values ?? {}).flatMap(([key, value]) => {
    const names = [...path, named(key)];
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      return parameters(value, names);
    }
    if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null)) {
      return value.flatMap((item, index) => parameters(item, [...names, String(index + 1)]));
    }
    return hasValue(value) && !(Array.isArray(value) && !value.length)
      ? [[names.join(' › '), written(value, key)]]
      : [];
  });
}

function overridden(rule) {
  return Object.keys(rule.overridden ?? {});
}

function ruleItem(rule) {
  const { document, number, article } = rule.legal_basis;
  const chip = (words, kind = '') => make('span', { class: `chip ${kind}`.trim() }, words);
  return make(
    'article',
    { class: `rule${rule.enabled ? '' : ' is-off'}`, id: rule.rule_id },
    make(
      'div',
      {},
      make(
        'div',
        { class: 'rule-head' },
        make('h3', {}, dataText(rule.title)),
        severityMark(rule.severity),
        chip(t(`basis_tag.${rule.basis_tag}`)),
        rule.enabled ? null : chip(t('rulebook.off'), 'is-waived'),
        overridden(rule).length ? chip(t('rulebook.overridden'), 'is-changed') : null,
        make('code', {}, rule.rule_id),
      ),
      make(
        'p',
        { class: 'note rule-basis' },
        dataText([document, number, article].filter(Boolean).join(' · ')),
      ),
      rule.note ? make('p', { class: 'note' }, dataText(rule.note)) : null,
    ),
    make('div', { class: 'parameters' }, make('dl', { class: 'facts' }, facts(rule))),
  );
}

// What a rule is judged by, a line each.
function facts(rule) {
  const { tolerance, effective_from: from, effective_to: to } = rule;
  const changed = overridden(rule).map(named).join(commaIn(start.lang));
  const pairs = [
    ...parameters(rule.parameters),
    ...parameters(rule.scope),
    [
      t('rulebook.tolerance'),
      `${written(tolerance.area_m2)} m² · ${written(tolerance.share * 100)}%`,
    ],
    [
      t('rulebook.effective'),
      to
        ? t('rulebook.from_to', { from: day(from), to: day(to) })
        : t('rulebook.from', { from: day(from) }),
    ],
    ...(changed ? [[t('rulebook.changed_parts'), changed]] : []),
  ];
  return pairs.map(([name, value]) =>
    make('div', {}, make('dt', {}, dataText(name)), make('dd', {}, dataText(value))),
  );
}

function isWanted(rule) {
  const words = state.words.trim().toLowerCase();
  const told = [rule.title, rule.rule_id, rule.legal_basis.document, rule.note ?? ''];
  return (
    (!state.severity || rule.severity === state.severity) &&
    (!state.tag || rule.basis_tag === state.tag) &&
    (!words || told.join('\n').toLowerCase().includes(words))
  );
}

function familySection(family, rules) {
  return make(
    'section',
    { class: 'family', 'aria-labelledby': `family-${family}` },
    make('h2', { id: `family-${family}` }, wordOf('family', family)),
    rules.filter((rule) => rule.family === family).map(ruleItem),
  );
}

// The controls by which rules are looked for; `show` is called after each change.
function filters(show) {
  const set = (name) => (event) => {
    state[name] = event.target.value;
    show();
  };
  const search = make('input', {
    type: 'search',
    maxlength: 100,
    autocomplete: 'off',
    input: later(set('words'), 120),
  });
  const chooser = (name, section, values) => {
    const all = ['', t('console.all')];
    const options = [all, ...values.map((item) => [item, t(`${section}.${item}`)])];
    return labelled(t(`rulebook.${name}`), select(options, { change: set(name) }));
  };
  return [
    labelled(t('rulebook.search'), search, { className: 'grows' }),
    chooser('severity', 'severity', SEVERITIES),
    chooser('tag', 'basis_tag', TAGS),
  ];
}

function draw({ rules, title, rulebook_version: version }) {
  const families = [...new Set(rules.map(({ family }) => family))];
  const container = make('div');
  const shown = make('span', { class: 'note', role: 'status' });
  const show = () => {
    const found = rules.filter(isWanted);
    const present = families.filter((family) => found.some((rule) => rule.family === family));
    shown.textContent = t('rulebook.shown', { shown: found.length, total: rules.length });
    container.replaceChildren(
      ...(found.length
        ? present.map((family) => familySection(family, found))
        : [
            emptyState(t('rulebook.nothing'), { hint: t('rulebook.nothing_hint'), sign: 'search' }),
          ]),
    );
  };
  setTitle(t('console.rulebook_title'));
  showPage(
    pageHead(title || t('console.rulebook_title'), {
      line: t('rulebook.lead', { version, count: rules.length }),
    }),
    panel(
      t('rulebook.rules'),
      { note: t('rulebook.note') },
      make('div', { class: 'filters', role: 'search' }, filters(show), shown),
      container,
    ),
  );
  show();
}

async function load() {
  try {
    draw(await get('/api/rules'));
  } catch (error) {
    showPage(pageHead(t('console.rulebook_title')), errorState(error, load));
  }
}

load();
