// Tooltips of lines and areas, and of what tiles show.
import { tooltip } from './sheets.js';
import { settings } from './settings.js';

/** @type {L.TooltipOptions} */
export const TIP = { direction: 'top', className: 'tip-frame', opacity: 1 };

// Tells what a line or an area is under the pointer. Leaflet's own tooltips would listen for the
// focus of each, and so make each a stop of the Tab key.
export function hoverOverPath(drawing, part, item) {
  const { map } = drawing;
  part.on('mouseover', ({ latlng }) => {
    drawing.tip ??= L.tooltip(TIP);
    drawing.tip.setLatLng(latlng).setContent(tooltip(item));
    map.openTooltip(drawing.tip);
  });
  part.on('mousemove', ({ latlng }) => drawing.tip?.setLatLng(latlng));
  part.on('mouseout remove', () => drawing.tip && map.closeTooltip(drawing.tip));
}

// Tells what tiles show under the pointer, as the tooltips of elements do.
export function hoverOverTiles(drawing) {
  const { map } = drawing;
  if (!drawing.tiled.length) {
    return;
  }
  const frame = map.getContainer();
  const tip = L.tooltip({ ...TIP, className: 'tip-frame tip-tile' });
  let asked = 0;
  const hide = () => {
    cancelAnimationFrame(asked);
    frame.classList.remove('is-over-tile');
    map.closeTooltip(tip);
  };
  map.on('mousemove', ({ latlng, originalEvent: { target } }) => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => {
      const isFree = target instanceof Element && !target.closest('.pin, .leaflet-control');
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
