// An error as a page: what happened in plain words, and where to go on.
import { icon, make } from '../shared/dom.js';
import { pageAddress, setTitle, showPage, start, t } from './frame.js';

const kind = start.status === 404 ? 'missing' : start.status >= 500 ? 'fault' : 'request';
setTitle(t(`console.page_${kind}`));
showPage(
  make(
    'div',
    { class: 'error-page' },
    icon(kind === 'missing' ? 'search' : 'warn', 18),
    make('p', { class: 'error-code' }, String(start.status)),
    make('h1', {}, t(`console.page_${kind}`)),
    make('p', { class: 'lead' }, t(`console.page_${kind}_hint`)),
    make(
      'p',
      { class: 'tools' },
      make('a', { class: 'button strong', href: pageAddress('/') }, t('console.to_home')),
      make('a', { class: 'button plain', href: pageAddress('/help') }, t('console.nav_help')),
    ),
  ),
);
