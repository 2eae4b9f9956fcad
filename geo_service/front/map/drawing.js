// Draws the features of one map: what is switched on and in sight, markers, names, tooltips,
// and the one feature that is selected. What is switched on, the page keeps; a page
// with two states side by side has two drawings.
import { moreOf } from './candidates.js';
import { TIP, hoverOverPath, hoverOverTiles } from './hover.js';
import { makeItems, spreadAround } from './items.js';
import { ParkKeys } from './keys.js';
import { Labels } from './labels.js';
import { isArea, parkMarker, pathOptions, pin, ringOf, themeKey } from './markers.js';
import { namesOn } from './names.js';
import { addPanes, backdrops } from './panes.js';
import { sheetOf, tooltip } from './sheets.js';
import { MARKER_GIVES_WAY_PX, Selection } from './selection.js';
import { settings } from './settings.js';
import { Signs, coverFacilities } from './signs.js';
import { symbolIn } from './themes.js';
import { TiledSource } from './tiles.js';

// So much wider is the ring around a park than the park's own outline, half of it on each side.
const RING_WEIGHT = 3.6;
const EVERY_RANK_FROM = 14;
const STATE_GIVES_WAY_PX = 26;
// Which of several features under a click speaks first.
const FOREMOST = [
  'states',
  'candidates',
  'placements',
  'moves',
  'enterprises',
  'facilities',
  'buildings',
  'findings',
  'parcels',
  'land_uses',
  'parks',
  'province_parks',
  'sub_areas',
  'approved_areas',
  'townships',
  'roads',
  'rivers',
  'control_zones',
  'township_areas',
  'counties',
];
const QUIET = new Set(['county']);
// What changes has a mark that is seen from afar too.
const SEEN_FROM_AFAR = new Set(['states', 'placements']);
const CULLED = new Set([
  'states',
  'parcels',
  'buildings',
  'land_uses',
  'enterprises',
  'findings',
  'candidates',
]);
// page: { shown, filters, allowed, selected, select(item, others), clickAt(drawing, latlng), ... }
export class Drawing {
  constructor(map, index, page) {
    this.map = map;
    this.index = index;
    this.page = page;
    this.sources = settings.sources.filter((source) => source.map === index);
    this.items = new Map();
    // Of each source, how many features there are in all, and whether all of them are here.
    this.held = new Map();
    this.byElement = new WeakMap();
    this.renderers = addPanes(map);
    this.labels = new Labels(map);
    this.backdrops = backdrops();
    this.selection = new Selection(this);
    this.signs = new Signs(this);
    this.keys = new ParkKeys(this, (item) => page.openByKey(item));
    map.on('click', (event) => this.clickGround(event.latlng));
    this.tiled = this.sources
      .filter((source) => source.tiles)
      .map((source) => new TiledSource(this, source));
    hoverOverTiles(this);
  }

  // ---- items ----

  // bounds: where all features of the source were asked for; null for everywhere.
  receive(source, collection, bounds = null) {
    for (const item of this.items.get(source.name) || []) {
      this.erase(item);
    }
    const items = makeItems(source, collection, this);
    if (source.name === 'enterprises') {
      spreadAround(items);
    }
    this.items.set(source.name, items);
    const matched = collection.numberMatched ?? items.length;
    const { counts = {}, features } = collection;
    const isWhole = matched <= features.length;
    this.held.set(source.name, { matched, counts, bounds, isWhole });
  }

  // Adds one feature to those of a source, and returns its item.
  add(source, feature) {
    const [item] = makeItems(source, { features: [feature] }, this);
    this.items.set(source.name, [...(this.items.get(source.name) || []), item]);
    return item;
  }

  all() {
    return this.sources.flatMap((source) => this.items.get(source.name) || []);
  }

  find(layer, id) {
    return (this.items.get(layer) || []).find((item) => item.feature.id === id) || null;
  }

  // Where a feature is; one without a place is where its park is.
  boundsOf(item) {
    if (item.bounds) {
      return item.bounds;
    }
    const park = this.find('parks', item.feature.properties.park_id);
    return park ? park.bounds : L.latLngBounds(settings.bounds);
  }

  // ---- what shows ----

