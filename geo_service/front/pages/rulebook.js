// The rules on a day: what each asks, how grave it is, with which parameters, and the documents
// that it rests on.
import { emptyState, errorState, get } from './api.js';
import { dataText, make } from '../shared/dom.js';
import { button, keyed, labelled, later, pageHead, panel, select } from './parts.js';
import { commaIn, hasValue } from '../shared/format.js';
import { day, exact, money, percent } from './amounts.js';
import { BASIS_TAGS, basisMark, citation } from './bases.js';
import { has, pageAddress, setTitle, showPage, start, t, wordOf } from './frame.js';
import { SEVERITIES, severityMark } from './marks.js';
import { documentTable, restsOn } from './rulebook/documents.js';

const STALE_MONTHS = 12;
/** @type {{ words: string, severity: string, tag: string, document: any }} */
const state = { words: '', severity: '', tag: '', document: null };
const query = new URLSearchParams(window.location.search);

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
  'status',
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

// The document that a rule is cited with, what its article demands, and what other days would cite.
function basisOf(rule, documents) {
  const { document_id: id, demands } = rule.legal_basis;
  const { in_force_from: from, in_force_until: until } = rule.legal_basis;
  const days = [
    from ? t('rulebook.from', { from: day(from) }) : null,
    until ? t('rulebook.until', { until: day(until) }) : null,
  ];
  const cited = [...citation(rule.legal_basis), ...days].filter(Boolean).join(' · ');
  const others = rule.bases.filter(
    (basis) => hasValue(basis.document_id) && basis.document_id !== id,
  );
  const nameOf = (basis) => {
    const known = documents.get(basis.document_id);
    const name = [known?.name ?? basis.document_id, basis.article].filter(Boolean).join(' ');
    return known && known.state !== 'in_force'
      ? t('rulebook.basis_state', { name, state: t(`document_state.${known.state}`) })
      : name;
  };
  return [
    make('p', { class: 'note rule-basis' }, dataText(cited)),
    demands ? make('p', { class: 'rule-demands' }, t('rulebook.demands', { text: demands })) : null,
    rule.lapsed
      ? make(
          'p',
          { class: 'callout rule-lapsed' },
          t('rulebook.lapsed_line', {
            document: rule.lapsed.document,
            ended: rule.lapsed.ended ? day(rule.lapsed.ended) : '—',
          }),
        )
      : null,
    others.length
      ? make(
          'p',
          { class: 'note' },
          `${t('rulebook.other_bases')}: `,
          dataText(others.map(nameOf).join(commaIn(start.lang)), {}, 'span'),
        )
      : null,
  ];
}

function ruleItem(rule, documents) {
  const chip = (words, kind = '') => make('span', { class: `chip ${kind}`.trim() }, words);
  return make(
    'article',
    { class: `rule${rule.in_force ? '' : ' is-off'}`, id: rule.rule_id },
    make(
      'div',
      {},
      make(
        'div',
        { class: 'rule-head' },
        make('h3', {}, dataText(rule.title)),
        severityMark(rule.severity),
        basisMark(rule.basis_tag),
        rule.lapsed ? chip(t('rulebook.lapsed'), 'is-changed') : null,
        rule.enabled ? null : chip(t('rulebook.off'), 'is-waived'),
        rule.enabled && !rule.lapsed && !rule.in_force
          ? chip(t('rulebook.not_in_force'), 'is-changed')
          : null,
        overridden(rule).length ? chip(t('rulebook.overridden'), 'is-changed') : null,
        make('code', {}, rule.rule_id),
      ),
      basisOf(rule, documents),
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
    ...(rule.has_tolerance
      ? [
          [
            t('rulebook.tolerance'),
            `${written(tolerance.area_m2)} m² · ${written(tolerance.share * 100)}%`,
          ],
        ]
      : []),
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
  const { document, number, article, demands } = rule.legal_basis;
  const told = [rule.title, rule.rule_id, document, number, article, demands, rule.note];
  return (
    (!state.severity || rule.severity === state.severity) &&
    (!state.tag || rule.basis_tag === state.tag) &&
    (!state.document || restsOn(rule, state.document)) &&
    (!words || told.join('\n').toLowerCase().includes(words))
  );
}

function familySection(family, rules, documents) {
  return make(
    'section',
    { class: 'family', 'aria-labelledby': `family-${family}` },
    make('h2', { id: `family-${family}` }, wordOf('family', family)),
    rules.filter((rule) => rule.family === family).map((rule) => ruleItem(rule, documents)),
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
  const chooser = (name, section, values) =>
    labelled(t(`rulebook.${name}`), select(keyed(section, values), { change: set(name) }));
  return [
    labelled(t('rulebook.search'), search, { className: 'grows' }),
    chooser('severity', 'severity', SEVERITIES),
    chooser('tag', 'basis_tag', BASIS_TAGS),
  ];
}

// The day whose rules are shown: another one opens the page anew.
function dayField(asOf) {
  const input = make('input', {
    type: 'date',
    id: 'as-of',
    value: asOf,
    max: '9999-12-31',
    change: () => {
      window.location.href = pageAddress(`/rulebook${input.value ? `?as_of=${input.value}` : ''}`);
    },
  });
  return labelled(t('rulebook.day'), input);
}

function draw({ rules, documents, title, as_of: asOf, rulebook_version: version }) {
  const byId = new Map(documents.map((item) => [item.document_id, item]));
  const stale = documents.filter((item) => item.is_stale).length;
  const families = [...new Set(rules.map(({ family }) => family))];
  const container = make('div');
  const shown = make('span', { class: 'note', role: 'status' });
  const only = make('span');
  const showRules = (one) => {
    state.document = one;
    show();
    rulesPanel.scrollIntoView();
  };
  const documentChip = ({ name }) =>
    button(dataText(name, {}, 'span'), () => showRules(null), {
      kind: 'plain small',
      sign: 'close',
    });
  const show = () => {
    const found = rules.filter(isWanted);
    const present = families.filter((family) => found.some((rule) => rule.family === family));
    shown.textContent = t('rulebook.shown', { shown: found.length, total: rules.length });
    only.replaceChildren(...(state.document ? [documentChip(state.document)] : []));
    container.replaceChildren(
      ...(found.length
        ? present.map((family) => familySection(family, found, byId))
        : [
            emptyState(t('rulebook.nothing'), { hint: t('rulebook.nothing_hint'), sign: 'search' }),
          ]),
    );
  };
  const rulesPanel = panel(
    t('rulebook.rules'),
    { note: t('rulebook.note') },
    make('div', { class: 'filters', role: 'search' }, filters(show), shown, only),
    container,
  );
  setTitle(t('console.rulebook_title'));
  showPage(
    pageHead(title || t('console.rulebook_title'), {
      line: t('rulebook.lead', { version, count: rules.length }),
      tools: [
        make('a', { class: 'button plain', href: '#documents' }, t('rulebook.to_documents')),
        dayField(asOf),
      ],
    }),
    rulesPanel,
    panel(
      t('rulebook.documents'),
      {
        id: 'documents',
        note: t('rulebook.documents_note', { count: stale, months: STALE_MONTHS }),
      },
      documentTable(documents, rules, showRules),
    ),
  );
  show();
}

async function load() {
  try {
    const asOf = query.get('as_of');
    draw(await get('/api/rules', asOf ? { as_of: asOf } : {}));
  } catch (error) {
    showPage(pageHead(t('console.rulebook_title')), errorState(error, load));
  }
}

load();
