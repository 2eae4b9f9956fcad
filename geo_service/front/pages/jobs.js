// Work that may take long: sent, watched with its progress, cancelled when told to.
import { ServiceError, ask, errorState, get, loadingState } from './api.js';
import { make } from '../shared/dom.js';
import { button } from './parts.js';
import { percent } from './amounts.js';
import { start, t } from './frame.js';

const EVERY_MS = 700;

function pause(milliseconds) {
  return new Promise((done) => {
    setTimeout(done, milliseconds);
  });
}

/**
 * Sends a request; resolves to the document of a 201, or of the result once its job is done, to
 * null when it was cancelled or has failed. `container` shows progress and faults; `onFault` may
 * return another way to show a fault.
 * @param {Element} container
 * @param {string} path
 * @param {Parameters<typeof ask>[1]} options
 * @param {() => unknown} again
 * @param {{ onFault?: ((error: any) => Node | null) | null }} [more]
 */
export async function run(container, path, options, again, { onFault = null } = {}) {
  container.replaceChildren(loadingState(t('console.working')));
  try {
    const answer = await ask(path, { method: 'POST', ...options });
    if (answer.status !== 202) {
      container.replaceChildren();
      return answer.document;
    }
    return await watch(container, answer.document);
  } catch (error) {
    container.replaceChildren(onFault?.(error) ?? errorState(error, again));
    return null;
  }
}

async function watch(container, first) {
  const bar = make('progress', {
    max: 1,
    value: first.progress,
    'aria-label': t('console.working'),
  });
  const words = make('p', { role: 'status', class: 'note' });
  let isCancelled = false;
  const stop = button(t('console.cancel'), async () => {
    isCancelled = true;
    stop.disabled = true;
    await ask(`/api/jobs/${first.job_id}`, { method: 'DELETE' }).catch(() => null);
  });
  container.replaceChildren(
    make(
      'div',
      { class: 'state is-working' },
      make('p', { class: 'state-title' }, t('console.working')),
      bar,
      words,
      stop,
    ),
  );
  let job = first;
  while (job.status === 'waiting' || job.status === 'running') {
    bar.value = job.progress;
    words.textContent =
      job.status === 'waiting'
        ? t('console.job_waiting')
        : `${percent(job.progress)} ${job.step || ''}`;
    await pause(EVERY_MS);
    job = await get(`/api/jobs/${first.job_id}`);
  }
  container.replaceChildren();
  if (job.status === 'done') {
    return get(
      job.result.slice(
        start.root.length && job.result.startsWith(start.root) ? start.root.length : 0,
      ),
    );
  }
  if (job.status === 'cancelled' || isCancelled) {
    container.replaceChildren(make('p', { class: 'note', role: 'status' }, t('console.cancelled')));
    return null;
  }
  throw new ServiceError(Array.isArray(job.errors) ? 'refused' : 'status', {
    status: 500,
    detail: job.error || '',
    parameter: job.parameter ?? '',
    choices: Array.isArray(job.choices) ? job.choices : [],
    errors: Array.isArray(job.errors) ? job.errors : [],
  });
}
