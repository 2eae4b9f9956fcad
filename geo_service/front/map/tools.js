// The tools of the map: measure, draw an area and ask about it, ask about a place, the link
// to this view, and the page's help. One tool at a time; each shows its card on the map.
import { elementIn, make } from '../shared/dom.js';
import { iconButton } from './facts.js';
import { areas, metres } from './figures.js';
import * as geodesy from './geodesy.js';
import * as answers from './identify.js';
import { frameSheet } from './sheets.js';
import { settings, text } from './settings.js';
import { FEWEST_FOR_AREA, Sketch } from './sketch.js';
import { Vertices } from './vertices.js';

// From how near a place is looked at that the page around this one gives.
const PLACE_ZOOM = 15;

export class Tools {
  constructor(page) {
    this.page = page;
    /** @type {Sketch | null} */
    this.sketch = null;
    /** @type {Map<import('../shared/dom.js').IconName, HTMLElement>} */
    this.pressed = new Map();
    /** @type {import('../shared/dom.js').IconName | 'page' | null} */
    this.active = null;
    this.turn = 0;
    this.card = make('section', { class: 'tool-card', hidden: true, 'aria-live': 'polite' });
    page.stage.append(this.card);
    page.app.addEventListener('keydown', (event) => this.onKey(event));
  }

  buttons() {
    const add = (name, start) => {
      const press = () => this.flip(name, start);
      this.pressed.set(name, iconButton(name, text(`tool_${name}`), press));
    };
    add('measure', () => this.startMeasure());
    if (this.page.canIdentify) {
      add('area', () => this.startArea());
    }
    add('link', () => this.showLink());
    add('help', () => this.showHelp());
    return [...this.pressed.values()];
  }

  flip(name, start) {
    const isOn = this.active === name;
    this.stop();
    if (!isOn) {
      this.active = name;
      if (name !== 'link') {
        this.page.dock.close(); // a link brings back what is chosen
      }
      start();
      this.pressed.get(name)?.setAttribute('aria-pressed', 'true');
    }
  }

  stop() {
    this.page.app.classList.remove('is-drawing');
    this.page.eachMap((map) => map.doubleClickZoom.enable());
    this.sketch?.remove();
    this.sketch = null;
    this.card.hidden = true;
    if (this.active === 'page') {
      this.page.protocol?.sketchEnded();
    } else if (this.active) {
      this.pressed.get(this.active)?.removeAttribute('aria-pressed');
    }
    this.active = null;
  }

  // Ends what was drawn for the page around this one, without saying so to it.
  stopFor() {
    if (this.active === 'page') {
      this.active = null;
      this.stop();
    }
  }

  // True when there was a tool to end.
  escape() {
    const name = this.active;
    this.stop();
    if (name && name !== 'page') {
      this.pressed.get(name)?.focus({ preventScroll: true });
    }
    return Boolean(name);
  }

  // True when a tool takes the click.
  click(drawing, latlng) {
    this.sketch?.add(latlng, drawing);
    return Boolean(this.sketch);
  }

  onKey(event) {
    const isOnMap = event.target.classList.contains('leaflet-container');
    if (!isOnMap || !['Enter', 'Backspace'].includes(event.key)) {
      return;
    }
    event.preventDefault();
    if (event.key === 'Backspace') {
      this.sketch?.undo();
    } else if (this.sketch) {
      this.sketch.add(this.page.map.getCenter());
    } else {
      this.page.identify(this.page.drawing, this.page.map.getCenter(), { isFocused: true });
      // Escape comes back to where Enter was pressed.
      this.page.opener = event.target;
      this.page.dock.focus();
    }
  }

  showCard(title, ...body) {
    this.card.replaceChildren(
      make(
        'header',
        { class: 'card-head' },
        make('h2', null, title),
        iconButton('close', text('close'), () => this.escape()),
      ),
      make('div', { class: 'card-body' }, body),
    );
    this.card.setAttribute('aria-label', title);
    this.card.hidden = false;
  }

  startDraft(options) {
    this.page.app.classList.add('is-drawing');
    this.page.eachMap((map) => map.doubleClickZoom.disable());
    this.sketch = new Sketch(this.page, options);
    this.page.map.getContainer().focus({ preventScroll: true });
  }

  draftButtons(...more) {
    return make(
      'p',
      { class: 'card-buttons' },
      make(
        'button',
        { type: 'button', class: 'plain-button', click: () => this.sketch?.undo() },
        text('undo'),
      ),
      make(
        'button',
        { type: 'button', class: 'plain-button', click: () => this.sketch?.clear() },
        text('clear'),
      ),
      more,
    );
  }

