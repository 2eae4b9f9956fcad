// Tooltips of what tiles show.
import { tooltip } from './popups.js';
import { settings } from './settings.js';

// Tells what tiles show under the pointer, as the tooltips of elements do.
export function hoverOverTiles(drawing) {
  const { map } = drawing;
  if (!drawing.tiled.length) {
    return;
  }
  const frame = map.getContainer();
  const tip = L.tooltip({ direction: 'top', className: 'tip-frame tip-tile', opacity: 1 });
  let asked = 0;
  const hide = () => {
    cancelAnimationFrame(asked);
    frame.classList.remove('is-over-tile');
    map.closeTooltip(tip);
  };
  map.on('mousemove', ({ latlng, originalEvent: { target } }) => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => {
      const isFree =
        target instanceof Element && !target.closest('.pin, .leaflet-popup, .leaflet-control');
      const [hit] = isFree ? drawing.tilesAt(latlng) : [];
      if (!hit || !hit.name) {
        hide();
        return;
      }
      frame.classList.add('is-over-tile');
      const { label } = settings.labels[hit.key] || {};
      const feature = { id: hit.name, properties: { kind_name: label } };
      tip.setLatLng(latlng).setContent(tooltip({ feature, source: hit.source }));
      map.openTooltip(tip);
    });
  });
  map.on('mouseout movestart zoomstart', hide);
}
