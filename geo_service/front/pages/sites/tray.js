// The tray at the bottom edge: the candidates that are compared, at most four, and the table of
// them side by side above it.
import { dataText, make, shorten } from '../../shared/dom.js';
import { t } from '../frame.js';
import { button } from '../parts.js';
import { Comparison, MOST_COMPARED } from './comparison.js';

export class Tray {
  // view: the RankingView that it is of; changed() is called when others are compared.
  constructor(view, changed) {
    this.view = view;
    this.changed = changed;
    this.comparison = new Comparison(view.first.criteria);
    this.isOpen = false;
    this.items = make('ul', { class: 'tray-items' });
    this.toggle = button(t('sites.side_by_side'), () => this.open(!this.isOpen), {
      kind: 'strong small',
      id: 'side-by-side',
      'aria-expanded': 'false',
    });
    this.sheet = make('a', { class: 'button plain small', id: 'one-page' }, t('sites.one_page'));
    this.table = make('div', { class: 'tray-table', hidden: true }, this.comparison.node);
    this.hint = make('p', { class: 'note' });
    this.node = make(
      'section',
      { class: 'tray no-print', 'aria-label': t('sites.tray') },
      this.table,
      make(
        'div',
        { class: 'tray-bar' },
        make('h2', {}, t('sites.tray')),
        this.items,
        this.hint,
        make('div', { class: 'tools' }, this.toggle, this.sheet),
      ),
    );
  }

  get ids() {
    return [...this.comparison.chosen];
  }

  has(candidateId) {
    return this.comparison.has(candidateId);
  }

  canTake(candidateId) {
    return this.comparison.canTake(candidateId);
  }

  choose(candidateId, isChosen) {
    if (!isChosen || this.canTake(candidateId)) {
      this.comparison.choose(candidateId, isChosen);
    }
  }

  open(isOpen) {
    this.isOpen = isOpen;
    this.draw();
  }

  draw() {
    const { candidates } = this.view.now;
    const chosen = candidates.filter((item) => this.has(item.candidate_id));
    const isEnough = chosen.length > 1;
    this.isOpen = this.isOpen && isEnough;
    this.items.replaceChildren(...chosen.map((item) => this.item(item)));
    this.hint.textContent = isEnough ? '' : t('sites.compare_none_hint', { most: MOST_COMPARED });
    this.hint.hidden = isEnough;
    this.toggle.disabled = !isEnough;
    this.toggle.setAttribute('aria-expanded', String(this.isOpen));
    this.table.hidden = !this.isOpen;
    this.sheet.href = this.view.sheetAddress();
    if (this.isOpen) {
      this.comparison.draw(candidates);
    }
  }

  item(item) {
    return make(
      'li',
      { 'data-id': item.candidate_id },
      dataText(`${item.rank} ${shorten(item.label, 40)}`),
      button('', () => this.view.compare(item.candidate_id, false), {
        kind: 'quiet small',
        sign: 'close',
        'aria-label': t('sites.compare_remove', { label: shorten(item.label, 60) }),
      }),
    );
  }
}
