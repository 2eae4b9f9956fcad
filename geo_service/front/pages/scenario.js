// One scenario's workbench: its edits, the map of its plan, and what it changes, side by side.
import { dataText, elementIn, icon, make, shorten } from '../shared/dom.js';
import { address, errorState } from './api.js';
import { pageAddress, printPage, setTitle, showPage, start, t, wordOf } from './frame.js';
import { button, pageHead } from './parts.js';
import { Changes } from './scenario/changes.js';
import { openDialog } from './dialog.js';
import { EditForm } from './scenario/forms.js';
import { EditList } from './scenario/list.js';
import { openPublish, publications } from './scenario/publish.js';
import { openRebase } from './scenario/rebase.js';
import { Stage } from './scenario/stage.js';
import { ScenarioStore } from './scenario/store.js';
import { EVERY_OP, OPS, faultOf } from './scenario/words.js';

// What of the page stands in its address.
const KEPT = ['edit', 'add', 'kind', 'tab', 'view', 'ranking', 'candidate'];

class Bench {
  constructor() {
    this.store = new ScenarioStore(start.scenario_id, (_, { isSame }) => this.follow(isSame));
    this.state = Object.fromEntries(new URLSearchParams(window.location.search));
    this.isDrawn = false;
    // The parts of the page, which are there once the scenario is.
    /** @type {any} */
    this.list = null;
    /** @type {any} */
    this.stage = null;
    /** @type {any} */
    this.changes = null;
    this.headBox = make('div', { class: 'bench-top' });
    this.formBox = make('div', { class: 'form-box' });
    this.publishedBox = make('div');
    this.opener = this.opChooser();
    /** @type {any} */
    this.drawing = null;
    /** @type {EditForm | null} */
    this.form = null;
    window.addEventListener('popstate', () => window.location.reload());
  }

  get chosen() {
    return this.state.edit ?? null;
  }

  get kind() {
    return this.state.kind ?? null;
  }

  get map() {
    return this.stage.map;
  }

  // Keeps what is chosen in the address.
  set(values) {
    this.state = { ...this.state, ...values };
    const kept = KEPT.filter((name) => this.state[name]).map((name) => [name, this.state[name]]);
    const lang = new URLSearchParams(window.location.search).get('lang');
    const query = new URLSearchParams(lang ? [...kept, ['lang', lang]] : kept);
    const found = `${window.location.pathname}${query.size ? `?${query}` : ''}`;
    window.history.replaceState(null, '', found);
  }

  setKind(kind) {
    this.set({ kind });
  }

  async open() {
    try {
      await this.store.load();
      this.show();
    } catch (error) {
      showPage(
        pageHead(t('console.scenario_title')),
        errorState(error, () => this.open()),
      );
    }
  }

  async reload() {
    await this.store.load();
  }

  // The scenario has become another one, or only words of it.
  follow(isSame) {
    if (!this.isDrawn) {
      return;
    }
    this.list.draw();
    this.drawHead();
    this.drawPublished();
    if (!isSame) {
      this.changes.look();
    }
  }

  // ---- the page ----

  show() {
    this.list = new EditList(this);
    this.stage = new Stage(this);
    this.changes = new Changes(this);
    showPage(
      this.headBox,
      make(
        'div',
        { class: 'bench' },
        make(
          'section',
          { class: 'bench-part is-edits', 'aria-labelledby': 'edits-title', tabindex: '-1' },
          this.formBox,
          this.opener,
          this.list.node,
          this.publishedBox,
        ),
        make(
          'section',
          { class: 'bench-part is-stage', 'aria-label': t('scenarios.map') },
          this.stage.node,
        ),
        make(
          'section',
          { class: 'bench-part is-changes', 'aria-labelledby': 'what-changes', tabindex: '-1' },
          make(
            'div',
            { class: 'bench-head' },
            make('h2', { id: 'what-changes' }, t('scenarios.changes')),
          ),
          this.changes.node,
        ),
      ),
    );
    this.isDrawn = true;
    this.follow(false);
    const { add } = this.state;
    if (EVERY_OP.includes(add)) {
      this.begin(add, { ranking: this.state.ranking, candidate: this.state.candidate });
    }
  }

  drawHead() {
    const { document } = this.store;
    setTitle(shorten(document.name, 60), t('console.scenario_title'));
    const compare = `/scenarios/compare?ids=${encodeURIComponent(`plan,${document.scenario_id}`)}`;
    const ofThis = new URLSearchParams({ scenario: document.scenario_id });
    const [home, sites] = [`/?${ofThis}`, `/sites?${ofThis}`];
    this.headBox.replaceChildren(
      pageHead(dataText(document.name), {
        above: make(
          'nav',
          { class: 'crumb', 'aria-label': t('scenarios.crumb') },
          make('a', { href: pageAddress('/scenarios') }, t('console.nav_scenarios')),
          make('span', { 'aria-hidden': 'true' }, '/'),
          make('code', {}, document.scenario_id),
          document.is_current
            ? make('span', { class: 'chip is-real' }, t('scenarios.is_current'))
            : make('span', { class: 'chip is-changed' }, t('scenarios.has_moved')),
        ),
        line: document.reason ? dataText(document.reason) : null,
        tools: [
          button(t('scenarios.rename'), () => this.rename()),
          make('a', { class: 'button plain', href: pageAddress(compare) }, t('scenarios.compare')),
          make('a', { class: 'button plain', href: pageAddress(home) }, t('console.nav_home')),
          make('a', { class: 'button plain', href: pageAddress(sites) }, t('scenarios.find_site')),
          make(
            'a',
            { class: 'button plain', href: address(`${this.store.own}/export`), download: '' },
            t('scenarios.export'),
          ),
          button(t('console.print'), printPage, { sign: 'print' }),
          start.may.publish
            ? button(t('scenarios.publish'), () => openPublish(this), {
                kind: 'strong',
                id: 'publish',
                disabled: !document.edits.length,
              })
            : null,
        ],
      }),
      document.is_current ? '' : this.moved(document),
    );
  }

