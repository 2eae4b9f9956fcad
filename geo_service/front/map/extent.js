// The whole of what a map is about, shown at first and when asked for; and again in another frame,
// as long as nobody has moved the map.
import { settings } from './settings.js';

export class WholeExtent {
  // page: { map, stage, drawing, timeline, besideLegend(drawing), eachMap(act) }
  constructor(page) {
    this.page = page;
    this.shownAt = null;
    this.shownIn = null;
  }

  show() {
    const { map, stage, drawing, timeline } = this.page;
    map.fitBounds(settings.bounds, {
      animate: false,
      paddingTopLeft: [8, stage.clientHeight < 700 ? 40 : 24],
      paddingBottomRight: [
        this.page.besideLegend(drawing) || 8,
        24 + (timeline ? timeline.element.offsetHeight + 22 : 0),
      ],
    });
    this.shownAt = this.place();
    this.shownIn = this.frame();
  }

  // The frame's size changes without the window's: panel, full screen, an iframe that shows.
  follow() {
    new ResizeObserver(() => {
      // The first call comes without a change.
      const isStill = this.shownAt === this.place() && this.shownIn !== this.frame();
      this.page.eachMap((map) => map.invalidateSize({ pan: false }));
      if (isStill) {
        this.show();
      }
    }).observe(this.page.stage);
  }

  place() {
    return `${this.page.map.getZoom()} ${this.page.map.getCenter()}`;
  }

  frame() {
    return `${this.page.stage.clientWidth} ${this.page.stage.clientHeight}`;
  }
}
