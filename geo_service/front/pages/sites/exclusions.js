// What is out of a ranking, and why.
import { dataText, make, shorten } from '../../shared/dom.js';
import { citation } from '../bases.js';
import { t } from '../frame.js';
import { table } from '../table.js';

export function exclusions(items, caption) {
  const list = table(
    [
      {
        key: 'label',
        label: t('sites.candidate'),
        isHead: true,
        css: 'name',
        value: (item) => item.label,
        show: (item) =>
          make(
            'span',
            {},
            dataText(shorten(item.label ?? item.candidate_id, 90)),
            make('span', { class: 'under' }, dataText(shorten(item.candidate_id, 60))),
          ),
      },
      {
        key: 'reasons',
        label: t('sites.reasons'),
        show: (item) => make('ul', { class: 'reasons' }, item.reasons.map(reasonLine)),
      },
    ],
    { caption, rowId: (item) => item.candidate_id, atATime: 10 },
  );
  list.update(items);
  return list.node;
}

function reasonLine(reason) {
  const basis = reason.legal_basis;
  const under = (...words) => make('span', { class: 'under' }, words);
  return make(
    'li',
    {},
    dataText(reason.detail),
    ' ',
    reason.rule_id ? make('code', {}, reason.rule_id) : null,
    reason.cure ? under(t('finding_words.cure'), ' ', dataText(reason.cure)) : null,
    basis ? under(dataText(citation(basis).join(' · '))) : null,
  );
}
