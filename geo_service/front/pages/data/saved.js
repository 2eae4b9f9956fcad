// What is kept: saved reviews and rankings, the lists of imports, drafts and jobs; each can be
// dropped, results can be pinned, and old ones go together.
import { dataText, make } from '../../shared/dom.js';
import { hasValue } from '../../shared/format.js';
import { count, number, percent, time } from '../amounts.js';
import { ask, emptyState, errorState, fillWith, get } from '../api.js';
import { pageAddress, start, t } from '../frame.js';
import { button, labelled } from '../parts.js';
import { table } from '../table.js';
import { titleOf } from './layer_list.js';

const LISTED = 1000;
const PER_MB = 1_000_000;

export const savedContainer = make('div', { id: 'kept' });

function megabytes(bytes) {
  if (bytes < PER_MB / 10) {
    return t('kept.kilobytes', { value: count(Math.ceil(bytes / 1000)) });
  }
  if (bytes < 1000 * PER_MB) {
    return t('kept.megabytes', { value: number(bytes / PER_MB) });
  }
  return t('kept.gigabytes', { value: number(bytes / PER_MB / 1000) });
}

function addressOf(item) {
  if (item.kind === 'review') {
    return pageAddress(`/reviews/${encodeURIComponent(item.id)}`);
  }
  if (item.kind === 'ranking') {
    return pageAddress(`/sites?ranking=${encodeURIComponent(item.id)}`);
  }
  return null;
}

// A button that says what it would do and is pressed once more before it does.
function twice(label, question, confirm, work) {
  const container = make('span', { class: 'twice' });
  const first = button(
    label,
    () => {
      const yes = button(
        confirm,
        async () => {
          yes.disabled = true;
          try {
            await work();
          } catch (error) {
            container.replaceChildren(errorState(error));
          }
        },
        { kind: 'strong small' },
      );
      container.replaceChildren(
        make('span', { role: 'status' }, question),
        ' ',
        yes,
        ' ',
        button(t('console.cancel'), () => container.replaceChildren(first), {
          kind: 'quiet small',
        }),
      );
      yes.focus();
    },
    { kind: 'plain small' },
  );
  container.append(first);
  return container;
}

function actions(item, again) {
  const path = `/api/saved/${encodeURIComponent(item.id)}`;
  const pin =
    item.kind === 'import'
      ? null
      : button(
          t(item.is_pinned ? 'kept.unpin' : 'kept.pin'),
          async (event) => {
            event.target.disabled = true;
            await ask(`${path}/pin`, { method: item.is_pinned ? 'DELETE' : 'PUT' }).catch(
              () => null,
            );
            again();
          },
          { kind: 'plain small' },
        );
  const isFree = !item.is_pinned && !item.is_held && item.id !== start.review_id;
  const drop = isFree
    ? twice(t('kept.drop'), t('kept.drop_sure'), t('kept.drop_now'), async () => {
        await ask(path, { method: 'DELETE' });
        again();
      })
    : null;
  return make('span', { class: 'tools' }, pin, drop);
}

function name(item) {
  const address = addressOf(item);
  const shown = time(item.made_at);
  return make(
    'span',
    {},
    address ? make('a', { href: address }, shown) : shown,
    ' ',
    item.is_pinned ? make('span', { class: 'chip is-current' }, t('kept.pinned')) : null,
    item.is_held ? make('span', { class: 'chip is-real' }, t('kept.held')) : null,
    item.id === start.review_id
      ? make('span', { class: 'chip is-current' }, t('kept.current'))
      : null,
    make('span', { class: 'under' }, make('code', {}, dataText(item.id))),
  );
}

function resultTable(found, again) {
  const list = table(
    [
      {
        key: 'made',
        label: t('kept.made_at'),
        isHead: true,
        value: (item) => item.made_at,
        isDownFirst: true,
        show: name,
      },
      {
        key: 'kind',
        label: t('kept.kind'),
        value: (item) => item.kind,
        show: (item) => t(`kept.kind_${item.kind}`),
      },
      {
        key: 'bytes',
        label: t('kept.size'),
        css: 'number',
        value: (item) => item.bytes,
        isDownFirst: true,
        show: (item) => megabytes(item.bytes),
      },
      { key: 'actions', label: t('kept.actions'), show: (item) => actions(item, again) },
    ],
    {
      caption: t('kept.title'),
      atATime: 10,
      empty: () => emptyState(t('kept.none'), { hint: t('kept.none_hint') }),
    },
  );
  list.update(found.saved);
  return list.node;
}

