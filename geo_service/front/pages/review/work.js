// What is done about a finding: state, owner, due day, notes, and the log of all that was said.
import { dataText, make } from '../../shared/dom.js';
import { time } from '../amounts.js';
import { ask, errorState, fillWith, get } from '../api.js';
import { t } from '../frame.js';
import { button, labelled, select } from '../parts.js';

const STATES = ['open', 'in_work', 'done', 'deferred'];
const MOST_WORDS = 2000;
const MOST_NUMBER = 200;

// A box that fills itself with what stands of a finding; whoever may changes it there.
export function workBox(finding) {
  const box = make('div', { class: 'work-box' });
  const about = {
    rule: finding.rule_id,
    layer: finding.subject.layer,
    subject: finding.subject.id,
  };
  const show = () =>
    fillWith(box, async () => {
      const told = await get('/api/work/of', about);
      return [
        summaryOf(told),
        logOf(told.log),
        told.may.change ? fold(t('work_page.change'), changeForm(finding, told, show)) : null,
        told.may.grant && !finding.waived && !finding.approval
          ? fold(t('work_page.grant'), grantForm(finding))
          : null,
        ...told.entries
          .filter((entry) => !entry.is_revoked)
          .map((entry) => entryOf(entry, told.may.grant, show)),
      ];
    });
  show();
  return make('section', { class: 'work' }, make('h4', {}, t('work_page.title')), box);
}

function fold(title, form) {
  return make('details', { class: 'fold' }, make('summary', {}, title), form);
}

function summaryOf(told) {
  const fact = (name, value) =>
    value ? make('div', {}, make('dt', {}, name), make('dd', {}, value)) : null;
  const due = told.due
    ? [told.due, told.is_overdue ? make('span', { class: 'chip is-must' }, overdueWord()) : null]
    : null;
  return make(
    'dl',
    { class: 'facts' },
    fact(t('work_page.state'), t(`work_state.${told.state}`)),
    fact(t('work_page.owner'), told.owner ? dataText(told.owner) : null),
    fact(t('work_page.due'), due),
  );
}

function overdueWord() {
  return t('work_filter.overdue');
}

function logOf(log) {
  const line = ({ at, account, state, owner, due, note }) =>
    make(
      'li',
      {},
      [time(at), account, t(`work_state.${state}`), owner, due].filter(Boolean).join(' · '),
      note ? make('span', { class: 'under' }, dataText(note)) : null,
    );
  return log.length ? make('ol', { class: 'plain-list work-log' }, log.map(line)) : null;
}

// Sends a form's values and says what is wrong with them.
function sending(send, outcome, done) {
  return async (event) => {
    event.preventDefault();
    try {
      await send();
      done();
    } catch (error) {
      outcome.replaceChildren(errorState(error));
    }
  };
}

function changeForm(finding, told, done) {
  const state = select(
    STATES.map((name) => [name, t(`work_state.${name}`)]),
    { value: told.state },
  );
  const owner = select([['', '—'], ...told.owners.map((name) => [name, name])], {
    value: told.owner ?? '',
  });
  const due = make('input', { type: 'date', max: '9999-12-31', value: told.due ?? '' });
  const note = make('textarea', { class: 'edit-words', rows: 2, maxlength: MOST_WORDS });
  const outcome = make('div', { 'aria-live': 'polite' });
  const send = () =>
    ask('/api/work', {
      method: 'POST',
      body: {
        rule_id: finding.rule_id,
        subject: finding.subject,
        state: state.value,
        owner: owner.value || null,
        due: due.value || null,
        note: note.value,
        after: told.last,
      },
    });
  return make(
    'form',
    { class: 'stack-small work-form', submit: sending(send, outcome, done) },
    make(
      'div',
      { class: 'compare-form' },
      labelled(t('work_page.state'), state),
      told.owners.length ? labelled(t('work_page.owner'), owner) : null,
      labelled(t('work_page.due'), due),
    ),
    labelled(t('work_page.note'), note),
    outcome,
    make('div', { class: 'tools' }, submit(t('work_page.keep'))),
  );
}

