// Which decisions of a layout are accepted, and the scenario that is made of them.
import { make } from '../../shared/dom.js';
import { count } from '../amounts.js';
import { ask } from '../api.js';
import { pageAddress, t } from '../frame.js';
import { button, panel } from '../parts.js';
import { faultOf } from '../scenario/words.js';

export class Acceptance {
  constructor(found, path) {
    this.path = path;
    this.all = [
      ...found.parks.filter((park) => park.is_changed).map((park) => park.park_id),
      ...found.projects.filter((item) => item.candidate_id).map((item) => item.project),
      ...found.moves.map((move) => move.enterprise_id),
    ];
    this.chosen = new Set(this.all);
    this.firmness = new Map(found.firm.map((one) => [one.subject, one]));
    this.words = make('p', { role: 'status', id: 'chosen-count' });
    this.outcome = make('div', { id: 'accepted' });
    this.send = button(t('layouts.accept'), () => this.accept(), {
      kind: 'strong',
      id: 'accept',
    });
    /** @type {HTMLInputElement[]} */
    this.ticks = [];
    this.tell();
  }

  tick(subject, name) {
    const tick = make('input', {
      type: 'checkbox',
      checked: this.chosen.has(subject),
      value: subject,
      'aria-label': t('layouts.accept_one', { name }),
      change: () => {
        this.chosen[tick.checked ? 'add' : 'delete'](subject);
        this.follow(subject, tick.checked);
        this.tell();
      },
    });
    this.ticks.push(tick);
    return tick;
  }

  // A decision stands in one table; drawn anew it may have several ticks.
  follow(subject, isOn) {
    this.ticks = this.ticks.filter((tick) => tick.isConnected);
    for (const tick of this.ticks.filter((one) => one.value === subject)) {
      tick.checked = isOn;
    }
  }

  choose(isAll) {
    this.chosen = new Set(isAll ? this.all : []);
    this.ticks.forEach((tick) => {
      tick.checked = isAll;
    });
    this.tell();
  }

  tell() {
    const chosen = count(this.chosen.size);
    this.words.textContent = t('layouts.chosen', { chosen, all: count(this.all.length) });
    this.send.disabled = !this.chosen.size;
  }

  async accept() {
    this.send.disabled = true;
    this.outcome.replaceChildren();
    const isAll = this.chosen.size === this.all.length;
    const body = isAll ? {} : { decisions: this.all.filter((one) => this.chosen.has(one)) };
    try {
      const { document } = await ask(`${this.path}/scenario`, { method: 'POST', body });
      const link = make(
        'a',
        { href: pageAddress(`/scenarios/${encodeURIComponent(document.scenario_id)}`) },
        t('layouts.open_scenario'),
      );
      this.outcome.replaceChildren(
        make(
          'p',
          { class: 'callout', role: 'status' },
          t('layouts.accepted', { count: count(document.edits.length) }),
          ' ',
          link,
        ),
      );
      link.focus();
    } catch (error) {
      this.outcome.replaceChildren(faultOf(error));
    }
    this.tell();
  }

  panel() {
    return panel(
      t('layouts.accept_title'),
      { note: t('layouts.accept_note'), id: 'acceptance', className: 'no-print' },
      make(
        'div',
        { class: 'stack-small' },
        this.words,
        make(
          'div',
          { class: 'tools' },
          this.send,
          button(t('layouts.choose_all'), () => this.choose(true), { kind: 'plain small' }),
          button(t('layouts.choose_none'), () => this.choose(false), { kind: 'plain small' }),
        ),
        this.outcome,
      ),
    );
  }
}
