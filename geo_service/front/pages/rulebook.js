// The rules in force: what each asks, how grave it is, on what basis, with which parameters.
import { emptyState, errorState, get } from './api.js';
import { dataText, make } from '../shared/dom.js';
import { labelled, later, pageHead, panel, select } from './parts.js';
import { commaIn, isGiven } from '../shared/format.js';
import { day, exact, money, percent } from './amounts.js';
import { has, setTitle, showPage, start, t } from './frame.js';
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
  if (Array.isArray(value))
    {return value.length ? value.map((item) => written(item, key)).join(commaIn(start.lang)) : '—';}
  if (typeof value === 'boolean') {return t(value ? 'console.yes' : 'console.no');}
  if (typeof value === 'string') {return named(value);}
  if (/share$|^difference$/.test(key)) {return percent(value);}
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
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      {return parameters(value, names);}
    if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null))
      {return value.flatMap((item, place) => parameters(item, [...names, String(place + 1)]));}
    return isGiven(value) && !(Array.isArray(value) && !value.length)
      ? [[names.join(' › '), written(value, key)]]
      : [];
  });
}

function overridden(rule) {
  return Object.keys(rule.overridden ?? {});
}

function ruleItem(rule) {
  const basis = [rule.legal_basis.document, rule.legal_basis.number, rule.legal_basis.article]
    .filter(Boolean)
    .join(' · ');
  const found = parameters(rule.parameters);
  const scope = parameters(rule.scope);
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
        make('span', { class: 'chip' }, t(`basis_tag.${rule.basis_tag}`)),
        rule.enabled ? null : make('span', { class: 'chip is-waived' }, t('rulebook.off')),
        overridden(rule).length
          ? make('span', { class: 'chip is-changed' }, t('rulebook.overridden'))
          : null,
        make('code', {}, rule.rule_id),
      ),
      make('p', { class: 'note rule-basis' }, dataText(basis)),
      rule.note ? make('p', { class: 'note' }, dataText(rule.note)) : null,
    ),
    make(
      'div',
      { class: 'parameters' },
      make(
        'dl',
        { class: 'facts' },
        [
          ...found,
          ...scope,
          [
            t('rulebook.tolerance'),
            `${written(rule.tolerance.area_m2)} m² · ${written(rule.tolerance.share * 100)}%`,
          ],
          [
            t('rulebook.effective'),
            rule.effective_to
              ? t('rulebook.from_to', {
                  from: day(rule.effective_from),
                  to: day(rule.effective_to),
                })
              : t('rulebook.from', { from: day(rule.effective_from) }),
          ],
          overridden(rule).length
            ? [t('rulebook.changed_parts'), overridden(rule).map(named).join(commaIn(start.lang))]
            : null,
        ]
          .filter(Boolean)
          .map(([name, value]) =>
            make('div', {}, make('dt', {}, dataText(name)), make('dd', {}, dataText(value))),
          ),
      ),
    ),
  );
}

function draw(rulebook) {
  const families = [...new Set(rulebook.rules.map(({ family }) => family))];
  const place = make('div');
  const shown = make('span', { class: 'note', role: 'status' });
  const fits = (rule) => {
    const words = state.words.trim().toLowerCase();
    return (
      (!state.severity || rule.severity === state.severity) &&
      (!state.tag || rule.basis_tag === state.tag) &&
      (!words ||
        [rule.title, rule.rule_id, rule.legal_basis.document, rule.note ?? '']
          .join('\n')
          .toLowerCase()
          .includes(words))
    );
  };
  function show() {
    const found = rulebook.rules.filter(fits);
    shown.textContent = t('rulebook.shown', { shown: found.length, total: rulebook.rules.length });
    place.replaceChildren(
      ...(found.length
        ? families
            .filter((family) => found.some((rule) => rule.family === family))
            .map((family) =>
              make(
                'section',
                { class: 'family', 'aria-labelledby': `family-${family}` },
                make(
                  'h2',
                  { id: `family-${family}` },
                  has(`family.${family}`) ? t(`family.${family}`) : family,
                ),
                found.filter((rule) => rule.family === family).map(ruleItem),
              ),
            )
        : [
            emptyState(t('rulebook.nothing'), { hint: t('rulebook.nothing_hint'), sign: 'search' }),
          ]),
    );
  }
  const set = (name) => (event) => {
    state[name] = event.target.value;
    show();
  };
  setTitle(t('console.rulebook_title'));
  showPage(
    pageHead(rulebook.title || t('console.rulebook_title'), {
      line: t('rulebook.lead', {
        version: rulebook.rulebook_version,
        count: rulebook.rules.length,
      }),
    }),
    panel(
      t('rulebook.rules'),
      { note: t('rulebook.note') },
      make(
        'div',
        { class: 'filters', role: 'search' },
        labelled(
          t('rulebook.search'),
          make('input', {
            type: 'search',
            maxlength: 100,
            autocomplete: 'off',
            input: later(set('words'), 120),
          }),
          { className: 'grows' },
        ),
        labelled(
          t('rulebook.severity'),
          select(
            [['', t('console.all')], ...SEVERITIES.map((item) => [item, t(`severity.${item}`)])],
            { change: set('severity') },
          ),
        ),
        labelled(
          t('rulebook.tag'),
          select([['', t('console.all')], ...TAGS.map((item) => [item, t(`basis_tag.${item}`)])], {
            change: set('tag'),
          }),
        ),
        shown,
      ),
      place,
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
