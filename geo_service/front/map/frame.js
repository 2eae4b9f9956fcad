// The page around Folium's maps.
import { dataText, make } from '../shared/dom.js';
import { Legend } from './legend.js';
import { hatches } from './markers.js';
import { Messages, credits, emptyNote, illustrativeNote } from './notes.js';
import { Panel, heading } from './panel.js';
import { Print } from './print.js';
import { settings } from './settings.js';
import { Timeline } from './timeline.js';

// Builds the page: heading, panel, stage with the maps, legend, notes, what is printed below.
export function buildFrame(page) {
  page.panel = new Panel({
    search: (query) => page.search(query),
    toggle: (name, isOn) => page.toggle(name, isOn),
    toggleAll: (names, isOn) => page.toggleAll(names, isOn),
    flip: (name) => page.toggle(name, !page.shown.has(name)),
  });
  page.legend = new Legend();
  page.messages = new Messages(() => page.retry());
  page.stage = make('main', { class: 'stage' });
  page.app = make(
    'div',
    { class: `app kind-${settings.kind}` },
    heading({
      togglePanel: () => page.openPanel(!page.app.classList.contains('is-panel-open')),
      here: () => page.link.hash(),
    }),
    page.panel.element,
    page.stage,
  );
  const containers = page.drawings.map((drawing) => drawing.map.getContainer());
  containers[0].before(page.app);
  containers.forEach((container, place) => {
    const { label } = settings.maps[place];
    container.setAttribute('aria-label', label || settings.title);
    container.before(make('span'));
  });
  page.timeline = settings.timeline ? new Timeline((step) => page.goTo(step)) : null;
  page.frames = make(
    'div',
    { class: 'maps' },
    containers.map((container, place) => framed(container, place)),
  );
  page.stage.append(
    page.frames,
    illustrativeNote() || '',
    emptyNote() || '',
    page.messages.element,
    page.legend.element,
    credits(),
  );
  if (page.timeline) {
    page.stage.append(page.timeline.element);
    page.timeline.show(page.step);
  }
  page.print = new Print(page);
  page.app.append(hatches(), page.print.element);
  page.eachMap((map) => map.invalidateSize({ pan: false }));
}

function framed(container, place) {
  const { label, note } = settings.maps[place];
  return make(
    'div',
    { class: 'map-frame' },
    container,
    label
      ? make(
          'p',
          { class: 'state-label' },
          make('strong', null, label),
          note ? dataText(note, {}, 'span') : null,
        )
      : null,
  );
}
