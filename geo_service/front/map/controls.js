// The buttons on the map and its scale.
import { make, makeSvg } from '../shared/dom.js';
import { iconButton } from './facts.js';
import { isFramed, text } from './settings.js';

export function addControls(page) {
  const tools = new L.Control({ position: 'topright' });
  tools.onAdd = () => {
    const element = make(
      'div',
      { class: 'tools', role: 'toolbar', 'aria-label': text('tools') },
      isFramed
        ? iconButton('menu', text('layers_tab'), () => page.openPanel(!page.isPanelOpen))
        : null,
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
  page.drawings[0].map.addControl(northArrow());
}

// Maps are drawn with north at the top; a plan says so, on screen and on paper.
function northArrow() {
  const control = new L.Control({ position: 'bottomleft' });
  control.onAdd = () =>
    make(
      'div',
      { class: 'north', role: 'img', 'aria-label': text('north_up'), title: text('north_up') },
      makeSvg(
        'svg',
        { viewBox: '0 0 24 30', width: 24, height: 30, 'aria-hidden': 'true' },
        makeSvg('path', { d: 'M12 1 20 28 12 22Z', class: 'north-dark' }),
        makeSvg('path', { d: 'M12 1 4 28 12 22Z', class: 'north-light' }),
      ),
      make('span', { 'aria-hidden': 'true' }, text('north')),
    );
  return control;
}

function toggleFullScreen(app) {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else {
    app.requestFullscreen().catch(() => {});
  }
}
