// What every page has: its data, its texts, the menu of small windows, the footer.
import { make, nodesOf } from '../shared/dom.js';
import { capital, fillIn } from '../shared/format.js';
import { printerOf, shapeWordsAnew } from '../shared/moments.js';

/**
 * A part of the shell, which stands in every page.
 * @param {string} id
 */
function part(id) {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`The page has no part ${id}.`);
  }
  return found;
}

export const start = JSON.parse(part('start').textContent);
export const main = part('main');

/**
 * A text of the catalogue with its {fields} filled in.
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 * @returns {string}
 */
export function t(key, values) {
  return fillIn(start.texts[key] ?? key, values);
}

/**
 * Returns a text at the beginning of a line: in English with a capital letter.
 * @param {string} key
 */
export function capitalText(key) {
  return capital(t(key));
}

export function has(key) {
  return key in start.texts;
}

/**
 * A name in the reader's words, if its section of the catalogue has it; else as it is.
 * @param {string} section
 * @param {string} name
 * @returns {string}
 */
export function wordOf(section, name) {
  return has(`${section}.${name}`) ? t(`${section}.${name}`) : name;
}

// An address of a page or of the API, the language said where the answer carries texts.
export function pageAddress(path) {
  return `${start.root}${path}`;
}

/**
 * The page of a park, of the same plan as this page is about.
 * @param {string} parkId
 * @param {string | null} [scenario]
 */
export function parkAddress(parkId, scenario = start.scenario) {
  const query = scenario ? `?${new URLSearchParams({ scenario })}` : '';
  return pageAddress(`/parks/${encodeURIComponent(parkId)}${query}`);
}

export function setTitle(...parts) {
  document.title = [...parts.filter(Boolean), start.county].join(' · ');
}

/**
 * Puts a page's parts in the place of its grey blocks.
 * @param {...import('../shared/dom.js').Child} parts
 */
export function showPage(...parts) {
  main.replaceChildren(...nodesOf(parts.filter(Boolean)));
  main.setAttribute('data-state', 'shown');
}

shapeWordsAnew(0);

// Whether all that a sheet shows is there: the page, and within its maps every layer.
function isReadyToPrint() {
  const isDrawn = (frame) => {
    const state = frame.contentDocument?.querySelector('.app')?.dataset.state;
    return !state || state === 'done' || state === 'failed';
  };
  return (
    main.dataset.state === 'shown' &&
    ![...main.querySelectorAll('.spinner')].some((spinner) => spinner.checkVisibility()) &&
    [...main.querySelectorAll('iframe')].every(isDrawn)
  );
}

// What print buttons do. The browser's own command cannot be held back; its sheets say when
// something was missing.
export const printPage = printerOf(isReadyToPrint);

function drawFrame() {
  part('county').textContent = start.county;
  part('illustrative').hidden = !start.illustrative;
  drawWithheld();
  drawVersions();
  followMenu();
  stamp();
  window.addEventListener('beforeprint', stamp);
  if (document.title !== start.county) {
    setTitle(document.title);
  }
}

// What this account does not see, and how it is marked.
function drawWithheld() {
  const sign = part('withheld');
  sign.hidden = !start.withheld_notes.length;
  sign.lastElementChild?.replaceChildren(
    ...start.withheld_notes.map((note) => make('p', {}, note)),
  );
}

/**
 * Whether a layer, or one of these columns of it, is kept from this account.
 * @param {string} layer
 * @param {...string} columns
 */
export function isWithheld(layer, ...columns) {
  const names = [layer, ...columns.map((column) => `${layer}.${column}`)];
  return names.some((name) => start.withheld.includes(name));
}

function drawVersions() {
  const { versions } = start;
  const told = [
    t('console.version_product', { version: versions.product }),
    t('console.version_plan', { version: versions.plan }),
    t('console.version_rulebook', { version: versions.rulebook }),
    t('console.as_of', { day: start.as_of }),
  ];
  part('versions').replaceChildren(...told.map((text) => make('span', {}, text)));
  // The county's own words for secrecy and for the approval of its maps; on paper they come first.
  const { confidentiality, map_approval: approval } = start.marks ?? {};
  /** @type {[string, HTMLElement][]} */
  const marks = [];
  if (confidentiality) {
    const words = make('strong', { class: 'confidentiality data' }, confidentiality);
    marks.push(['confidentiality', words]);
  }
  if (approval) {
    marks.push(['map_approval', make('span', { class: 'data' }, approval)]);
  }
  const marked = () =>
    marks.map(([name, value]) =>
      make(
        'span',
        {},
        t(`console.${name}`),
        start.lang === 'en' ? ' ' : null,
        value.cloneNode(true),
      ),
    );
  part('marks').replaceChildren(...marked());
  part('marks').hidden = !marks.length;
  part('paper-versions').replaceChildren(
    ...marked(),
    ...told.map((text) => make('span', {}, text)),
  );
}

// The menu of small windows.
function followMenu() {
  const menu = part('menu');
  menu.addEventListener('click', () =>
    menu.setAttribute('aria-expanded', String(menu.getAttribute('aria-expanded') !== 'true')),
  );
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || menu.getAttribute('aria-expanded') !== 'true') {
      return;
    }
    menu.setAttribute('aria-expanded', 'false');
    menu.focus();
  });
}

// Says on paper when it was printed.
function stamp() {
  const format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
  const date = format.format(new Date());
  part('printed').textContent = t('console.printed', { county: start.county, date });
}

drawFrame();
