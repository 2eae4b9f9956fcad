// What is told of the selected candidate, beside the map: what sets it apart from the first, why it
// stands where it does, and its figures.
import { dataText, make, shorten } from '../../shared/dom.js';
import { emptyState } from '../api.js';
import { pageAddress, parkAddress, start, t } from '../frame.js';
import { button } from '../parts.js';
import { differenceNode, swapSentence, waterfall } from './difference.js';
import { explain, figuresOf } from './explanation.js';
import { points, rankNumber } from './figures.js';
import { placesOf } from './groups.js';

const TABS = ['apart', 'why', 'figures'];

export class Dock {
  // view: the RankingView that it is of.
  constructor(view) {
    this.view = view;
    this.tab = TABS[0];
    this.head = make('div', { class: 'dock-head' });
    this.tabs = make(
      'div',
      { class: 'segments', role: 'group', 'aria-label': t('sites.explanation') },
      TABS.map((tab) =>
        button(t(`sites.tab_${tab}`), () => this.show(tab), {
          kind: 'segment',
          'data-value': tab,
        }),
      ),
    );
    this.body = make('div', { id: 'explanation', class: 'dock-body', tabindex: '-1' });
    this.node = make(
      'section',
      { class: 'site-dock', 'aria-label': t('sites.explanation'), tabindex: '0' },
      this.head,
      this.body,
    );
  }

  show(tab) {
    this.tab = tab;
    this.draw();
  }

  draw() {
    const { candidate } = this.view;
    for (const one of this.tabs.querySelectorAll('button')) {
      one.setAttribute('aria-pressed', String(one.dataset.value === this.tab));
    }
    if (!candidate) {
      const hint = t('sites.choose_one_hint');
      this.head.replaceChildren();
      this.body.replaceChildren(emptyState(t('sites.choose_one'), { hint, sign: 'pin' }));
      return;
    }
    this.head.replaceChildren(this.title(candidate), this.tabs);
    if (this.tab === 'why') {
      explain(this.body, this.view, candidate, this.view.weights.parameters());
    } else if (this.tab === 'figures') {
      this.body.replaceChildren(figuresOf(candidate, this.view.now.criteria));
    } else {
      this.body.replaceChildren(this.apart(candidate));
    }
  }

  title(candidate) {
    const { ranking_id: ranking } = this.view.first;
    const placing = new URLSearchParams({ ranking, candidate: candidate.candidate_id });
    const sheet = this.view.sheetAddress([candidate.candidate_id]);
    return make(
      'div',
      {},
      make(
        'h2',
        {},
        rankNumber(candidate.rank),
        ' ',
        dataText(shorten(candidate.label, 120)),
        ' ',
        make('span', { class: 'beside' }, t('sites.points_of', { value: points(candidate.score) })),
      ),
      make(
        'p',
        { class: 'finding-links no-print' },
        candidate.park_id
          ? make('a', { href: parkAddress(candidate.park_id) }, t('sites.open_park'))
          : null,
        start.may.make_scenarios
          ? make(
              'a',
              { href: pageAddress(`/scenarios?${placing}`), 'data-place': '' },
              t('sites.into_scenario'),
            )
          : null,
        make('a', { href: sheet }, t('sites.one_page')),
      ),
    );
  }

  // Of the first: the steps that lead down to the second; of any other: what sets it apart.
  apart(candidate) {
    const { now } = this.view;
    const [first] = now.candidates;
    // Another choice of the same place would say nothing.
    const second = placesOf(now.candidates)[1]?.best;
    if (candidate !== first) {
      return make(
        'div',
        { id: 'difference' },
        make('h3', {}, t('sites.difference')),
        make('p', { class: 'note' }, dataText(shorten(first.label, 80))),
        differenceNode(now, candidate, first),
        swapNode(now),
      );
    }
    if (!second) {
      return make('p', { class: 'note' }, t('sites.only_one'));
    }
    return make(
      'div',
      { id: 'difference' },
      make('h3', {}, t('sites.waterfall')),
      make('p', { class: 'note' }, dataText(shorten(second.label, 80))),
      waterfall(now, first, second) ?? make('p', { class: 'note' }, t('sites.no_parts')),
      swapNode(now),
    );
  }
}

function swapNode(ranking) {
  const sentence = swapSentence(ranking);
  return sentence ? make('p', { class: 'swap', id: 'swap' }, dataText(sentence)) : null;
}
