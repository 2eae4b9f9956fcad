// A window over the page that takes the focus and gives it back.
import { make } from '../shared/dom.js';
import { t } from './frame.js';
import { button, freshId } from './parts.js';

/**
 * @param {import('./parts.js').Child} title
 * @param {(close: () => void) => import('./parts.js').Child} fill
 */
export function openDialog(title, fill) {
  const id = freshId('dialog');
  const close = () => node.close();
  const node = make(
    'dialog',
    { class: 'dialog', 'aria-labelledby': id, close: () => node.remove() },
    make(
      'div',
      { class: 'panel-head' },
      make('h2', { id }, title),
      button(t('console.close'), close, { kind: 'quiet small' }),
    ),
    make('div', { class: 'stack-small' }, fill(close)),
  );
  document.body.append(node);
  node.showModal();
  return node;
}
