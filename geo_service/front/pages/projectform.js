// The form of a project. Which values a field may take comes from the schema that the service
// publishes; a field that the form has no words for shows the schema's own.
import { get } from './api.js';
import { make } from '../shared/dom.js';
import { button, freshId, labelled, later, select } from './parts.js';
import { M2_PER_HA, M2_PER_MU } from '../shared/format.js';
import { squareMetres } from './amounts.js';
import { has, start, t } from './frame.js';

const M2_PER_UNIT = { mu: M2_PER_MU, ha: M2_PER_HA, m2: 1 };
const FLOOR_NEEDS = ['floor_load_kn_m2', 'clear_height_m', 'goods_lift_t'];
const UTILITIES = ['power_kva', 'water_m3_d', 'gas_m3_d', 'wastewater_m3_d'];
const OUTSIDE = 'land';
const EXAMPLE = {
  industry_code: '3841',
  kind: 'new',
  hazard_class: '丙',
  output_cny: 200_000_000,
  needs: { land_m2: 20_000, power_kva: 2000 },
  access: { interchange: { max_minutes: 60 } },
};

function words(name, part, fallback) {
  return has(`sites.${name}_${part}`) ? t(`sites.${name}_${part}`) : fallback;
}

export function projectForm(schema, submit) {
  const defined = (reference) => schema.$defs?.[reference?.split('/').pop()] ?? {};
  const needs = defined(schema.properties.needs.$ref ?? schema.properties.needs.allOf?.[0]?.$ref);
  const choices = (property) =>
    property?.enum ?? property?.anyOf?.find((item) => item.enum)?.enum ?? [];
  const whereToLook = schema.properties.candidates?.items?.enum ?? [];
  const facilities = schema.properties.access?.propertyNames?.enum ?? FACILITIES();

  function field(name, property, control, group = null) {
    control.name = group ? `${group}.${name}` : name;
    return labelled(words(name, 'label', property?.title ?? name), control, {
      help: has(`sites.${name}_help`)
        ? t(`sites.${name}_help`)
        : has(`sites.${name}_label`)
          ? null
          : (property?.description ?? null),
    });
  }

  const numberInput = (attributes) =>
    make('input', { type: 'number', min: 0, step: 'any', inputmode: 'decimal', ...attributes });
  const codes = make('datalist', { id: freshId('industries') });
  const controls = {
    name: make('input', { type: 'text', required: true, maxlength: 200, autocomplete: 'off' }),
    industry_code: make('input', {
      type: 'text',
      required: true,
      maxlength: 60,
      list: codes.id,
      autocomplete: 'off',
      spellcheck: 'false',
    }),
    hazard_class: select([
      ['', t('sites.none')],
      ...choices(schema.properties.hazard_class).map((item) => [item, item]),
    ]),
    output_cny: numberInput({}),
    land: numberInput({}),
    land_unit: select(
      [
        ['mu', t('sites.unit_mu')],
        ['ha', t('sites.unit_ha')],
        ['m2', 'm²'],
      ],
      { value: start.lang === 'en' ? 'ha' : 'mu', 'aria-label': t('sites.unit') },
    ),
    floor_area_m2: numberInput({}),
    contiguous_floors: make('input', { type: 'checkbox', checked: true }),
    outside: make('input', { type: 'checkbox' }),
    fire_class: select([
      ['', t('sites.none')],
      ...choices(needs.properties?.fire_class).map((item) => [item, item]),
    ]),
    method: select(
      choices(schema.properties.method).map((item) => [item, words(item, 'method', item)]),
    ),
    normalisation: select([
      ['', t('sites.normalisation_own')],
      ...choices(schema.properties.normalisation).map((item) => [
        item,
        words(item, 'scaling', item),
      ]),
    ]),
    weights: select(
      ['given', 'equal', 'entropy'].map((item) => [item, t(`sites.weights_${item}`)]),
    ),
    unknown: select(
      choices(schema.properties.unknown).map((item) => [item, words(item, 'unknown', item)]),
    ),
    ...Object.fromEntries([...FLOOR_NEEDS, ...UTILITIES].map((name) => [name, numberInput({})])),
  };
  const kinds = radios('kind', choices(schema.properties.kind), (item) => t(`sites.kind_${item}`));
  const places = radios('place', ['land', 'floors'], (item) => t(`sites.place_${item}`));
  const industryName = make('p', { class: 'field-help', 'aria-live': 'polite' });
  const landBeside = make('p', { class: 'field-help', 'aria-live': 'polite' });

  controls.industry_code.addEventListener(
    'input',
    later(async () => {
      const typed = controls.industry_code.value.trim();
      if (!typed) {return;}
      const { industries } = await get('/api/industries', { query: typed, limit: 20 }).catch(
        () => ({ industries: [] }),
      );
      codes.replaceChildren(
        ...industries.map((item) =>
          make('option', { value: item.code, label: `${item.code} ${item.name}` }),
        ),
      );
      const same = industries.find((item) => item.code === typed);
      industryName.textContent = same ? `${same.code} ${same.name}` : '';
    }, 150),
  );
  const showLand = () => {
    const value = Number(controls.land.value) * M2_PER_UNIT[controls.land_unit.value];
    landBeside.textContent = value > 0 ? t('sites.land_beside', { area: squareMetres(value) }) : '';
  };
  controls.land.addEventListener('input', showLand);
  controls.land_unit.addEventListener('change', showLand);

  // ---- access to facilities ----
  const accessRows = make('div', { class: 'stack-small' });
  function addAccess(kind = facilities[0], limit = {}) {
    const kindSelect = select(
      facilities.map((item) => [item, has(`facility.${item}`) ? t(`facility.${item}`) : item]),
      { value: kind, class: 'access-kind' },
    );
    const value = numberInput({
      class: 'access-value',
      value: limit.max_minutes ?? limit.max_km ?? '',
    });
    const unit = select(
      [
        ['max_minutes', t('sites.minutes')],
        ['max_km', t('sites.km')],
      ],
      { value: 'max_km' in limit ? 'max_km' : 'max_minutes', class: 'access-unit' },
    );
    const row = make(
      'div',
      { class: 'access-row' },
      labelled(t('sites.facility'), kindSelect),
      labelled(t('sites.at_most'), value),
      labelled(t('sites.unit'), unit),
      button('', () => row.remove(), {
        kind: 'quiet',
        sign: 'close',
        'aria-label': t('sites.remove'),
      }),
    );
    accessRows.append(row);
  }

  const landPart = make(
    'div',
    { class: 'form' },
    make(
      'div',
      { class: 'two' },
      labelled(t('sites.land_label'), controls.land, { help: t('sites.land_help') }),
      labelled(t('sites.unit'), controls.land_unit),
    ),
    landBeside,
    whereToLook.includes(OUTSIDE)
      ? make('label', { class: 'check' }, controls.outside, t('sites.outside'))
      : null,
  );
  const floorPart = make(
    'div',
    { class: 'form', hidden: true },
    field('floor_area_m2', needs.properties?.floor_area_m2, controls.floor_area_m2, 'needs'),
    make(
      'label',
      { class: 'check' },
      controls.contiguous_floors,
      t('sites.contiguous_floors_label'),
    ),
    make(
      'div',
      { class: 'two' },
      FLOOR_NEEDS.map((name) => field(name, needs.properties?.[name], controls[name], 'needs')),
      field('fire_class', needs.properties?.fire_class, controls.fire_class, 'needs'),
    ),
  );
  places.node.addEventListener('change', showPlace);
  function showPlace() {
    const isLand = places.value() === 'land';
    landPart.hidden = !isLand;
    floorPart.hidden = isLand;
    controls.land.required = isLand;
    controls.floor_area_m2.required = !isLand;
  }

  const file = make('input', {
    type: 'file',
    accept: '.json,application/json',
    class: 'hidden-words',
    tabindex: '-1',
    'aria-label': t('sites.open_file'),
    change: async () => {
      fault.replaceChildren();
      try {
        fill(JSON.parse(await file.files[0].text()));
      } catch {
        fault.replaceChildren(
          make('p', { class: 'field-fault', role: 'alert' }, t('sites.file_fault')),
        );
      }
      file.value = '';
    },
  });
  const fault = make('div');
  const send = make(
    'button',
    { type: 'submit', class: 'button strong', id: 'rank' },
    t('sites.rank'),
  );
  const form = make(
    'form',
    {
      class: 'form',
      id: 'project',
      submit: (event) => {
        event.preventDefault();
        submit(read());
      },
    },
    make(
      'div',
      { class: 'tools' },
      button(t('sites.example'), () => fill({ ...EXAMPLE, name: t('sites.example_name') }), {
        kind: 'plain small',
        id: 'example',
      }),
      button(t('sites.open_file'), () => file.click(), { kind: 'plain small' }),
      button(t('sites.save_file'), save, { kind: 'plain small' }),
      file,
    ),
    fault,
    make(
      'fieldset',
      {},
      make('legend', {}, t('sites.about')),
      field('name', schema.properties.name, controls.name),
      make(
        'div',
        {},
        field('industry_code', schema.properties.industry_code, controls.industry_code),
        industryName,
        codes,
      ),
      make(
        'div',
        { class: 'field' },
        make('span', { class: 'label', id: `${kinds.id}-label` }, t('sites.kind_label')),
        kinds.node,
      ),
      make(
        'div',
        { class: 'two' },
        field('hazard_class', schema.properties.hazard_class, controls.hazard_class),
        field('output_cny', schema.properties.output_cny, controls.output_cny),
      ),
    ),
    make(
      'fieldset',
      {},
      make('legend', {}, t('sites.place')),
      make(
        'div',
        {},
        make('span', { class: 'hidden-words', id: `${places.id}-label` }, t('sites.place')),
        places.node,
      ),
      landPart,
      floorPart,
    ),
    make(
      'fieldset',
      {},
      make('legend', {}, t('sites.access')),
      make('p', { class: 'field-help' }, t('sites.access_help')),
      accessRows,
      make(
        'div',
        {},
        button(t('sites.add'), () => addAccess(), { kind: 'plain small', sign: 'plus' }),
      ),
    ),
    make(
      'details',
      { class: 'fold' },
      make('summary', {}, t('sites.utilities')),
      make(
        'div',
        { class: 'two form-two' },
        UTILITIES.map((name) => field(name, needs.properties?.[name], controls[name], 'needs')),
      ),
    ),
    make(
      'details',
      { class: 'fold' },
      make('summary', {}, t('sites.method')),
      make(
        'div',
        { class: 'form' },
        field('method', schema.properties.method, controls.method),
        field('normalisation', schema.properties.normalisation, controls.normalisation),
        labelled(t('sites.weights_label'), controls.weights, { help: t('sites.weights_help') }),
        field('unknown', schema.properties.unknown, controls.unknown),
      ),
    ),
    make('div', { class: 'tools form-end' }, send),
  );

  let rest = {};

  function read() {
    const amount = (control) => (control.value === '' ? undefined : Number(control.value));
    const isLand = places.value() === 'land';
    const wanted = isLand
      ? {
          land_m2:
            controls.land.value === ''
              ? undefined
              : Number(
                  (Number(controls.land.value) * M2_PER_UNIT[controls.land_unit.value]).toFixed(2),
                ),
        }
      : {
          floor_area_m2: amount(controls.floor_area_m2),
          contiguous_floors: controls.contiguous_floors.checked,
          fire_class: controls.fire_class.value || undefined,
          ...Object.fromEntries(FLOOR_NEEDS.map((name) => [name, amount(controls[name])])),
        };
    const access = {};
    for (const row of accessRows.children) {
      const value = row.querySelector('.access-value').value;
      if (value !== '')
        {access[row.querySelector('.access-kind').value] = {
          [row.querySelector('.access-unit').value]: Number(value),
        };}
    }
    const output = amount(controls.output_cny);
    return {
      ...rest,
      name: controls.name.value,
      industry_code: controls.industry_code.value.trim(),
      kind: kinds.value(),
      hazard_class: controls.hazard_class.value || undefined,
      output_cny: output === undefined ? undefined : output * 1e4,
      needs: {
        ...wanted,
        ...Object.fromEntries(UTILITIES.map((name) => [name, amount(controls[name])])),
      },
      access,
      candidates:
        isLand && controls.outside.checked
          ? [...new Set([...(rest.candidates ?? schema.properties.candidates.default), OUTSIDE])]
          : rest.candidates?.filter((item) => item !== OUTSIDE),
      weights: {
        ...rest.weights,
        method: controls.weights.value === '' ? 'ahp' : controls.weights.value,
      },
      method: controls.method.value,
      normalisation: controls.normalisation.value || undefined,
      unknown: controls.unknown.value,
    };
  }

  // Puts a project into the form; parts that the form does not show stay with it.
  function fill(project) {
    rest = { criteria: project.criteria, weights: project.weights, candidates: project.candidates };
    controls.outside.checked = project.candidates?.includes(OUTSIDE) ?? false;
    const put = (control, value) => {
      control.value = value ?? '';
    };
    put(controls.name, project.name);
    put(controls.industry_code, project.industry_code);
    controls.industry_code.dispatchEvent(new Event('input'));
    kinds.set(project.kind ?? 'new');
    put(controls.hazard_class, project.hazard_class);
    put(
      controls.output_cny,
      project.output_cny === undefined || project.output_cny === null
        ? ''
        : project.output_cny / 1e4,
    );
    const wanted = project.needs ?? {};
    places.set(wanted.floor_area_m2 ? 'floors' : 'land');
    showPlace();
    put(
      controls.land,
      wanted.land_m2
        ? Number((wanted.land_m2 / M2_PER_UNIT[controls.land_unit.value]).toFixed(4))
        : '',
    );
    showLand();
    put(controls.floor_area_m2, wanted.floor_area_m2);
    controls.contiguous_floors.checked = wanted.contiguous_floors ?? true;
    put(controls.fire_class, wanted.fire_class);
    for (const name of [...FLOOR_NEEDS, ...UTILITIES]) {put(controls[name], wanted[name]);}
    accessRows.replaceChildren();
    for (const [kind, limit] of Object.entries(project.access ?? {})) {addAccess(kind, limit);}
    controls.method.value = project.method ?? 'weighted_sum';
    controls.normalisation.value = project.normalisation ?? '';
    controls.weights.value = project.weights?.method ?? 'given';
    controls.unknown.value = project.unknown ?? 'keep';
  }

  function save() {
    const link = make('a', {
      href: URL.createObjectURL(
        new Blob([JSON.stringify(read(), null, 2)], { type: 'application/json' }),
      ),
      download: 'project.json',
    });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  kinds.set('new');
  places.set('land');
  showPlace();
  return {
    node: form,
    fill,
    read,
    setBusy: (isBusy) => {
      send.disabled = isBusy;
    },
  };
}

function FACILITIES() {
  return Object.keys(start.texts)
    .filter((key) => key.startsWith('facility.') && !key.endsWith('_glyph'))
    .map((key) => key.slice('facility.'.length));
}

function radios(name, values, label) {
  const id = freshId(name);
  const inputs = values.map((value) => make('input', { type: 'radio', name: id, value }));
  return {
    id,
    node: make(
      'div',
      { class: 'choice', role: 'radiogroup', 'aria-labelledby': `${id}-label` },
      inputs.map((input) => make('label', {}, input, label(input.value))),
    ),
    value: () => inputs.find((input) => input.checked)?.value,
    set: (value) => {
      for (const input of inputs) {input.checked = input.value === value;}
    },
  };
}
