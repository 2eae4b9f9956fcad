// Asks the service, and shows what waiting, failing and having nothing look like.
import { icon, make, nodesOf } from '../shared/dom.js';
import { button } from './parts.js';
import { start, t } from './frame.js';

const PATIENCE_MS = 60_000;
const SLOW_MS = 4_000;

// What went wrong, as `kind`: offline, timeout, signed_out, missing, refused (what was sent is
// wrong), status (the service failed) or broken. `errors` are the faults that the service lists
// for what it was sent; `detail` holds them below its first line.
export class ServiceError extends Error {
  /**
   * @param {string} kind
   * @param {{ status?: number, detail?: string, errors?: string[], parameter?: string,
   *   choices?: { value: string, evidence: string }[], document?: any }} [told] document: the
   *   whole answer
   */
  constructor(
    kind,
    { status = 0, detail = '', errors = [], parameter = '', choices = [], document = null } = {},
  ) {
    super(detail || kind);
    this.kind = kind;
    this.status = status;
    this.detail = detail;
    this.errors = errors;
    this.parameter = parameter;
    this.choices = choices;
    this.document = document;
  }
}

/**
 * @param {string} path
 * @param {Record<string, any>} [parameters]
 */
export function address(path, parameters = {}) {
  const query = new URLSearchParams({ ...withoutEmpty(parameters), lang: start.lang });
  return `${start.root}${path}?${query}`;
}

/**
 * @param {Record<string, any>} parameters
 * @returns {Record<string, any>}
 */
function withoutEmpty(parameters) {
  return Object.fromEntries(
    Object.entries(parameters).filter(
      ([, value]) => value !== null && value !== undefined && value !== '',
    ),
  );
}

/**
 * @param {string} path
 * @param {{ parameters?: Record<string, any>, method?: string, body?: unknown, raw?: Blob,
 *   signal?: AbortSignal, headers?: Record<string, string> }} [options] body: a JSON document; raw:
 *   a file
 * @returns {Promise<{ status: number, document: any, location: string | null }>}
 */
export async function ask(
  path,
  {
    parameters = {},
    method = 'GET',
    body = undefined,
    raw = undefined,
    signal = undefined,
    headers: more = {},
  } = {},
) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json', ...more };
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
  }
  if (raw !== undefined) {
    headers['content-type'] = 'application/octet-stream';
  }
  const limit = AbortSignal.timeout(PATIENCE_MS);
  let answer;
  try {
    answer = await fetch(address(path, parameters), {
      method,
      headers,
      body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    throw new ServiceError(limit.aborted ? 'timeout' : 'offline');
  }
  const document = answer.status === 204 ? {} : await answer.json().catch(() => null);
  if (!answer.ok) {
    throw new ServiceError(kindOf(answer.status), {
      status: answer.status,
      detail: typeof document?.detail === 'string' ? document.detail : '',
      parameter: document?.parameter ?? '',
      document,
      choices: Array.isArray(document?.choices) ? document.choices : [],
      errors: Array.isArray(document?.errors)
        ? document.errors.map((item) =>
            typeof item === 'string'
              ? item
              : `${item.parameter}${start.lang === 'en' ? ': ' : '：'}${item.message}`,
          )
        : [],
    });
  }
  if (document === null) {
    throw new ServiceError('broken');
  }
  return { status: answer.status, document, location: answer.headers.get('location') };
}

/** @param {number} status */
function kindOf(status) {
  const named = { 401: 'signed_out', 404: 'missing' }[status];
  return named ?? (status < 500 ? 'refused' : 'status');
}

/** The door, which leads back to this page. */
function signInLink() {
  const { pathname, search } = window.location;
  const next = new URLSearchParams({ next: `${pathname}${search}` });
  const href = `${start.root}/sign-in?${next}`;
  return make('a', { class: 'button strong', href }, t('account.sign_in'));
}

/**
 * @param {string} path
 * @param {Record<string, any>} [parameters]
 * @param {Parameters<typeof ask>[1]} [options]
 */
export async function get(path, parameters, options) {
  return (await ask(path, { parameters, ...options })).document;
}

// ---- states ----

export function loadingState(text = t('console.loading')) {
  const words = make('p', { role: 'status' }, text);
  const node = make(
    'div',
    { class: 'state is-loading' },
    make('span', { class: 'spinner', 'aria-hidden': 'true' }),
    words,
  );
  setTimeout(() => {
    if (node.isConnected) {
      words.textContent = t('console.slow');
    }
  }, SLOW_MS);
  return node;
}

/**
 * @param {import('./parts.js').Child} title
 * @param {{ hint?: import('./parts.js').Child, action?: import('./parts.js').Child,
 *   sign?: import('./parts.js').IconName }} [options]
 */
export function emptyState(title, { hint = null, action = null, sign = 'empty' } = {}) {
  return make(
    'div',
    { class: 'state' },
    icon(sign, 18),
    make('p', { class: 'state-title' }, title),
    hint ? make('p', { class: 'note' }, hint) : null,
    action,
  );
}

/**
 * What is wrong and every fault, once each. To ask again helps only where the answer may change.
 * @param {any} error
 * @param {(() => unknown) | null} [again]
 */
export function errorState(error, again = null) {
  const kind = error instanceof ServiceError ? error.kind : 'broken';
  if (!(error instanceof ServiceError)) {
    console.warn(error);
  }
  const heading = !(error instanceof ServiceError)
    ? ''
    : !error.errors.length
      ? error.detail
      : error.detail.includes('\n')
        ? error.detail.split('\n')[0]
        : '';
  const isHopeless = ['missing', 'refused', 'signed_out'].includes(kind);
  return make(
    'div',
    { class: 'state is-error', role: 'alert' },
    icon('warn', 18),
    make('p', { class: 'state-title' }, t(`console.error_${kind}`, { status: error.status ?? '' })),
    make('p', { class: 'note' }, t(`console.error_${kind}_hint`)),
    kind === 'signed_out' ? signInLink() : null,
    heading ? make('p', { class: 'detail' }, make('bdi', {}, heading)) : null,
    error.errors?.length
      ? make(
          'ul',
          { class: 'detail' },
          error.errors.map((/** @type {string} */ line) => make('li', {}, make('bdi', {}, line))),
        )
      : null,
    again && !isHopeless
      ? button(t('console.retry'), again, { sign: 'again', class: 'button plain retry' })
      : null,
  );
}

/**
 * Fills a container with what `work` returns; until then it shows waiting, when it fails the fault
 * with a button that tries again.
 * @param {Element} container
 * @param {() => Promise<import('./parts.js').Child>} work
 * @param {{ waiting?: () => Node }} [options]
 */
export async function fillWith(container, work, { waiting = loadingState } = {}) {
  container.replaceChildren(waiting());
  container.setAttribute('aria-busy', 'true');
  try {
    container.replaceChildren(...nodesOf(await work()));
  } catch (error) {
    container.replaceChildren(errorState(error, () => fillWith(container, work, { waiting })));
  } finally {
    container.removeAttribute('aria-busy');
  }
}