  isNear(item) {
    const zoom = this.map.getZoom();
    return this.page.layersOf(item).every((layer) => zoom >= layer.min_zoom);
  }

  settle() {
    const view = this.map.getBounds().pad(0.3);
    for (const item of this.all()) {
      const isWanted =
        item.bounds &&
        !item.source.tiles &&
        this.page.isOn(item) &&
        this.isNear(item) &&
        (!CULLED.has(item.source.name) || view.intersects(item.bounds));
      if (isWanted && !item.isDrawn) {
        this.draw(item);
      } else if (!isWanted && item.isDrawn) {
        this.erase(item);
      }
    }
    this.tiled.forEach((source) => source.settle());
    for (const [name, layer] of this.backdrops) {
      const isOn = this.page.shown.has(name);
      if (isOn !== this.map.hasLayer(layer)) {
        layer[isOn ? 'addTo' : 'removeFrom'](this.map);
      }
    }
    this.placeMarkers();
    this.signs.place();
    coverFacilities(this);
    this.keys.name();
    const { labels, taken } = namesOn(this);
    this.labels.place(labels, taken);
    this.showSelection();
  }

  // Keys of the symbols that the map shows now; the legend lists these.
  inSight() {
    const view = this.map.getBounds();
    const drawn = this.all()
      .filter((item) => item.isDrawn && view.intersects(item.bounds))
      .flatMap((item) =>
        item.source.name === 'parks'
          ? [item.key, `tier.${item.feature.properties.tier}`]
          : [item.key],
      );
    return [...drawn, ...this.tiled.flatMap((source) => source.inSight())];
  }

  draw(item) {
    item.parts = item.parts || this.makeParts(item);
    item.parts.forEach((part) => part.addTo(this.map));
    item.isDrawn = true;
    for (const part of item.parts) {
      const element = part.getElement && part.getElement();
      if (element) {
        this.byElement.set(element, item);
      }
    }
  }

  // The parks that are drawn.
  parks() {
    return (this.items.get('parks') || []).filter((item) => item.isDrawn && item.marker);
  }

  // What carries a sign that others keep off, in the order in which it gets its place.
  signed() {
    const candidates = (this.items.get('candidates') || [])
      .filter((item) => item.isDrawn && item.marker && this.isForemost(item))
      .sort((one, other) => one.feature.properties.rank - other.feature.properties.rank);
    return [...this.parks().filter((item) => !this.givesWay(item)), ...candidates];
  }

  // Where a feature's sign is: it may have made way for another.
  placeOf(item) {
    return item.place ?? item.bounds.getCenter();
  }

  // Draws the parks anew, in other colours.
  redrawParks() {
    for (const item of this.items.get('parks') || []) {
      this.erase(item);
      item.parts = null;
    }
    this.signs.placed = '';
  }

  erase(item) {
    (item.parts || []).forEach((part) => part.remove());
    item.isDrawn = false;
  }

  makeParts(item) {
    const { geometry } = item.feature;
    const { name } = item.source;
    if (geometry.type === 'Point') {
      return [this.makeMarker(item, name)];
    }
    const themed = name === 'parks' ? symbolIn(this.page.theme, item.feature.properties) : null;
    const key = themed ?? item.key;
    const symbol = settings.symbols[key];
    const parts = [];
    if (symbol.casing) {
      const weight = symbol.width + (isArea(geometry) ? 9 : 2);
      const options = {
        color: symbol.casing,
        weight,
        fill: false,
        interactive: false,
        lineCap: 'butt',
      };
      parts.push(...this.paths(geometry, { ...options, ...this.home(`${name}-casing`) }));
    }
    const { ring, ring_dash: dash } =
      name === 'parks' && !themed ? ringOf(item.feature.properties) : {};
    if (ring) {
      const options = {
        color: ring,
        weight: symbol.width + RING_WEIGHT,
        dashArray: dash || null,
        fill: false,
        interactive: false,
        lineCap: 'butt',
      };
      item.rings = this.paths(geometry, { ...options, ...this.home('parks-casing') });
      parts.push(...item.rings);
    }
    const options = {
      ...pathOptions(key, geometry),
      ...this.home(name),
      interactive: !QUIET.has(name),
    };
    if (item.feature.properties.is_whole_park) {
      options.fill = false;
    }
    const drawn = this.paths(geometry, options);
    drawn.forEach((part) => this.makeLively(part, item));
    parts.push(...drawn);
    if (name === 'parks') {
      item.marker = this.makeMarker(item, 'park-markers');
      parts.push(item.marker);
    } else if (SEEN_FROM_AFAR.has(name) && item.feature.properties.is_listed) {
      item.marker = this.makeMarker(item, 'candidate-markers');
      parts.push(item.marker);
    } else if (name === 'candidates' && item.feature.properties.rank) {
      item.marker = this.makeMarker(item, 'candidate-markers');
      parts.push(item.marker);
    }
    return parts;
  }

