// The help is text; only the verdicts' signs are drawn.
import { main } from './frame.js';
import { verdictMark } from './marks.js';

for (const cell of main.querySelectorAll('[data-verdict]')) {
  cell.append(verdictMark(cell.getAttribute('data-verdict')));
}
main.setAttribute('data-state', 'shown');
