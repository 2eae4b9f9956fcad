// What a scenario changes: verdicts, the parks that it touches with their focus and what is free in
// them, and findings by what becomes of them, each with the edits that bring it about.
import { dataText, make, shorten } from '../../shared/dom.js';
import { VERDICTS } from '../../shared/symbols.js';
import { area, count, exact, percent, squareMetres } from '../amounts.js';
import { ServiceError, emptyState, errorState, get, loadingState } from '../api.js';
import { parkAddress, t, wordOf } from '../frame.js';
import { shareBar, verdictBadge } from '../marks.js';
import { button } from '../parts.js';
import { change, kindMark, parkName, signed, verdictChange } from './differences.js';
import { editLink } from './list.js';

const KINDS = ['new', 'worse', 'became_unknown', 'better', 'cured', 'subject_gone'];
const MORE_KINDS = ['not_compared'];
const AT_A_TIME = 50;
// A service that is busy with what was asked before is asked again after a while.
const BUSY = 503;
const TRIES = 20;
const AGAIN_MS = 2000;
// Which edits do it is only asked once nobody has changed anything for so long.
const REST_MS = 600;

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
function pause(milliseconds, signal) {
  return new Promise((done, stop) => {
    setTimeout(() => (signal.aborted ? stop(signal.reason) : done(null)), milliseconds);
  });
}

/**
 * @param {string} path
 * @param {Record<string, any>} parameters
 * @param {AbortSignal} signal
 */
async function patiently(path, parameters, signal) {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await get(path, parameters, { signal });
    } catch (error) {
      if (!left || !(error instanceof ServiceError) || error.status !== BUSY) {
        throw error;
      }
    }
    await pause(AGAIN_MS, signal);
  }
}

export class Changes {
  // bench: { store, kind, setKind(kind), choose(id), map, outcome(found) }
  constructor(bench) {
    this.bench = bench;
    this.asking = new AbortController();
    this.verdicts = make('div', { class: 'stack-small' });
    this.parks = make('div', { class: 'stack-small' });
    this.kinds = make('div', {
      class: 'kinds',
      role: 'group',
      'aria-label': t('scenarios.by_kind'),
    });
    this.items = make('ul', { class: 'finding-changes plain-list', id: 'changes' });
    this.more = make('div', { class: 'more' });
    this.node = make(
      'div',
      { class: 'stack' },
      this.verdicts,
      make(
        'section',
        { class: 'stack-small', 'aria-labelledby': 'changes-title' },
        make('h3', { id: 'changes-title' }, t('scenarios.findings')),
        this.kinds,
        this.items,
        this.more,
      ),
      this.parks,
    );
  }

  // Judges the scenario anew: of several askings only the last one is shown.
  async look() {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.node.setAttribute('aria-busy', 'true');
    if (!this.outcome) {
      this.verdicts.replaceChildren(loadingState(t('scenarios.judging')));
    }
    try {
      const outcome = await patiently(`${this.bench.store.own}/review`, {}, signal);
      this.outcome = outcome;
      this.drawVerdicts(outcome);
      this.drawParks(outcome);
      this.bench.outcome(outcome);
      await this.list(signal);
    } catch (error) {
      if (!signal.aborted) {
        this.verdicts.replaceChildren(errorState(error, () => this.look()));
      }
    }
    if (!signal.aborted) {
      this.node.removeAttribute('aria-busy');
    }
  }

  // ---- verdicts and room ----