  startMeasure() {
    const figures = make('dl', { class: 'facts' });
    const changed = (points) => {
      /** @type {[string, string[]][]} */
      const rows = [[text('length'), [metres(geodesy.length(points))]]];
      if (points.length >= FEWEST_FOR_AREA) {
        const ring = geodesy.length([...points, points[0]]);
        rows.push([text('perimeter'), [metres(ring)]], [text('area'), areas(geodesy.area(points))]);
      }
      figures.replaceChildren(
        ...rows.flatMap(([label, values]) => [
          make('dt', null, label),
          make(
            'dd',
            null,
            values.map((value) => make('span', { class: 'figure' }, value)),
          ),
        ]),
      );
    };
    this.showCard(
      text('tool_measure'),
      make('p', { class: 'hint' }, text('draw_hint')),
      figures,
      this.draftButtons(),
    );
    this.startDraft({ isClosed: false, changed });
    changed([]);
  }

  startArea() {
    const result = make('div', { class: 'answer' });
    const ask = make(
      'button',
      { type: 'button', class: 'main-button', disabled: true, click: () => this.askArea(result) },
      text('ask_area'),
    );
    const changed = (points) => {
      ask.disabled = points.length < FEWEST_FOR_AREA;
      const known = points.length >= FEWEST_FOR_AREA ? areas(geodesy.area(points)) : [];
      result.replaceChildren(...known.map((value) => make('span', { class: 'figure' }, value)));
    };
    this.showCard(
      text('tool_area'),
      make('p', { class: 'hint' }, text('draw_hint')),
      this.draftButtons(ask),
      result,
    );
    this.startDraft({ isClosed: true, changed });
  }

  // Draws for the page around this one, from the points given; `changed` is told every point. The
  // drawing holds to corners of what is there.
  startFor(kind, points, changed) {
    const isClosed = kind === 'area';
    const isSingle = kind === 'point';
    this.stop();
    this.page.eachMap((map) => map.closePopup());
    this.active = 'page';
    this.showCard(
      text(`sketch_${kind}`),
      make('p', { class: 'hint' }, text(isSingle ? 'sketch_point_hint' : 'sketch_hint')),
      isSingle ? null : this.draftButtons(),
    );
    const vertices = new Vertices(this.page);
    const snap = isSingle ? null : (...at) => vertices.near(...at);
    this.startDraft({ isClosed, isSingle, changed, snap, isMovable: true });
    const drawn = points.map(([lng, lat]) => L.latLng(lat, lng));
    if (isSingle && drawn.length) {
      const { map } = this.page;
      map.setView(drawn[0], Math.max(map.getZoom(), PLACE_ZOOM), { animate: false });
    } else if (drawn.length > 1) {
      // Above the card, beside the buttons.
      this.page.map.fitBounds(L.latLngBounds(drawn), {
        animate: false,
        maxZoom: 17,
        paddingTopLeft: [30, 50],
        paddingBottomRight: [60, this.card.offsetHeight + 20],
      });
    }
    this.sketch?.set(drawn);
  }

  async askArea(result) {
    const points = this.sketch?.points ?? [];
    const ring = [...points, points[0]].map(({ lng, lat }) => [lng, lat]);
    result.replaceChildren(make('p', { class: 'hint' }, text('asking')));
    const answer = await answers.ask(() =>
      answers.area(this.page, { type: 'Polygon', coordinates: [ring] }),
    );
    result.replaceChildren(...answer);
  }

  // Asks what is at a place and shows the answer in a sheet.
  async identify(drawing, latlng, { isFocused = false } = {}) {
    if (!this.page.canIdentify) {
      return;
    }
    const body = make('div', { class: 'sheet-body' }, make('p', { class: 'hint' }, text('asking')));
    const sheet = frameSheet(text('place_title'), body, { close: () => this.page.dock.close() });
    drawing.openSheet(sheet, latlng);
    const turn = (this.turn += 1);
    const answer = await answers.ask(() => answers.identify(this.page, drawing, latlng));
    if (turn === this.turn) {
      body.replaceChildren(...answer);
      const isLost = document.activeElement === document.body || document.activeElement === sheet;
      if (isFocused && isLost && sheet.isConnected) {
        sheet.focus({ preventScroll: true });
      }
    }
  }

  showLink() {
    const address = make('input', {
      type: 'text',
      class: 'address',
      readonly: true,
      'aria-label': text('tool_link'),
      value: this.page.link.address(),
    });
    const said = make('p', { class: 'hint', role: 'status' }, text('link_hint'));
    const copy = async () => {
      address.select();
      try {
        await navigator.clipboard.writeText(address.value);
        said.textContent = text('link_copied');
      } catch {
        said.textContent = text('link_copy_hint');
      }
    };
    this.showCard(
      text('tool_link'),
      address,
      make(
        'p',
        { class: 'card-buttons' },
        make('button', { type: 'button', class: 'main-button', click: copy }, text('copy')),
      ),
      said,
    );
    address.focus();
    address.select();
  }

  showHelp() {
    this.showCard(
      text('tool_help'),
      make(
        'ul',
        { class: 'help' },
        settings.help.map((line) => make('li', null, line)),
      ),
    );
    elementIn(this.card, '.icon-button')?.focus();
  }
}
