// Starts the page: builds the frame around Folium's map, loads the features, draws what is
// switched on, and answers clicks. The other files give it their parts through `planningMap`.
'use strict';

(function (own) {
  const { settings, make, text, symbolKey, pathOptions, isArea, nameOf } = own;
  const MARKER_GIVES_WAY_PX = 44;
  const PLACE_LABEL_PX = 11.5;
  const PARK_LABELS = {
    municipal_park: { size: 14, from: 0 },
    sme_cluster: { size: 13, from: 10 },
    building_park: { size: 12, from: 11.5 },
  };
  // Which of several features under a click speaks first.
  const FOREMOST = ['facilities', 'buildings', 'findings', 'parcels', 'parks', 'sub_areas', 'townships', 'roads', 'rivers', 'control_zones', 'township_areas'];
  const QUIET = new Set(['county']);
  const CULLED = new Set(['parcels', 'buildings']);
  const PANES = [
    'county-casing', 'county', 'township_areas', 'control_zones', 'rivers', 'roads-casing', 'roads',
    'sub_areas', 'parks', 'parcels', 'buildings', 'findings', 'townships', 'facilities', 'park-markers', 'labels',
  ];

  const layers = settings.groups.flatMap((group) => group.layers);
  const sources = new Map(settings.sources.map((source) => [source.name, source]));

  // ---- features as items ----

  // An item is one feature with what is drawn for it.
  function makeItems(source, collection) {
    const order = Object.keys(settings.symbols);
    const items = collection.features
      .filter((feature) => feature && feature.geometry && feature.properties)
      .map((feature) => ({
        feature,
        source,
        key: symbolKey(source, feature.properties),
        bounds: boundsOf(feature.geometry),
        largest: largestOf(feature.geometry),
        parts: null,
        isDrawn: false,
      }));
    // The minor below the major, so that crossings look right.
    return source.symbol_column && source.name !== 'parks'
      ? items.sort((one, other) => order.indexOf(other.key) - order.indexOf(one.key))
      : items;
  }

  function boundsOf(geometry) {
    const bounds = L.latLngBounds([]);
    const walk = (part) => {
      if (typeof part[0] === 'number') {
        bounds.extend([part[1], part[0]]);
      } else {
        part.forEach(walk);
      }
    };
    (geometry.geometries || [geometry]).forEach((part) => walk(part.coordinates));
    return bounds;
  }

  // The bounds of the biggest part of a shape in several parts.
  function largestOf(geometry) {
    if (geometry.type !== 'MultiPolygon') {
      return boundsOf(geometry);
    }
    const width = (bounds) => bounds.getEast() - bounds.getWest();
    return geometry.coordinates
      .map((coordinates) => boundsOf({ coordinates }))
      .reduce((best, bounds) => (width(bounds) > width(best) ? bounds : best));
  }

  class PlanningMap {
    constructor() {
      this.map = window[settings.map];
      this.items = new Map();
      this.byElement = new WeakMap();
      this.shown = new Set(layers.filter((layer) => layer.is_shown).map((layer) => layer.name));
      this.filters = new Map();
      for (const layer of layers) {
        this.filters.set(layer.source, [...(this.filters.get(layer.source) || []), layer]);
      }
      this.build();
      this.addPanes();
      this.addControls();
      this.listen();
      this.reset();
      this.loader = new own.Loader((source, found) => this.receive(source, found), (state) => this.tell(state));
      this.viewLoaders = settings.sources
        .filter((source) => source.is_by_view)
        .map((source) => new own.ViewLoader(source, (given, found) => this.receive(given, found), (state) => this.tell(state)));
      this.loader.load();
    }

    // ---- frame ----

    build() {
      const container = this.map.getContainer();
      this.panel = new own.Panel({
        search: (query) => this.search(query),
        toggle: (name, isOn) => this.toggle(name, isOn),
        flip: (name) => this.toggle(name, !this.shown.has(name)),
      });
      this.legend = new own.Legend();
      this.messages = new own.Messages(() => this.retry());
      this.stage = make('main', { class: 'stage' });
      this.app = make(
        'div',
        { class: 'app' },
        own.heading({ togglePanel: () => this.openPanel(!this.app.classList.contains('is-panel-open')) }),
        this.panel.element,
        this.stage
      );
      container.setAttribute('aria-label', settings.title);
      container.before(this.app);
      this.stage.append(container, own.illustrativeNote() || '', this.messages.element, this.legend.element, own.credits());
      this.print = new own.Print(this.map, this.app, this.legend, () => this.settle());
      this.app.append(own.hatches(), this.print.element);
      this.map.invalidateSize({ pan: false });
    }

    openPanel(isOpen) {
      this.app.classList.toggle('is-panel-open', isOpen);
      this.app.querySelector('.menu-button').setAttribute('aria-expanded', String(isOpen));
      if (isOpen) {
        this.panel.query.focus();
      }
    }

    addPanes() {
      PANES.forEach((name, place) => {
        const pane = this.map.createPane(name);
        pane.style.zIndex = String(410 + place * 10);
        if (name === 'labels' || name.startsWith('county') || name.endsWith('casing')) {
          pane.style.pointerEvents = 'none';
        }
      });
      this.renderers = Object.fromEntries(PANES.map((name) => [name, L.svg({ pane: name, padding: 0.3 })]));
      this.labels = new own.Labels(this.map);
    }

    addControls() {
      const tools = L.control({ position: 'topright' });
      tools.onAdd = () => {
        const element = make(
          'div',
          { class: 'tools', role: 'group' },
          own.iconButton('in', text('zoom_in'), () => this.map.zoomIn()),
          own.iconButton('out', text('zoom_out'), () => this.map.zoomOut()),
          own.iconButton('reset', text('reset'), () => this.reset()),
          document.fullscreenEnabled
            ? own.iconButton('full', text('full_screen'), () => this.toggleFullScreen())
            : null,
          own.iconButton('print', text('print'), () => window.print())
        );
        L.DomEvent.disableClickPropagation(element);
        return element;
      };
      tools.addTo(this.map);
      L.control.scale({ imperial: false, position: 'bottomleft', maxWidth: 120 }).addTo(this.map);
    }

    toggleFullScreen() {
      if (document.fullscreenElement) {
        document.exitFullscreen();
      } else {
        this.app.requestFullscreen().catch(() => {});
      }
    }

    listen() {
      this.map.on('zoomend moveend', () => this.settle());
      this.map.on('popupopen', () => this.app.classList.add('has-popup'));
      this.map.on('popupclose', () => {
        this.app.classList.remove('has-popup');
        this.restoreFocus();
      });
      // The frame's size changes without the window's: panel, full screen, an iframe that shows.
      new ResizeObserver(() => this.map.invalidateSize({ pan: false })).observe(this.stage);
      document.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') {
          this.onEscape();
        }
      });
    }

    onEscape() {
      if (this.openPopup && this.map.hasLayer(this.openPopup)) {
        this.map.closePopup(this.openPopup);
      } else if (this.panel.query.value) {
        this.panel.query.value = '';
        this.search('');
      } else if (own.NARROW.matches) {
        this.openPanel(false);
      }
    }

    reset() {
      this.map.closePopup();
      this.map.fitBounds(settings.bounds, {
        paddingTopLeft: [8, this.stage.clientHeight < 700 ? 40 : 24],
        paddingBottomRight: [this.besideLegend() || 8, 24],
      });
    }

    // The width that an open legend takes from a wide map, else 0.
    besideLegend() {
      const width = this.legend.body.hidden ? 0 : this.legend.element.offsetWidth + 20;
      return width < this.map.getSize().x / 2 ? width : 0;
    }

    // ---- loading ----

    tell(state) {
      this.messages.show(state);
      this.app.dataset.state = state.state;
    }

    retry() {
      this.messages.show({ state: 'loading', done: 0, total: 0 });
      this.loader.load();
      this.viewLoaders.forEach((loader) => loader.load(this.map.getBounds()));
    }

    receive(source, collection) {
      for (const item of this.items.get(source.name) || []) {
        this.erase(item);
      }
      this.items.set(source.name, makeItems(source, collection));
      this.settle();
      if (source.name === 'parks') {
        this.listParks();
      }
    }

    all() {
      return settings.sources.flatMap((source) => this.items.get(source.name) || []);
    }

    // ---- what shows ----

    // A feature shows when every layer that it matches is on: tier and verdict for a park.
    isOn(item) {
      return (this.filters.get(item.source.name) || []).every(
        (layer) =>
          (layer.where && item.feature.properties[layer.where[0]] !== layer.where[1]) ||
          this.shown.has(layer.name)
      );
    }

    isNear(item) {
      const zoom = this.map.getZoom();
      return (this.filters.get(item.source.name) || []).every((layer) => zoom >= layer.min_zoom);
    }

    toggle(name, isOn) {
      if (isOn) {
        this.shown.add(name);
      } else {
        this.shown.delete(name);
      }
      this.settle();
      if (!this.panel.query.value) {
        this.listParks();
      }
    }

    settle() {
      const zoom = this.map.getZoom();
      const view = this.map.getBounds().pad(0.3);
      for (const item of this.all()) {
        const isWanted =
          this.isOn(item) && this.isNear(item) && (!CULLED.has(item.source.name) || view.intersects(item.bounds));
        if (isWanted && !item.isDrawn) {
          this.draw(item);
        } else if (!isWanted && item.isDrawn) {
          this.erase(item);
        }
      }
      for (const loader of this.viewLoaders || []) {
        const layer = layers.find((candidate) => candidate.source === loader.source.name);
        if (this.shown.has(layer.name) && zoom >= layer.min_zoom) {
          loader.load(this.map.getBounds());
        }
      }
      this.placeMarkers();
      this.placeLabels();
      this.panel.showState(this.shown, zoom);
      this.legend.show(this.shown, this.inSight());
    }

    // Keys of the symbols that the map shows now; the legend lists these.
    inSight() {
      const view = this.map.getBounds();
      return new Set(this.all().filter((item) => item.isDrawn && view.intersects(item.bounds)).map((item) => item.key));
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

    erase(item) {
      (item.parts || []).forEach((part) => part.remove());
      item.isDrawn = false;
    }

    makeParts(item) {
      const { geometry } = item.feature;
      const name = item.source.name;
      if (geometry.type === 'Point') {
        return [this.makeMarker(item, name)];
      }
      const symbol = settings.symbols[item.key];
      const parts = [];
      if (symbol.casing) {
        const weight = symbol.width + (isArea(geometry) ? 9 : 2);
        const options = { color: symbol.casing, weight, fill: false, interactive: false, lineCap: 'butt' };
        parts.push(...this.paths(geometry, { ...options, ...this.home(`${name}-casing`) }));
      }
      const options = { ...pathOptions(item.key, geometry), ...this.home(name), interactive: !QUIET.has(name) };
      const drawn = this.paths(geometry, options);
      drawn.forEach((part) => this.makeLively(part, item));
      parts.push(...drawn);
      if (name === 'parks') {
        item.marker = this.makeMarker(item, 'park-markers');
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
      const walk = (layer) => (layer.eachLayer && !layer.getElement ? layer.eachLayer(walk) : found.push(layer));
      group.eachLayer(walk);
      return found;
    }

    makeMarker(item, pane) {
      const { properties } = item.feature;
      const isPark = item.source.name === 'parks';
      const symbol = settings.symbols[item.key];
      const size = isPark ? settings.symbols[`tier.${properties.tier}`].size : symbol.size || 18;
      const picture = isPark ? own.parkMarker(properties.tier, properties.verdict) : own.pin(item.key, properties);
      const marker = L.marker(item.bounds.getCenter(), {
        pane,
        icon: L.divIcon({ html: picture, className: `pin pin-${item.source.name}`, iconSize: [size, size] }),
        keyboard: false,
        zIndexOffset: isPark ? Math.round(size * 100) : 0,
      });
      this.makeLively(marker, item);
      return marker;
    }

    makeLively(part, item) {
      if (QUIET.has(item.source.name)) {
        return;
      }
      part.bindTooltip(() => own.tooltip(item), { sticky: !(part instanceof L.Marker), direction: 'top', className: 'tip-frame', opacity: 1 });
      part.on('click', (event) => {
        L.DomEvent.stopPropagation(event);
        this.open(item, event.latlng, this.under(event.originalEvent, item));
      });
    }

    // Other features at the place of a click, in the order in which they speak.
    under(event, item) {
      const found = new Set();
      for (const element of document.elementsFromPoint(event.clientX, event.clientY)) {
        const pin = element.closest('.pin');
        const other = this.byElement.get(pin || element);
        if (other && other !== item) {
          found.add(other);
        }
      }
      const order = (one) => FOREMOST.indexOf(one.source.name);
      return [...found].sort((one, other) => order(one) - order(other));
    }

    // A park's marker gives way to its outline when that is big enough to see.
    placeMarkers() {
      for (const item of this.items.get('parks') || []) {
        const pin = item.isDrawn && item.marker && item.marker.getElement();
        if (pin) {
          pin.classList.toggle('is-faded', this.extent(item) > MARKER_GIVES_WAY_PX);
        }
      }
    }

    extent(item) {
      const corner = this.map.latLngToLayerPoint(item.largest.getSouthWest());
      const size = this.map.latLngToLayerPoint(item.largest.getNorthEast()).subtract(corner);
      return Math.max(Math.abs(size.x), Math.abs(size.y));
    }

    placeLabels() {
      const zoom = this.map.getZoom();
      const taken = [];
      const labels = [];
      for (const item of this.items.get('parks') || []) {
        if (!item.isDrawn) {
          continue;
        }
        const { tier } = item.feature.properties;
        const radius = settings.symbols[`tier.${tier}`].size / 2;
        const isFaded = this.extent(item) > MARKER_GIVES_WAY_PX;
        const latlng = (isFaded ? item.largest : item.bounds).getCenter();
        if (!isFaded) {
          const point = this.map.latLngToLayerPoint(latlng);
          taken.push(L.bounds(point.subtract([radius, radius]), point.add([radius, radius])));
        }
        if (zoom >= PARK_LABELS[tier].from) {
          labels.push({ latlng, text: nameOf(item), kind: tier, size: PARK_LABELS[tier].size, radius });
        }
      }
      labels.sort((one, other) => other.size - one.size);
      for (const item of this.items.get('facilities') || []) {
        if (item.isDrawn) {
          const half = settings.symbols[item.key].size / 2;
          const point = this.map.latLngToLayerPoint(item.bounds.getCenter());
          taken.push(L.bounds(point.subtract([half, half]), point.add([half, half])));
        }
      }
      for (const [name, kind] of [['sub_areas', 'sub_area'], ['townships', 'township']]) {
        for (const item of this.items.get(name) || []) {
          if (item.isDrawn) {
            labels.push({ latlng: item.bounds.getCenter(), text: nameOf(item), kind, size: PLACE_LABEL_PX, radius: 3 });
          }
        }
      }
      this.labels.place(labels, taken);
    }

    // ---- finding and opening ----

    listParks() {
      const parks = this.items.get('parks') || [];
      this.panel.showParks(parks, (item) => this.isOn(item), (item) => this.visit(item));
    }

    search(query) {
      if (query.trim()) {
        this.panel.showResults(own.results(this.all(), query, (item) => this.visit(item)));
      } else {
        this.listParks();
      }
    }

    // Goes to a feature from a list: switches its layers on, zooms to it, opens its popup.
    visit(item) {
      const opener = document.activeElement;
      for (const layer of this.filters.get(item.source.name) || []) {
        if (!layer.where || item.feature.properties[layer.where[0]] === layer.where[1]) {
          this.shown.add(layer.name);
        }
      }
      if (own.NARROW.matches) {
        this.openPanel(false);
      }
      this.zoomTo(item);
      this.settle();
      this.open(item, item.bounds.getCenter(), []);
      this.opener = opener;
      this.focusPopup();
    }

    zoomTo(item) {
      const nearest = Math.max(0, ...(this.filters.get(item.source.name) || []).map((layer) => layer.min_zoom));
      const furthest = Math.max(nearest, item.feature.geometry.type === 'Point' ? 13 : 15);
      const size = this.map.getSize();
      this.map.fitBounds(item.bounds, {
        maxZoom: furthest,
        animate: false,
        paddingTopLeft: [40, Math.min(size.y * 0.4, 320)],
        paddingBottomRight: [40, 40],
      });
      if (this.map.getZoom() < nearest) {
        this.map.setView(item.bounds.getCenter(), nearest, { animate: false });
      }
    }

    open(item, latlng, others) {
      const size = this.map.getSize();
      const content = own.popup(item, others, {
        choose: (other) => this.open(other, latlng, [item, ...others.filter((one) => one !== other)]),
        close: () => this.map.closePopup(),
        zoom: () => {
          this.zoomTo(item);
          this.open(item, item.bounds.getCenter(), []);
        },
      });
      this.openPopup = L.popup({
        maxWidth: Math.min(360, size.x - 24),
        minWidth: Math.min(300, size.x - 44),
        closeButton: false,
        className: 'sheet-frame',
        autoPanPaddingTopLeft: [10, 44],
        autoPanPaddingBottomRight: [this.besideLegend() || 52, 16],
      })
        .setLatLng(latlng)
        .setContent(content);
      content.querySelector('.sheet-body').style.maxHeight = `${Math.max(160, Math.min(430, size.y - 210))}px`;
      this.openPopup.openOn(this.map);
    }

    focusPopup() {
      // Not the first .sheet of the document: one that closes stays there while it fades.
      this.openPopup.getContent().focus({ preventScroll: true });
    }

    restoreFocus() {
      const { opener } = this;
      this.opener = null;
      if (opener && opener.isConnected) {
        opener.focus({ preventScroll: true });
      }
    }
  }

  own.page = new PlanningMap();
})(window.planningMap);
