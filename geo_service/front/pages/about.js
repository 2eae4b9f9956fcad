// The product's version, and the work of others that it carries, with licences.
import { errorState, get } from './api.js';
import { dataText, make } from '../shared/dom.js';
import { pageHead, panel } from './parts.js';
import { setTitle, showPage, start, t } from './frame.js';
import { table } from './table.js';

function works(rows, caption) {
  const list = table(
    [
      {
        key: 'name',
        label: t('about.name'),
        isHead: true,
        css: 'name',
        value: (item) => item.name.toLowerCase(),
        show: (item) =>
          make(
            'span',
            {},
            dataText(item.name),
            item.texts
              ? make(
                  'details',
                  {},
                  make('summary', {}, t('about.text')),
                  item.texts.map((text) => make('pre', { class: 'licence', tabindex: '0' }, text)),
                )
              : null,
          ),
      },
      {
        key: 'version',
        label: t('about.version'),
        value: (item) => item.version,
        show: (item) => dataText(item.version),
      },
      {
        key: 'licence',
        label: t('about.licence'),
        value: (item) => item.licence,
        show: (item) => dataText(item.licence),
      },
    ],
    { caption },
  );
  list.update(rows);
  return list.node;
}

async function load() {
  try {
    const found = await get('/api/about');
    setTitle(t('console.about_title'));
    showPage(
      pageHead(t('console.about_title'), { line: t('about.lead', { version: found.version }) }),
      panel(
        t('about.at_work'),
        {},
        make(
          'dl',
          { class: 'facts' },
          [
            [t('about.county'), start.county],
            [t('about.plan'), start.versions.plan],
            [t('about.rulebook'), start.versions.rulebook],
            [t('about.review'), start.review_id],
          ].map(([name, value]) =>
            make('div', {}, make('dt', {}, name), make('dd', {}, dataText(value))),
          ),
        ),
      ),
      panel(
        t('about.assets'),
        { note: t('about.assets_note') },
        works(found.assets, t('about.assets')),
      ),
      panel(
        t('about.libraries'),
        { note: t('about.libraries_note') },
        works(found.libraries, t('about.libraries')),
      ),
    );
  } catch (error) {
    showPage(pageHead(t('console.about_title')), errorState(error, load));
  }
}

load();
