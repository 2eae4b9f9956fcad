// The buttons on the map and its scale.
import { make } from '../shared/dom.js';
import { iconButton } from './facts.js';
import { text } from './settings.js';

export function addControls(page) {
  const tools = new L.Control({ position: 'topright' });
  tools.onAdd = () => {
    const element = make(
      'div',
      { class: 'tools', role: 'toolbar', 'aria-label': text('tools') },
      iconButton('in', text('zoom_in'), () => page.map.zoomIn()),
      iconButton('out', text('zoom_out'), () => page.map.zoomOut()),
      iconButton('reset', text('reset'), () => page.reset()),
      document.fullscreenEnabled
        ? iconButton('full', text('full_screen'), () => toggleFullScreen(page.app))
        : null,
      iconButton('print', text('print'), () => page.print.now()),
      page.tools.buttons(),
    );
    L.DomEvent.disableClickPropagation(element);
    return element;
  };
  tools.addTo(page.map);
  L.control
    .scale({ imperial: false, position: 'bottomleft', maxWidth: 120 })
    .addTo(page.drawings[0].map);
}

function toggleFullScreen(app) {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else {
    app.requestFullscreen().catch(() => {});
  }
}