// Older than so many days, or more than so many megabytes together: these go.
function retainForm(again) {
  const days = make('input', {
    type: 'number',
    min: 1,
    max: 36500,
    step: 1,
    id: 'retain-days',
    inputmode: 'numeric',
  });
  const size = make('input', {
    type: 'number',
    min: 0,
    step: 1,
    id: 'retain-size',
    inputmode: 'numeric',
  });
  const container = make('div', { 'aria-live': 'polite' });
  const press = twice(t('kept.retain'), t('kept.retain_sure'), t('kept.retain_now'), async () => {
    const body = {};
    if (hasValue(days.value)) {
      body.days = Number(days.value);
    }
    if (hasValue(size.value)) {
      body.bytes = Math.round(Number(size.value) * PER_MB);
    }
    const { document } = await ask('/api/saved/retain', { method: 'POST', body });
    again(t('kept.retained', { count: count(document.dropped.length) }));
  });
  return make(
    'details',
    { class: 'fold', id: 'retain' },
    make('summary', {}, t('kept.retain_title')),
    make('p', { class: 'note' }, t('kept.retain_note')),
    make(
      'div',
      { class: 'compare-form form-end' },
      labelled(t('kept.days'), days),
      labelled(t('kept.most'), size),
      press,
    ),
    container,
  );
}

function jobRows(jobs, again) {
  if (!jobs.length) {
    return null;
  }
  return make(
    'details',
    { class: 'fold' },
    make('summary', {}, `${t('kept.jobs')} (${count(jobs.length)})`),
    make(
      'ul',
      { class: 'plain-list' },
      jobs.slice(0, 50).map((job) => {
        const isAtWork = job.status === 'waiting' || job.status === 'running';
        const stop = isAtWork
          ? button(
              t('console.cancel'),
              async () => {
                await ask(`/api/jobs/${job.job_id}`, { method: 'DELETE' }).catch(() => null);
                again();
              },
              { kind: 'plain small' },
            )
          : null;
        return make(
          'li',
          {},
          time(job.made_at),
          ' ',
          make('span', { class: 'chip' }, t(`kept.job_${job.status}`)),
          ' ',
          job.status === 'running' ? percent(job.progress) : null,
          job.error ? make('span', { class: 'under' }, dataText(job.error)) : null,
          ' ',
          stop,
        );
      }),
    ),
  );
}

function importRows(imports, again) {
  if (!imports.length) {
    return null;
  }
  return make(
    'details',
    { class: 'fold' },
    make('summary', {}, `${t('kept.imports')} (${count(imports.length)})`),
    make(
      'ul',
      { class: 'plain-list' },
      imports.map((item) =>
        make(
          'li',
          {},
          time(item.made_at),
          ' ',
          dataText(item.file),
          ' → ',
          titleOf(item.layer),
          ' ',
          make(
            'span',
            { class: item.status === 'published' ? 'chip is-real' : 'chip' },
            t(`kept.import_${item.status}`),
          ),
          ' ',
          twice(t('kept.drop'), t('kept.drop_sure'), t('kept.drop_now'), async () => {
            await ask(`/api/imports/${encodeURIComponent(item.import_id)}`, { method: 'DELETE' });
            again();
          }),
        ),
      ),
    ),
  );
}

// Fills a container with all that is kept, and again after each change.
export function showSaved(container, notice = null) {
  const again = (words = null) => showSaved(container, words);
  return fillWith(container, async () => {
    const [found, { jobs }, { imports }] = await Promise.all([
      get('/api/saved', { limit: LISTED }),
      get('/api/jobs'),
      start.may.import ? get('/api/imports') : { imports: [] },
    ]);
    return [
      notice ? make('p', { class: 'cure', role: 'status' }, notice) : null,
      found.is_nearly_full
        ? make(
            'p',
            { class: 'callout', role: 'alert' },
            t('kept.nearly_full_page', { most: megabytes(found.limits.bytes) }),
          )
        : null,
      make(
        'p',
        { class: 'note' },
        t('kept.total_page', { count: count(found.numberMatched), size: megabytes(found.bytes) }),
        ' ',
        limits(found.limits),
      ),
      resultTable(found, again),
      start.may.retain ? retainForm(again) : null,
      importRows(imports, again),
      jobRows(jobs, again),
    ];
  });
}

function limits({ days, bytes }) {
  const parts = [
    hasValue(days) ? t('kept.limit_days', { days: count(days) }) : null,
    hasValue(bytes) ? t('kept.limit_bytes', { size: megabytes(bytes) }) : null,
  ].filter(Boolean);
  return parts.length ? parts.join(start.lang === 'en' ? ' ' : '') : t('kept.no_limits');
}
