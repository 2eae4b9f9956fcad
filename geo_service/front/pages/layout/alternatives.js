// Other layouts that are nearly as good: what each loses, and in which parks it differs.
import { dataText, make } from '../../shared/dom.js';
import { number, percent } from '../amounts.js';
import { pageAddress, start, t } from '../frame.js';
import { panel } from '../parts.js';
import { table } from '../table.js';

const COLON = start.lang === 'en' ? ': ' : '：';
const SEMICOLON = start.lang === 'en' ? '; ' : '；';

export function alternativesPanel(found) {
  const parks = new Map(found.parks.map((park) => [park.park_id, park]));
  const list = table(
    [
      {
        key: 'layout',
        label: t('layouts.alternative'),
        isHead: true,
        show: (one) =>
          make(
            'a',
            { href: pageAddress(`/layouts/${encodeURIComponent(one.layout_id)}`) },
            t('layouts.alternative_number', { number: one.layout_id.split('.a')[1] }),
          ),
      },
      {
        key: 'objective',
        label: t('layout.objective'),
        css: 'number',
        show: (one) => number(one.objective),
      },
      {
        key: 'loss',
        label: t('layouts.loss'),
        css: 'number',
        show: (one) => percent(one.loss),
      },
      {
        key: 'parks',
        label: t('layouts.differs_in'),
        show: (one) =>
          make(
            'ul',
            { class: 'plain-list' },
            one.parks.map((id) =>
              make(
                'li',
                {},
                dataText(parks.get(id)?.name ?? id),
                COLON,
                differences(found, one, parks.get(id)),
              ),
            ),
          ),
      },
    ],
    { caption: t('layouts.alternatives'), rowId: (one) => one.layout_id },
  );
  list.update(found.alternatives);
  return panel(
    t('layouts.alternatives'),
    { note: t('layouts.alternatives_note'), id: 'alternatives' },
    list.node,
  );
}

// What one park has in an alternative that it does not have in the layout.
function differences(found, other, park) {
  const id = park.park_id;
  const told = [];
  const named = (key) => [key, other.names[key]].filter(Boolean).join(' ');
  const lead = other.leads[id] ?? park.leading_industry;
  if (lead !== park.proposed) {
    told.push(t('layouts.leads_in', { industry: lead ? named(lead) : '—' }));
  }
  const parkOf = new Map(found.projects.map((one) => [one.project, one]));
  for (const [project, candidate] of Object.entries(other.places)) {
    const own = parkOf.get(project);
    if (own?.candidate_id !== candidate && other.place_parks?.[project] === id) {
      told.push(t('layouts.gets', { name: project }));
    }
    if (own?.park_id === id && other.place_parks?.[project] !== id) {
      told.push(t('layouts.loses', { name: project }));
    }
  }
  for (const one of found.projects) {
    if (one.park_id === id && !(one.project in other.places)) {
      told.push(t('layouts.loses', { name: one.project }));
    }
  }
  const here = new Map(
    found.moves.filter((one) => one.to === id).map((one) => [one.enterprise_id, one.name]),
  );
  for (const [enterprise, to] of Object.entries(other.moves)) {
    if (to === id && !here.has(enterprise)) {
      told.push(t('layouts.gets', { name: named(enterprise) }));
    }
  }
  for (const [enterprise, name] of here) {
    if (other.moves[enterprise] !== id) {
      told.push(t('layouts.loses', { name: `${enterprise} ${name}` }));
    }
  }
  return dataText(told.join(SEMICOLON));
}
