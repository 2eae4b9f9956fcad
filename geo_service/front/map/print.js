// Lays the page out for A4 landscape while it is printed: title, map, legend, scale, date.
import { dataText, make } from '../shared/dom.js';
import { printerOf } from '../shared/moments.js';
import { isFramed, settings, text } from './settings.js';

const ROOM_PX = [8, 34];
const METRES_PER_PIXEL_ON_PAPER = 0.0254 / 96;

function today() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

// The denominator of the scale at the map's centre, to two digits.
function scaleOf(map) {
  const size = map.getSize();
  const middle = size.y / 2;
  const span = map.distance(
    map.containerPointToLatLng([0, middle]),
    map.containerPointToLatLng([size.x, middle]),
  );
  const scale = span / size.x / METRES_PER_PIXEL_ON_PAPER;
  const unit = 10 ** (Math.floor(Math.log10(scale)) - 1);
  return (Math.round(scale / unit) * unit).toLocaleString('en');
}

export class Print {
  constructor(page) {
    this.page = page;
    this.app = page.app;
    this.legend = page.legend;
    this.before = null;
    // Prints as soon as everything is drawn; the browser's own command does not wait.
    this.now = printerOf(() => this.isReady);
    this.date = make('span');
    this.scale = make('span');
    this.element = make(
      'footer',
      { class: 'print-foot' },
      make('span', { class: 'print-about' }, dataText(settings.about.join(' · '))),
      make(
        'span',
        null,
        `${text('approval_number')} ${settings.approval_number ? '' : '________'}`,
        settings.approval_number ? dataText(settings.approval_number) : null,
      ),
      settings.confidentiality ? make('strong', null, dataText(settings.confidentiality)) : null,
      this.scale,
      this.date,
    );
    this.unready = make(
      'p',
      { class: 'print-unready', role: 'note', hidden: true },
      text('print_unready'),
    );
    page.stage.append(this.unready);
    window.addEventListener('beforeprint', () => this.start());
    window.addEventListener('afterprint', () => this.end());
  }

  get isReady() {
    const { state, tiles } = this.app.dataset;
    return (state === 'done' || state === 'failed') && tiles !== 'loading';
  }

  // Below the map stand its sources and, of versions, which one it is: nothing covers it.
  makeRoom() {
    const { stage } = this.page;
    const notes = ['.credits', '.timeline']
      .map((name) => stage.querySelector(name))
      .filter(Boolean);
    const heights = notes.map((note) => note.offsetHeight);
    stage.style.setProperty('--under', `${heights.reduce((sum, height) => sum + height, 0)}px`);
    stage.style.setProperty('--credits', `${heights[0] || 0}px`);
  }

  // A long legend takes two columns, and what is longer still smaller letters.
  fitLegend() {
    const { element } = this.legend;
    element.classList.remove('is-dense');
    element.style.removeProperty('zoom');
    const room = this.page.stage.clientHeight;
    if (element.scrollHeight > room) {
      element.classList.add('is-dense');
    }
    for (
      let scale = 0.95;
      element.getBoundingClientRect().height > room && scale > 0.3;
      scale -= 0.05
    ) {
      element.style.setProperty('zoom', String(scale));
    }
  }

  start() {
    if (this.before) {
      return;
    }
    this.unready.hidden = this.isReady;
    const { map } = this.page;
    const view = map.getBounds();
    const county = L.latLngBounds(settings.bounds);
    this.before = {
      // A view of more than the county is meant to be the county.
      bounds: view.contains(county) ? county : view,
      center: map.getCenter(),
      zoom: map.getZoom(),
      isLegendOpen: !this.legend.body.hidden,
      isLegendWhole: this.legend.more.open,
    };
    this.app.classList.add('is-printing');
    this.app.classList.toggle(
      'is-small',
      isFramed && Boolean(window.frameElement?.hasAttribute('data-small-on-paper')),
    );
    this.legend.open(true);
    this.legend.more.open = true;
    this.makeRoom();
    this.page.dock.close();
    this.page.eachMap((each) => each.invalidateSize({ animate: false, pan: false }));
    map.fitBounds(this.before.bounds, { animate: false, padding: ROOM_PX });
    this.page.settle();
    this.fitLegend();
    this.date.textContent = text('print_date', { date: today() });
    this.scale.textContent = text('print_scale', { scale: scaleOf(map) });
  }

  end() {
    if (!this.before) {
      return;
    }
    const { center, zoom, isLegendOpen, isLegendWhole } = this.before;
    this.before = null;
    this.app.classList.remove('is-printing');
    this.unready.hidden = true;
    this.legend.element.classList.remove('is-dense');
    this.legend.element.style.removeProperty('zoom');
    this.legend.open(isLegendOpen);
    this.legend.more.open = isLegendWhole;
    this.page.eachMap((each) => each.invalidateSize({ animate: false, pan: false }));
    this.page.map.setView(center, zoom, { animate: false });
    this.page.settle();
  }
}
