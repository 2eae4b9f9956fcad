// A scenario as the service keeps it, what is done to it, and what undoes that again. Every step
// says which state it has seen; who comes too late is told so.
import { ServiceError, ask, get } from '../api.js';

const MOST_STEPS = 100;
// What only the service's words about an edit are, not the edit.
const TOLD = ['text', 'subject'];

/**
 * @typedef {{ method: string, path: string, parameters?: Record<string, any>,
 *   body?: unknown }} Call
 * @typedef {{ back: Call[], forth: Call[] }} Step
 */

export function scenarioPath(id) {
  return `/api/scenarios/${encodeURIComponent(id)}`;
}

/** @param {any} edit */
export function plainEdit(edit) {
  return Object.fromEntries(Object.entries(edit).filter(([name]) => !TOLD.includes(name)));
}

export class ScenarioStore {
  /**
   * @param {string} id
   * @param {(document: any, options: { isSame: boolean }) => unknown} changed is told the scenario
   *   whenever it is another one; `isSame` if only words have changed
   */
  constructor(id, changed) {
    this.id = id;
    this.own = scenarioPath(id);
    this.changed = changed;
    /** @type {any} */
    this.document = null;
    /** @type {Step[]} */
    this.done = [];
    /** @type {Step[]} */
    this.undone = [];
    this.isBusy = false;
  }

  get edits() {
    return this.document.edits;
  }

  edit(id) {
    return this.edits.find((one) => one.edit_id === id) ?? null;
  }

  async load() {
    this.take(await get(this.own));
    this.recall();
    return this.document;
  }

  take(document, isSame = false) {
    this.document = document;
    this.changed(document, { isSame });
  }

  // ---- what is done ----

  async add(edit, at = null) {
    const before = new Set(this.edits.map((one) => one.edit_id));
    const parameters = at === null ? {} : { at };
    await this.send({ method: 'POST', path: '/edits', parameters, body: edit });
    const [made] = this.edits.filter((one) => !before.has(one.edit_id));
    const back = { method: 'DELETE', path: `/edits/${encodeURIComponent(made.edit_id)}` };
    const forth = { method: 'POST', path: '/edits', parameters, body: plainEdit(made) };
    this.remember({ back: [back], forth: [forth] });
    return made;
  }

  async drop(id) {
    const at = this.edits.findIndex((one) => one.edit_id === id);
    const body = plainEdit(this.edits[at]);
    const forth = { method: 'DELETE', path: `/edits/${encodeURIComponent(id)}` };
    await this.send(forth);
    this.remember({
      back: [{ method: 'POST', path: '/edits', parameters: { at }, body }],
      forth: [forth],
    });
  }

  switch(id, isOn) {
    return this.patch({ enabled: { [id]: isOn } }, { enabled: { [id]: !isOn } });
  }

  // Moves an edit up (-1) or down (1).
  move(id, way) {
    const order = this.edits.map((one) => one.edit_id);
    const at = order.indexOf(id);
    const moved = [...order];
    [moved[at], moved[at + way]] = [moved[at + way], moved[at]];
    return this.patch({ order: moved }, { order });
  }

  explain(id, reason) {
    const { reason: before } = this.edit(id);
    return this.patch({ reasons: { [id]: reason } }, { reasons: { [id]: before } }, true);
  }

  rename(name, reason) {
    const { name: oldName, reason: oldReason } = this.document;
    return this.patch({ name, reason }, { name: oldName, reason: oldReason }, true);
  }

  async patch(body, back, isSame = false) {
    const forth = { method: 'PATCH', path: '', body };
    await this.send(forth, isSame);
    this.remember({ back: [{ method: 'PATCH', path: '', body: back }], forth: [forth] });
  }

  async undo() {
    const step = this.done.at(-1);
    if (step) {
      await this.sendAll(step.back);
      this.done.pop();
      this.undone.push(step);
      this.keep();
    }
  }

  async redo() {
    const step = this.undone.at(-1);
    if (step) {
      await this.sendAll(step.forth);
      this.undone.pop();
      this.done.push(step);
      this.keep();
    }
  }

  // What cannot be undone step by step: a publication, another base.
  forget(document) {
    this.done = [];
    this.undone = [];
    this.keep();
    this.take(document);
  }

  // ---- sending ----

  async sendAll(calls) {
    for (const call of calls) {
      await this.send(call);
    }
  }

  /**
   * @param {Call} call
   * @param {boolean} [isSame]
   */
  async send(call, isSame = false) {
    if (this.isBusy) {
      throw new ServiceError('busy');
    }
    this.isBusy = true;
    try {
      const { document } = await this.ask(call);
      this.take(document, isSame);
    } finally {
      this.isBusy = false;
    }
  }

  /** @param {Call} call */
  ask({ method, path, parameters = {}, body = undefined }) {
    const headers = { 'if-match': `"${this.document.etag}"` };
    return ask(`${this.own}${path}`, { method, parameters, body, headers });
  }

  // ---- steps that can be undone, over a reload too ----

  remember(step) {
    this.done = [...this.done, step].slice(-MOST_STEPS);
    this.undone = [];
    this.keep();
  }

  keep() {
    const { done, undone } = this;
    const kept = JSON.stringify({ etag: this.document.etag, done, undone });
    try {
      sessionStorage.setItem(`scenario ${this.id}`, kept);
    } catch {
      // Too much of it, or not allowed: then only this page can undo.
    }
    this.changed(this.document, { isSame: true });
  }

  recall() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(`scenario ${this.id}`) ?? 'null');
      if (kept?.etag === this.document.etag) {
        this.done = kept.done;
        this.undone = kept.undone;
        this.changed(this.document, { isSame: true });
      }
    } catch {
      // Nothing that can be read: nothing to undo.
    }
  }
}
