// Findings as a list: what is wrong, how grave, on what evidence and basis, and what cures it.
import { dataText, make } from '../shared/dom.js';
import { button } from './parts.js';
import { exact } from './amounts.js';
import { has, parkAddress, t } from './frame.js';
import { illustrativeMark, severityMark, verdictBadge } from './marks.js';

const AT_A_TIME = window.matchMedia('(max-width: 640px)').matches ? 15 : 50;

function lines(pairs) {
  return make(
    'dl',
    { class: 'facts' },
    pairs
      .filter(Boolean)
      .map(([name, ...value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
  );
}

function basisWords(basis) {
  return [basis.document, basis.number, basis.article].filter(Boolean).join(' · ');
}

function details(finding, context) {
  return make(
    'div',
    { class: 'finding-more' },
    make(
      'div',
      { class: 'finding-columns' },
      make(
        'div',
        {},
        make('h4', {}, t('finding_words.evidence')),
        lines(finding.evidence_lines.map(([name, value]) => [dataText(name), dataText(value)])),
      ),
      make(
        'div',
        {},
        make('h4', {}, t('finding_words.basis')),
        lines([
          [t('finding_words.legal_basis'), dataText(basisWords(finding.legal_basis))],
          [t('finding_words.basis_tag'), t(`basis_tag.${finding.basis_tag}`)],
          [
            t('finding_words.rule'),
            dataText(context.ruleTitle(finding)),
            ' ',
            make('code', {}, finding.rule_id),
          ],
          [
            t('finding_words.subject'),
            `${has(`layer.${finding.subject.layer}`) ? t(`layer.${finding.subject.layer}`) : finding.subject.layer} `,
            make('code', {}, make('bdi', {}, finding.subject.id)),
          ],
          finding.note ? [t('finding_words.note'), dataText(finding.note)] : null,
          finding.waived
            ? [
                t('finding_words.waived'),
                dataText(
                  Object.values(finding.waived)
                    .map((item) => exact(item))
                    .join(' · '),
                ),
              ]
            : null,
          [t('finding_words.id'), make('code', {}, finding.finding_id)],
        ]),
      ),
    ),
  );
}

// context: { ruleTitle(finding), parkName(finding) -> text or null, onSelect(finding), showMap() }
export function findingList(context) {
  const list = make('ol', { class: 'findings' });
  const more = make('div', { class: 'more' });
  const node = make('div', {}, list, more);
  let [rows, shown, selected] = [[], AT_A_TIME, null];

  function item(finding) {
    const isOpen = selected === finding.finding_id;
    const head = make(
      'button',
      {
        type: 'button',
        class: 'finding-head',
        'aria-expanded': String(isOpen),
        click: () => choose(isOpen ? null : finding.finding_id),
      },
      verdictBadge(finding.verdict, 20),
      make(
        'span',
        { class: 'finding-words' },
        make(
          'span',
          { class: 'finding-title' },
          make('span', { class: 'hidden-words' }, `${t(`verdict.${finding.verdict}`)} `),
          dataText(finding.title),
        ),
        make(
          'span',
          { class: 'finding-under' },
          severityMark(finding.severity),
          finding.waived
            ? make('span', { class: 'chip is-waived' }, t('finding_words.is_waived'))
            : null,
          context.parkName(finding)
            ? dataText(context.parkName(finding), { class: 'data park-words' })
            : null,
          finding.illustrative ? illustrativeMark() : null,
        ),
      ),
    );
    const below = [
      finding.cure
        ? make(
            'p',
            { class: 'cure' },
            make('strong', {}, t('finding_words.cure')),
            ' ',
            dataText(finding.cure),
          )
        : null,
      make(
        'p',
        { class: 'finding-links no-print' },
        context.parkName(finding) && finding.park_id
          ? make('a', { href: parkAddress(finding.park_id) }, t('finding_words.open_park'))
          : null,
        finding.has_geometry && context.showMap
          ? make(
              'button',
              { type: 'button', class: 'link', click: context.showMap },
              t('finding_words.on_map'),
            )
          : null,
      ),
    ];
    return make(
      'li',
      {
        class: `finding is-${finding.verdict}${isOpen ? ' is-open' : ''}`,
        'data-finding': finding.finding_id,
      },
      head,
      make('div', { class: 'finding-body', hidden: !isOpen }, below, details(finding, context)),
    );
  }

  function draw() {
    list.replaceChildren(...rows.slice(0, shown).map(item));
    more.replaceChildren(
      ...(rows.length > shown
        ? [
            make('span', {}, t('console.shown', { shown, total: rows.length })),
            button(t('console.show_more'), () => {
              shown += AT_A_TIME;
              draw();
            }),
          ]
        : []),
    );
  }

  function choose(id, { isFromMap = false } = {}) {
    const before = selected;
    selected = id;
    const place = rows.findIndex((finding) => finding.finding_id === id);
    if (place >= shown) {
      shown = place + 1;
      draw();
    } else {
      for (const key of new Set([before, id]))
        {redraw(key, !isFromMap && (id === null ? key === before : key === id));}
    }
    if (id !== null)
      {list
        .querySelector(`[data-finding="${CSS.escape(id)}"]`)
        ?.scrollIntoView({ block: 'nearest', behavior: 'auto' });}
    if (!isFromMap) {context.onSelect?.(id === null ? null : rows[place]);}
  }

  function redraw(key, isFocused) {
    const old = key === null ? null : list.querySelector(`[data-finding="${CSS.escape(key)}"]`);
    if (!old) {return;}
    const made = item(rows.find((finding) => finding.finding_id === key));
    old.replaceWith(made);
    if (isFocused) {made.querySelector('.finding-head').focus({ preventScroll: true });}
  }

  // On paper every finding is wanted.
  window.addEventListener('beforeprint', () => {
    shown = rows.length;
    draw();
  });

  return {
    node,
    update(found) {
      [rows, shown] = [found, AT_A_TIME];
      if (!rows.some((finding) => finding.finding_id === selected)) {selected = null;}
      draw();
    },
    choose,
  };
}
