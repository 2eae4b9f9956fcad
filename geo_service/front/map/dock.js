// The sheet that tells of a feature or a place: beside the map's legend and tools, never over what
// it tells of. In a small window it lies at the foot.
import { make } from '../shared/dom.js';
import { NARROW } from './panel.js';

const ROOM_PX = 36;
const WIDE_PX = 364;
const FOOT_SHARE = 0.5;

export class Dock {
  // onClose is called when a sheet is closed and no other takes its place.
  constructor(onClose) {
    this.onClose = onClose;
    this.element = make('div', { class: 'dock', hidden: true });
    this.drawing = null;
  }

  get isOpen() {
    return !this.element.hidden;
  }

  get sheet() {
    return /** @type {HTMLElement | null} */ (this.element.firstElementChild);
  }

  // Shows a sheet for a place of a drawing.
  show(drawing, sheet, latlng) {
    this.drawing = drawing;
    this.element.replaceChildren(sheet);
    this.element.hidden = false;
    if (latlng) {
      this.uncover(drawing, latlng);
    }
  }

  close() {
    if (this.isOpen) {
      this.element.hidden = true;
      this.element.replaceChildren();
      this.onClose();
    }
  }

  focus() {
    this.sheet?.focus({ preventScroll: true });
  }

  // How much of a map the open sheet takes at its left and its foot.
  taken(map) {
    if (!this.isOpen) {
      return { left: 0, foot: 0 };
    }
    const own = this.element.getBoundingClientRect();
    const frame = map.getContainer().getBoundingClientRect();
    if (own.right <= frame.left || own.left >= frame.right) {
      return { left: 0, foot: 0 };
    }
    return NARROW.matches
      ? { left: 0, foot: Math.max(0, frame.bottom - own.top) }
      : { left: own.right - frame.left, foot: 0 };
  }

  // How much of a drawing a sheet would take at its left and its foot.
  room({ map, index }) {
    const { x, y } = map.getSize();
    if (NARROW.matches) {
      return { left: 0, foot: y * FOOT_SHARE };
    }
    return { left: index === 0 && x > WIDE_PX * 1.7 ? WIDE_PX : 0, foot: 0 };
  }

  // Moves the map so that a place is beside the sheet.
  uncover({ map }, latlng) {
    const { left, foot } = this.taken(map);
    const size = map.getSize();
    if (left > size.x - ROOM_PX * 2 || foot > size.y - ROOM_PX * 2) {
      return;
    }
    map.panInside(latlng, {
      paddingTopLeft: [left + ROOM_PX, ROOM_PX],
      paddingBottomRight: [ROOM_PX, foot + ROOM_PX],
      animate: false,
    });
  }
}