function submit(label) {
  return make('button', { type: 'submit', class: 'button strong small' }, label);
}

// Of a rule on law an authority approves; a rule of the county's own is set aside.
function grantForm(finding) {
  const isLaw = ['law', 'normative_document'].includes(finding.basis_tag);
  const text = (most) => make('input', { type: 'text', required: true, maxlength: most });
  const [number, authority] = [text(MOST_NUMBER), text(MOST_NUMBER)];
  const reason = make('textarea', { class: 'edit-words', rows: 2, required: true });
  const begins = make('input', { type: 'date', max: '9999-12-31' });
  const ends = make('input', { type: 'date', max: '9999-12-31', required: !isLaw });
  const outcome = make('div', { 'aria-live': 'polite' });
  const body = () => ({
    kind: isLaw ? 'approval' : 'waiver',
    rule_id: finding.rule_id,
    subject: finding.subject,
    document_number: number.value,
    authority: authority.value,
    reason: reason.value,
    begins_on: begins.value || null,
    expires_on: ends.value || null,
  });
  const send = () => ask('/api/entries', { method: 'POST', body: body() });
  const preview = async () => {
    try {
      const { document } = await ask('/api/entries/effect', { method: 'POST', body: body() });
      outcome.replaceChildren(effectOf(document));
    } catch (error) {
      outcome.replaceChildren(errorState(error));
    }
  };
  const done = () =>
    outcome.replaceChildren(make('p', { class: 'cure', role: 'status' }, t('work_page.granted')));
  return make(
    'form',
    { class: 'stack-small work-form', submit: sending(send, outcome, done) },
    make('p', { class: 'note' }, t(isLaw ? 'work_page.approval_note' : 'work_page.waiver_note')),
    make(
      'div',
      { class: 'compare-form' },
      labelled(t('work_page.number'), number),
      labelled(t('work_page.authority'), authority),
      labelled(t('work_page.begins'), begins),
      labelled(t('work_page.ends'), ends),
    ),
    labelled(t(isLaw ? 'work_page.scope' : 'work_page.reason'), reason),
    outcome,
    make(
      'div',
      { class: 'tools' },
      submit(t(isLaw ? 'work_page.approve' : 'work_page.waive')),
      button(t('work_page.effect'), preview, { kind: 'plain small' }),
    ),
  );
}

function effectOf({ findings, parks, holds_today: holds }) {
  const words = (park) =>
    [park.park_id, `${t(`verdict.${park.before}`)} → ${t(`verdict.${park.after}`)}`].join(' · ');
  return make(
    'div',
    { class: 'callout', role: 'status' },
    make('p', {}, t('work_page.sets_aside', { count: String(findings.length) })),
    holds ? null : make('p', {}, t('work_page.not_today')),
    make(
      'ul',
      { class: 'plain-list' },
      parks.map((park) => make('li', {}, words(park))),
    ),
  );
}

function entryOf(entry, mayRevoke, done) {
  const { document_number: number, expires_on: ends, reason, scope } = entry.entry;
  const words = [t(`work_kind.${entry.kind}`), number, ends, reason ?? scope];
  return make(
    'div',
    { class: 'work-entry' },
    make('p', {}, dataText(words.filter(Boolean).join(' · '))),
    mayRevoke ? fold(t('work_page.revoke'), revokeForm(entry, done)) : null,
  );
}

function revokeForm(entry, done) {
  const why = make('textarea', { class: 'edit-words', rows: 2, required: true });
  const outcome = make('div', { 'aria-live': 'polite' });
  const path = `/api/entries/${encodeURIComponent(entry.entry_id)}/revoke`;
  const send = () => ask(path, { method: 'POST', body: { reason: why.value } });
  return make(
    'form',
    { class: 'stack-small work-form', submit: sending(send, outcome, done) },
    labelled(t('work_page.reason'), why),
    outcome,
    make('div', { class: 'tools' }, submit(t('work_page.revoke'))),
  );
}
