// A review as an act: what it is at, who did what, and what the account may do next.
import { dataText, make } from '../../shared/dom.js';
import { count, time } from '../amounts.js';
import { ask, errorState } from '../api.js';
import { openDialog } from '../dialog.js';
import { t } from '../frame.js';
import { button, labelled, panel } from '../parts.js';

const MARKS = { submitted: 'is-changed', signed: 'is-real' };
const MOST_WORDS = 2000;

// What is said beside a review's name; nothing of a draft.
export function actMark(state) {
  return state === 'draft'
    ? null
    : make('span', { class: `chip ${MARKS[state] ?? ''}` }, t(`act_state.${state}`));
}

// The buttons of the steps that are open to the account that asks.
export function actButtons({ may }, address) {
  return may.map((step) =>
    button(t(`act_page.${step}`), () => openStep(step, address), {
      kind: step === 'return' ? 'plain' : 'strong',
      id: `act-${step}`,
    }),
  );
}

function openStep(step, address) {
  openDialog(t(`act_page.${step}`), (close) => {
    const isReturn = step === 'return';
    const words = make('textarea', {
      class: 'edit-words',
      rows: 4,
      maxlength: MOST_WORDS,
      required: isReturn,
    });
    const outcome = make('div', { 'aria-live': 'polite' });
    const send = async (event) => {
      event.preventDefault();
      try {
        await ask(`${address}/${step}`, {
          method: 'POST',
          body: isReturn ? { reason: words.value } : { note: words.value },
        });
        window.location.reload();
      } catch (error) {
        outcome.replaceChildren(errorState(error));
      }
    };
    return make(
      'form',
      { class: 'stack-small', submit: send },
      make('p', { class: 'note' }, t(`act_page.${step}_note`)),
      labelled(t(isReturn ? 'act_page.reason' : 'act_page.words'), words),
      outcome,
      make(
        'div',
        { class: 'tools' },
        make('button', { type: 'submit', class: 'button strong' }, t(`act_page.${step}`)),
        button(t('console.cancel'), close),
      ),
    );
  });
}

export function actPanel(act) {
  const { state, steps, record, closed, is_outdated: isOutdated } = act;
  const line = (step) =>
    make(
      'li',
      {},
      make('strong', {}, t(`act_step.${step.step}`)),
      ' · ',
      dataText(step.account),
      ' · ',
      time(step.at),
      step.note ? make('span', { class: 'under' }, dataText(step.note)) : null,
    );
  return panel(
    t('act_page.title'),
    { className: 'is-act', note: t(`act_state.${state}`) },
    closed ? make('p', { class: 'callout' }, closed) : null,
    isOutdated ? make('p', { class: 'callout', role: 'note' }, t('act_page.outdated')) : null,
    steps.length ? make('ol', { class: 'plain-list act-steps' }, steps.map(line)) : null,
    record ? recordFacts(record) : null,
  );
}

function recordFacts(record) {
  const fact = (name, value) => make('div', {}, make('dt', {}, name), make('dd', {}, value));
  const code = (text) => make('code', {}, text);
  return make(
    'dl',
    { class: 'facts' },
    fact(t('act_page.plan'), code(record.plan_version)),
    fact(t('act_page.rulebook'), code(record.rulebook_version)),
    fact(t('act_page.documents'), count(record.documents.length)),
    fact(t('act_page.findings'), count(record.findings_count)),
    fact(t('act_page.software'), record.software),
    fact(t('act_page.digest'), code(record.findings_digest)),
  );
}