  // The plan has moved on since the scenario began.
  moved(document) {
    const layers = document.moved_layers.map((layer) => wordOf('layer', layer)).join(' · ');
    return make(
      'div',
      { class: 'callout moved', role: 'note' },
      make('p', {}, t('scenarios.moved', { layers })),
      button(t('scenarios.rebase'), () => openRebase(this), {
        kind: 'strong small',
        id: 'open-rebase',
      }),
    );
  }

  drawPublished() {
    this.publishedBox.replaceChildren(publications(this) ?? '');
  }

  rename() {
    const { document } = this.store;
    openDialog(t('scenarios.rename'), (close) => {
      const name = make('input', { type: 'text', required: true, maxlength: 200 });
      const reason = make('textarea', { class: 'edit-words', maxlength: 2000 });
      name.value = document.name;
      reason.value = document.reason;
      const outcome = make('div');
      return make(
        'form',
        {
          class: 'stack-small',
          submit: async (event) => {
            event.preventDefault();
            try {
              await this.store.rename(name.value, reason.value);
              close();
            } catch (error) {
              outcome.replaceChildren(faultOf(error, () => this.reload()));
            }
          },
        },
        make(
          'label',
          { class: 'field' },
          make('span', { class: 'label' }, t('scenarios.name')),
          name,
        ),
        make(
          'label',
          { class: 'field' },
          make('span', { class: 'label' }, t('scenarios.why')),
          reason,
        ),
        outcome,
        make(
          'div',
          { class: 'tools' },
          make('button', { type: 'submit', class: 'button strong' }, t('scenarios.keep')),
          button(t('console.cancel'), close),
        ),
      );
    });
  }

  // ---- edits ----

  // The kinds of edits, by what they are about.
  opChooser() {
    const entry = (op) =>
      make(
        'li',
        {},
        make(
          'button',
          {
            type: 'button',
            class: 'op',
            'data-op': op,
            click: () => {
              menu.open = false;
              this.begin(op);
            },
          },
          t(`op.${op}`),
          make('small', {}, t(`op.${op}_is`)),
        ),
      );
    const menu = make(
      'details',
      { class: 'ops', id: 'ops' },
      make('summary', { class: 'button strong' }, icon('plus', 18), t('scenarios.add')),
      OPS.map(([group, ops]) =>
        make(
          'div',
          { class: 'op-group' },
          make('h3', {}, t(`scenarios.ops_${group}`)),
          make('ul', { class: 'plain-list' }, ops.map(entry)),
        ),
      ),
    );
    menu.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && menu.open) {
        menu.open = false;
        elementIn(menu, 'summary')?.focus();
      }
    });
    return menu;
  }

  // Opens the form of a kind of edit, with what is known of it already.
  begin(op, values = {}) {
    this.draw(null);
    this.form = new EditForm(this, op);
    this.formBox.replaceChildren(this.form.node);
    this.opener.hidden = true;
    this.set({ add: op, ranking: values.ranking ?? null, candidate: values.candidate ?? null });
    this.form.fill(values);
    this.form.node.scrollIntoView({ block: 'nearest' });
    this.form.focus();
  }

  closed() {
    this.form = null;
    this.formBox.replaceChildren();
    this.opener.hidden = false;
    this.set({ add: null, ranking: null, candidate: null });
    elementIn(this.opener, 'summary')?.focus();
  }

  added(edit) {
    this.closed();
    this.choose(edit.edit_id, { isSeen: true });
  }

  // Marks an edit in the list, and shows on the map what it is about.
  choose(id, { isSeen = false } = {}) {
    this.set({ edit: id });
    this.list.draw();
    const own = id === null ? null : `[data-id="${CSS.escape(id)}"]`;
    const item = own && elementIn(this.list.items, own);
    if (item && isSeen) {
      item.scrollIntoView({ block: 'nearest' });
    }
    if (item) {
      elementIn(item, '.edit-name')?.focus();
      const { layer, ids } = this.store.edit(id).subject;
      if (ids.length) {
        this.showOnMap(layer, ids[0]);
      }
    }
  }

  // ---- the map ----

  showOnMap(layer, id) {
    this.map.select(layer, id);
  }

  // Has the map draw for a field, or stop drawing.
  draw(field) {
    this.drawing = field;
    this.map.sketch(field?.kind ?? null, field?.points ?? []);
  }

  sketched(points) {
    if (points === null) {
      this.drawing = null;
    } else {
      this.drawing?.take(points);
    }
  }

  picked(layer, id) {
    this.form?.picked(layer, id);
  }

  // What a review of the scenario has told, which the map follows.
  outcome(found) {
    this.stage.follow(found);
  }

  // ---- what cannot be undone by a step ----

  rebased(document) {
    this.store.forget(document);
    this.say(t('scenarios.rebased'));
  }

  published({ scenario }, words) {
    this.store.forget(scenario);
    this.say(words);
  }

  say(words) {
    document.querySelector('.toast')?.remove();
    const close = button(t('console.close'), () => toast.remove(), { kind: 'quiet small' });
    const toast = make(
      'div',
      { class: 'toast no-print' },
      make('p', { role: 'status' }, words),
      close,
    );
    document.body.append(toast);
  }
}

new Bench().open();