  home(pane) {
    return { pane, renderer: this.renderers[pane] };
  }

  paths(geometry, options) {
    const group = L.geoJSON(geometry, { style: () => options, ...options });
    const found = [];
    const walk = (layer) =>
      layer.eachLayer && !layer.getElement ? layer.eachLayer(walk) : found.push(layer);
    group.eachLayer(walk);
    return found;
  }

  makeMarker(item, pane) {
    const { properties } = item.feature;
    const isPark = item.source.name === 'parks';
    const symbol = settings.symbols[item.key];
    const rank = isPark ? settings.symbols[`tier.${properties.tier}`].size : symbol.size || 18;
    const picture = isPark
      ? parkMarker(properties, symbolIn(this.page.theme, properties) ?? themeKey(item.key))
      : pin(item.key, properties);
    const size = isPark ? Number(picture.getAttribute('width')) : rank;
    const [right, down] = item.offset || [0, 0];
    const marker = L.marker(item.bounds.getCenter(), {
      pane,
      icon: L.divIcon({
        html: picture,
        className: `pin pin-${item.source.name}`,
        iconSize: [size, size],
        iconAnchor: [size / 2 - right, size / 2 - down],
      }),
      keyboard: false,
      zIndexOffset: isPark ? Math.round(rank * 100) : properties.rank ? -properties.rank * 10 : 0,
    });
    this.makeLively(marker, item);
    return marker;
  }

  makeLively(part, item) {
    if (QUIET.has(item.source.name)) {
      return;
    }
    if (part instanceof L.Marker) {
      part.bindTooltip(() => tooltip(item), TIP);
    } else {
      hoverOverPath(this, part, item);
    }
    part.on('click', (event) => {
      L.DomEvent.stopPropagation(event);
      if (!this.page.clickAt(this, event.latlng, item)) {
        this.openAt(event.latlng, [item, ...this.under(event.originalEvent, item)]);
      }
    });
  }

  // ---- features that are drawn from tiles ----

  tilesAt(latlng) {
    const order = (hit) => FOREMOST.indexOf(hit.source.name);
    return this.tiled
      .flatMap((source) => source.at(latlng))
      .sort((one, other) => order(one) - order(other));
  }

  // A click beside all that is an element: on what tiles show, else on the ground.
  clickGround(latlng) {
    const isHit = this.tilesAt(latlng).length > 0;
    if (!this.page.clickAt(this, latlng, isHit) && isHit) {
      this.openAt(latlng, []);
    }
  }

  // Opens what is at a place. What tiles show there is fetched first, and then the foremost speaks,
  // or `wanted`, whose tiles may not be there yet.
  /**
   * @param {L.LatLng} latlng
   * @param {any[]} clicked
   * @param {{ layer: string, id: string } | null} [wanted]
   */
  async openAt(latlng, clicked, wanted = null) {
    const turn = (this.turn = (this.turn || 0) + 1);
    const touched = this.tiled.filter(
      (tiled) => tiled.source.name === wanted?.layer || tiled.at(latlng).length,
    );
    let items = clicked;
    if (touched.length) {
      const fetched = await Promise.all(touched.map((source) => this.fetchItems(source, latlng)));
      const order = (item) => FOREMOST.indexOf(item.source.name);
      const isWanted = ({ feature, source }) =>
        source.name === wanted?.layer && feature.id === wanted?.id;
      items = [...clicked, ...fetched.flat()].sort(
        (one, other) =>
          Number(isWanted(other)) - Number(isWanted(one)) || order(one) - order(other),
      );
    }
    if (turn === this.turn && items.length) {
      this.open(items[0], latlng, items.slice(1));
      this.page.selectItem(items[0]);
    }
  }

