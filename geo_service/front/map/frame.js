// The page around Folium's maps.
import { dataText, make } from '../shared/dom.js';
import { Legend } from './legend.js';
import { Messages, credits, emptyNote, illustrativeNote } from './notes.js';
import { Panel, heading } from './panel.js';
import { hasOwnList, isFramed, settings } from './settings.js';
import { Timeline } from './timeline.js';

// Builds the page: heading, panel, stage with the maps, legend, notes, what is printed below.
export function buildFrame(page) {
  const panel = new Panel({
    search: (query) => page.search(query),
    toggle: (name, isOn) => page.toggle(name, isOn),
    toggleAll: (names, isOn) => page.toggleAll(names, isOn),
    flip: (name) => page.toggle(name, !page.shown.has(name)),
  });
  const legend = new Legend((name) => page.setTheme(name));
  const messages = new Messages(() => page.retry());
  const stage = make('main', { class: 'stage' });
  const classes = [
    `app kind-${settings.kind}`,
    isFramed && 'is-framed',
    !hasOwnList && 'is-bare',
    settings.timeline && 'has-timeline',
  ];
  const app = make(
    'div',
    { class: classes.filter(Boolean).join(' ') },
    heading({
      togglePanel: () => page.openPanel(!app.classList.contains('is-panel-open')),
      here: () => page.link.hash(),
    }),
    panel.element,
    stage,
  );
  if (!hasOwnList) {
    panel.select(1);
  }
  const containers = page.drawings.map((drawing) => drawing.map.getContainer());
  containers[0].before(app);
  containers.forEach((container, index) => {
    const { label } = settings.maps[index];
    container.setAttribute('aria-label', label || settings.title);
    container.before(make('span'));
  });
  const timeline = settings.timeline ? new Timeline((step) => page.goTo(step)) : null;
  const frames = make(
    'div',
    { class: 'maps' },
    containers.map((container, index) => framed(container, index)),
  );
  stage.append(
    frames,
    illustrativeNote() || '',
    emptyNote() || '',
    messages.element,
    page.dock.element,
    legend.element,
    credits(),
  );
  if (timeline) {
    stage.append(timeline.element);
    timeline.show(page.step);
  }
  return { app, stage, panel, legend, messages, timeline };
}

function framed(container, index) {
  const { label, note } = settings.maps[index];
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