  drawVerdicts({ base_verdicts: before, verdicts: after, ...more }) {
    const row = (label, was, is, key) =>
      make(
        'tr',
        { 'data-row': key },
        make('th', { scope: 'row' }, label),
        make('td', { class: 'number' }, count(was)),
        make('td', { class: 'number' }, count(is)),
        make('td', { class: 'number' }, signed(is - was) ?? '—'),
      );
    const head = (words) => make('th', { scope: 'col', class: 'number' }, words);
    const { room } = more;
    this.verdicts.replaceChildren(
      make(
        'table',
        { class: 'table is-plain before-after' },
        make('caption', { class: 'hidden-words' }, t('scenarios.verdicts')),
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            make('th', { scope: 'col' }, t('scenarios.parks_by_verdict')),
            head(t('scenarios.before')),
            head(t('scenarios.after')),
            head(t('scenarios.difference')),
          ),
        ),
        make(
          'tbody',
          {},
          VERDICTS.map((verdict) =>
            row(
              [verdictBadge(verdict, 15), ' ', t(`verdict.${verdict}`)],
              before[verdict],
              after[verdict],
              verdict,
            ),
          ),
          row(t('scenarios.findings'), more.base_findings_count, more.findings_count, 'findings'),
        ),
      ),
      make(
        'dl',
        { class: 'facts' },
        fact(
          t('scenarios.free_land'),
          change(room.before.free_land_m2, room.after.free_land_m2, area),
        ),
        fact(
          t('scenarios.vacant_floor'),
          change(room.before.vacant_floor_m2, room.after.vacant_floor_m2, squareMetres),
        ),
      ),
    );
  }

  drawParks({ parks }) {
    const children = parks.length
      ? [
          make('h3', {}, t('scenarios.parks_touched', { count: count(parks.length) })),
          make(
            'ul',
            { class: 'plain-list park-changes' },
            parks.map((park) => this.park(park)),
          ),
        ]
      : [];
    this.parks.replaceChildren(...children);
  }

  park(park) {
    const { before, after } = park.focus;
    const show = () => this.bench.map.select('parks', park.park_id);
    const scenario = this.bench.store.id;
    const page = parkAddress(park.park_id, scenario);
    return make(
      'li',
      { class: 'park-change', 'data-park': park.park_id },
      make(
        'div',
        { class: 'edit-line' },
        make('strong', {}, parkName(park)),
        button(t('scenarios.on_map'), show, { kind: 'quiet small' }),
        make('a', { class: 'button quiet small', href: page }, t('scenarios.open_park')),
      ),
      verdictChange(park.before, park.after),
      make(
        'dl',
        { class: 'facts' },
        fact(
          t('scenarios.leading'),
          change(before?.leading_industry ?? null, after?.leading_industry ?? null, dataText),
        ),
        fact(t('scenarios.share'), [
          shareBar(after?.share ?? null),
          change(before?.share ?? null, after?.share ?? null, percent),
        ]),
        fact(
          t('scenarios.enterprises'),
          change(before?.enterprise_count ?? null, after?.enterprise_count ?? null, count),
        ),
        fact(
          t('scenarios.free_land'),
          change(park.room.before.free_land_m2, park.room.after.free_land_m2, area),
        ),
        fact(
          t('scenarios.vacant_floor'),
          change(park.room.before.vacant_floor_m2, park.room.after.vacant_floor_m2, squareMetres),
        ),
      ),
    );
  }

  // ---- findings ----

  ask(offset, signal, causes = true) {
    const { kind, store } = this.bench;
    const parameters = { kind, causes, limit: AT_A_TIME, offset };
    return patiently(`${store.own}/changes`, parameters, signal);
  }

  // Which edits bring the changes about takes longer than what the changes are: it follows.
  async list(signal) {
    const { kind } = this.bench;
    const found = await this.ask(0, signal, false);
    this.drawFound(found, false);
    if (found.changes.length) {
      await pause(REST_MS, signal);
      const told = await this.ask(0, signal);
      if (kind === this.bench.kind) {
        this.drawFound(told, true);
      }
    }
  }

  drawFound(found, hasCauses) {
    this.found = found;
    this.hasCauses = hasCauses;
    this.drawKinds(found.counts);
    this.shown = found.changes.length;
    this.items.replaceChildren(...this.lines(found.changes));
    if (!found.changes.length) {
      const none = this.bench.store.document.enabled_count
        ? emptyState(t('scenarios.no_changes'), { hint: t('scenarios.no_changes_hint') })
        : emptyState(t('scenarios.nothing_counts'));
      this.items.replaceChildren(make('li', {}, none));
    }
    this.drawMore();
  }

  drawMore() {
    const { numberMatched: matched } = this.found;
    this.more.replaceChildren(
      ...(this.shown < matched
        ? [
            make('span', {}, t('console.shown', { shown: this.shown, total: matched })),
            button(t('console.show_more'), () => this.showMore()),
          ]
        : []),
    );
  }

  async showMore() {
    const { signal } = this.asking;
    const { changes } = await this.ask(this.shown, signal);
    this.items.append(...this.lines(changes));
    this.shown += changes.length;
    this.drawMore();
  }

  drawKinds(counts) {
    const { kind: chosen } = this.bench;
    const shown = [...KINDS, ...MORE_KINDS.filter((kind) => counts[kind])];
    const all = shown.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
    const entry = (kind, words, number) =>
      make(
        'button',
        {
          type: 'button',
          class: 'count',
          'data-kind': kind || 'all',
          'aria-pressed': String((chosen ?? '') === kind),
          disabled: !number && kind !== '' && chosen !== kind,
          click: () => this.choose(kind || null),
        },
        words,
        ' ',
        make('strong', {}, count(number)),
      );
    this.kinds.replaceChildren(
      entry('', t('scenarios.every_kind'), all),
      ...shown.map((kind) => entry(kind, t(`finding_kind.${kind}`), counts[kind] ?? 0)),
    );
  }

  async choose(kind) {
    this.bench.setKind(kind);
    const { signal } = this.asking;
    try {
      await this.list(signal);
    } catch (error) {
      this.items.replaceChildren(
        make(
          'li',
          {},
          errorState(error, () => this.choose(kind)),
        ),
      );
    }
    const pressed = this.kinds.querySelector(`[data-kind="${kind || 'all'}"]`);
    /** @type {HTMLElement | null} */ (pressed)?.focus();
  }

  lines(changes) {
    return changes.map((one) => this.line(one));
  }

  line(one) {
    const press = () => {
      const layer = one.after ? 'findings' : one.subject.layer;
      this.bench.map.select(layer, one.after ? one.finding_id : one.subject.id);
    };
    const verdictOf = (side) => (side ? t(`verdict.${side.verdict}`) : t('scenarios.none_there'));
    const measured =
      one.before && one.after && one.before.value !== one.after.value
        ? change(one.before.value, one.after.value, valueOf(one))
        : null;
    return make(
      'li',
      { class: 'finding-change', 'data-kind': one.kind, 'data-id': one.finding_id },
      make(
        'button',
        { type: 'button', class: 'edit-name', click: press },
        kindMark(one.kind),
        dataText(shorten(one.title, 240), {}, 'span'),
      ),
      make(
        'p',
        { class: 'under' },
        one.park_id ? [make('code', {}, dataText(one.park_id)), ' · '] : null,
        wordOf('layer', one.subject.layer),
        ' ',
        make('code', {}, dataText(one.subject.id)),
        ' · ',
        t(`severity.${one.severity}`),
      ),
      make(
        'p',
        { class: 'under' },
        change(verdictOf(one.before), verdictOf(one.after), (words) => words),
        measured ? [' · ', measured] : null,
      ),
      this.causes(one),
    );
  }

  // Which edits bring it about.
  causes({ caused_by: ids, is_together: isTogether }) {
    if (!this.hasCauses) {
      return make('p', { class: 'under causes' }, t('scenarios.looking_for_causes'));
    }
    if (!ids.length) {
      return make('p', { class: 'under causes' }, t('scenarios.by_nobody'));
    }
    return make(
      'p',
      { class: 'under causes' },
      t(isTogether && ids.length > 1 ? 'scenarios.by_together' : 'scenarios.by'),
      ' ',
      ids.map((id) => [editLink(this.bench, id), ' ']),
    );
  }
}

function fact(name, value) {
  return make('div', {}, make('dt', {}, name), make('dd', {}, value));
}

function valueOf(one) {
  const isShare = (one.after ?? one.before)?.unit === 'share';
  return (value) =>
    isShare && typeof value === 'number' ? percent(value) : dataText(exact(value));
}