  async fetchItems(tiled, latlng) {
    try {
      const items = makeItems(tiled.source, await tiled.fetchAt(latlng), this);
      this.items.set(tiled.source.name, items);
      return items.filter((item) => this.page.isOn(item));
    } catch (error) {
      tiled.fail(error);
      return [];
    }
  }

  // Other features at the place of a click, in the order in which they speak.
  under(event, item) {
    const found = new Set();
    for (const element of document.elementsFromPoint(event.clientX, event.clientY)) {
      const other = this.byElement.get(element.closest('.pin') || element);
      if (other && other !== item) {
        found.add(other);
      }
    }
    const order = (one) => FOREMOST.indexOf(one.source.name);
    return [...found].sort((one, other) => order(one) - order(other));
  }

  // A park's marker gives way to its outline when that is big enough to see; the ring around the
  // outline waits until then, for the marker has one as well.
  placeMarkers() {
    const isFaded = {
      parks: (item) => this.givesWay(item),
      candidates: (item) => !this.isForemost(item),
      states: (item) => this.extent(item) > STATE_GIVES_WAY_PX,
    };
    for (const [name, decide] of Object.entries(isFaded)) {
      for (const item of this.items.get(name) || []) {
        const sign = item.isDrawn && item.marker && item.marker.getElement();
        if (sign) {
          sign.classList.toggle('is-faded', decide(item));
        }
        for (const ring of (item.isDrawn && item.rings) || []) {
          ring.getElement()?.classList.toggle('is-faded', !decide(item));
        }
      }
    }
  }

  // From afar only the best candidate of a park carries its rank.
  isForemost(item) {
    return item.feature.properties.is_foremost || this.map.getZoom() >= EVERY_RANK_FROM;
  }

  // On the map of one park its outline is all that is needed.
  givesWay(item) {
    return (
      settings.kind === 'ranking' ||
      settings.park_id === item.feature.id ||
      this.extent(item) > MARKER_GIVES_WAY_PX
    );
  }

  extent(item) {
    const corner = this.map.latLngToLayerPoint(item.largest.getSouthWest());
    const size = this.map.latLngToLayerPoint(item.largest.getNorthEast()).subtract(corner);
    return Math.max(Math.abs(size.x), Math.abs(size.y));
  }

  // ---- selection and sheets ----

  showSelection() {
    this.selection.show(this.page.selected);
  }

  zoomTo(item) {
    const nearest = Math.max(0, ...this.page.layersOf(item).map((layer) => layer.min_zoom));
    const isPoint = !item.bounds || item.feature.geometry.type === 'Point';
    const furthest = Math.max(nearest, settings.point_zoom || (isPoint ? 13 : 15));
    const bounds = this.boundsOf(item);
    const { left, foot } = this.page.isToldOutside(item)
      ? { left: 0, foot: 0 }
      : this.page.dock.room(this);
    this.map.fitBounds(bounds, {
      maxZoom: furthest,
      animate: false,
      paddingTopLeft: [left + 40, 50],
      paddingBottomRight: [(!left && this.page.besideLegend(this)) || 52, foot + 40],
    });
    if (this.map.getZoom() < nearest) {
      this.map.setView(bounds.getCenter(), nearest, { animate: false });
    }
  }

  // A sheet that tells of a feature; `others` are further ones at the place.
  open(item, latlng, others) {
    if (this.page.isToldOutside(item)) {
      this.page.dock.close();
      return;
    }
    const more = moreOf(item);
    const content = sheetOf(item, others, {
      more,
      choose: (other) => {
        this.open(other, latlng, [item, ...others.filter((one) => one !== other)]);
        this.page.selectItem(other);
      },
      close: () => this.page.dock.close(),
      zoom: () => {
        this.zoomTo(item);
        this.page.dock.uncover(this, this.boundsOf(item).getCenter());
      },
      here: this.page.canIdentify ? () => this.page.identify(this, latlng) : null,
    });
    this.openSheet(content, latlng);
  }

  // Shows an element beside the map, which makes way for it.
  openSheet(content, latlng) {
    this.page.dock.show(this, content, latlng);
    this.page.onSheetOpen();
  }
}
