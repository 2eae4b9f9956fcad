// Builds elements and writes texts and numbers. Values become text nodes only: nothing in
// this program sets markup from a string.
'use strict';

(function (own) {
  const { settings } = own;
  const SVG = 'http://www.w3.org/2000/svg';

  // make('p', { class: 'note', 'aria-label': '…' }, 'text', child, …); null children are left out.
  function make(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }

  function makeSvg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === 'function') {
        element.addEventListener(name, value);
      } else if (value === true) {
        element.setAttribute(name, '');
      } else if (value !== null && value !== undefined && value !== false) {
        element.setAttribute(name, String(value));
      }
    }
    for (const child of children.flat(Infinity)) {
      if (child !== null && child !== undefined && child !== false) {
        element.append(child);
      }
    }
    return element;
  }

  // A text of the catalogue with its {fields} filled in.
  function text(key, values) {
    const template = settings.texts[key] || key;
    return template.replace(/\{(\w+)\}/g, (whole, name) =>
      values && name in values ? String(values[name]) : whole
    );
  }

  // Text that comes from data: isolated, so that its direction marks stay inside.
  function dataText(value, tag) {
    return make(tag || 'bdi', { class: 'data' }, String(value));
  }

  const locale = settings.language === 'en' ? 'en-GB' : settings.language;
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const share = new Intl.NumberFormat(locale, {
    style: 'percent',
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });

  const M2_PER_HA = 1e4;
  const M2_PER_MU = 2000 / 3;

  // An area in the units of a planner, the customary one first: 亩, 公顷, m²; in English ha, mu, m².
  function areas(value) {
    const mu = text('mu', { value: decimal.format(value / M2_PER_MU) });
    const hectares = text('hectares', { value: decimal.format(value / M2_PER_HA) });
    return [...(settings.language === 'en' ? [hectares, mu] : [mu, hectares]), `${whole.format(value)} m²`];
  }

  // Land in one breath, the second unit in brackets; what is smaller than a mu in m².
  function landArea(value) {
    const [first, second, metres] = areas(value);
    return value < M2_PER_MU ? metres : text('area_both', { first, second });
  }

  const forms = {
    text: (value) => String(value),
    number: (value) => decimal.format(value),
    share: (value) => share.format(value),
    floor_m2: (value) => `${whole.format(value)} m²`,
    area_m2: landArea,
    area_ha: (value) => landArea(value * M2_PER_HA),
    grade: (value) => settings.texts[`grade_${value}`] || String(value),
    // As everywhere else on pages, of a hundred.
    score: (value) => decimal.format(value * 100),
  };

  function write(value, form) {
    return (forms[form] || forms.text)(value);
  }

  function isGiven(value) {
    return value !== null && value !== undefined && value !== '';
  }

  function shorten(value, length) {
    const characters = Array.from(String(value).slice(0, length * 4));
    return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : characters.join('');
  }

  // A button with an icon of ours and a name for those who do not see it.
  function iconButton(name, label, press) {
    return make(
      'button',
      { type: 'button', class: `icon-button icon-${name}`, title: label, 'aria-label': label, click: press },
      icon(name)
    );
  }

  const ICONS = {
    measure: 'M3 13 13 3l4 4L7 17zM6 10l1.6 1.6M8.5 7.5l2.4 2.4M11 5l1.6 1.6',
    area: 'M4 6l7-2 5 6-4 6-7-1zM4 6h0M11 4h0M16 10h0M12 16h0M5 15h0',
    link: 'M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 0 0 4.2 4.2l1-1',
    help: 'M7.5 7.6C7.5 4.4 12.6 4.5 12.5 7.6 12.4 9.5 10 9.6 10 11.6M10 15.2v.2',
    in: 'M10 4v12M4 10h12',
    out: 'M4 10h12',
    full: 'M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4',
    reset: 'M3.5 9.5 10 4l6.5 5.5M5.5 8.5V16h9V8.5',
    print: 'M6 8V4h8v4M6 14H4V8h12v6h-2M6 12h8v4H6z',
    menu: 'M4 6h12M4 10h12M4 14h12',
    close: 'M5 5l10 10M15 5 5 15',
    search: 'M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4zM13 13l4 4',
    chevron: 'M6 8l4 4 4-4',
  };

  function icon(name) {
    return makeSvg(
      'svg',
      { viewBox: '0 0 20 20', width: 20, height: 20, class: 'icon', 'aria-hidden': 'true' },
      makeSvg('path', { d: ICONS[name] })
    );
  }

  Object.assign(own, { make, makeSvg, text, dataText, write, areas, isGiven, shorten, icon, iconButton });
})(window.planningMap);
