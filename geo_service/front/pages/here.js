// "Can I build here?": a place on the map and a project; one answer with its reasons.
import { make } from '../shared/dom.js';
import { ask, emptyState, errorState, get, loadingState } from './api.js';
import { pageAddress, printPage, setTitle, showPage, start, t } from './frame.js';
import { answerNode, mapOf, rankingPage } from './here/answer.js';
import { ProjectChoice } from './here/project.js';
import { run } from './jobs.js';
import { mapFrame } from './mapframe.js';
import { button, labelled, later, pageHead } from './parts.js';

const WAYS = ['point', 'area', 'text'];
const CORNERS = 3;
const MOST_IN_ADDRESS = 200;

class Here {
  constructor(projects) {
    /** @type {number[][]} */
    this.points = [];
    this.way = 'point';
    this.asked = 0;
    this.found = null;
    this.project = new ProjectChoice(projects, () => this.check());
    this.map = mapFrame('/maps/overview', {}, t('here.map'), {
      onSketched: (points) => this.sketched(points),
    });
    this.checkLater = later(() => this.check(), 500);
    this.text = make('textarea', {
      class: 'coordinates',
      rows: 6,
      spellcheck: 'false',
      id: 'points',
    });
    this.textPart = make(
      'div',
      { class: 'form' },
      labelled(t('here.points_label'), this.text, { help: t('here.points_help') }),
      button(t('here.check'), () => this.check(), { kind: 'strong', id: 'check' }),
    );
    this.hint = make('p', { class: 'note' });
    this.ways = make(
      'div',
      { class: 'segments', role: 'group', 'aria-label': t('here.place') },
      WAYS.map((way) =>
        button(t(`here.way_${way}`), () => this.choose(way), {
          kind: 'segment',
          'data-value': way,
        }),
      ),
    );
    this.answer = make('div', { id: 'answer', 'aria-live': 'polite' });
    this.note = make('div');
  }

  // ---- the place ----

  choose(way) {
    if (way !== this.way) {
      this.points = [];
    }
    this.way = way;
    this.showWay();
  }

  showWay() {
    for (const one of this.ways.querySelectorAll('button')) {
      one.setAttribute('aria-pressed', String(one.dataset.value === this.way));
    }
    const isText = this.way === 'text';
    this.textPart.hidden = !isText;
    this.hint.hidden = isText;
    this.hint.textContent = isText ? '' : t(`here.way_${this.way}_hint`);
    this.map.sketch(isText ? null : this.way, this.points);
  }

  sketched(points) {
    if (points && this.way !== 'text' && String(points) !== String(this.points)) {
      this.points = points;
      this.checkLater();
    }
  }

  // Where it is, as the service takes it; nothing while it is not chosen.
  place() {
    if (this.way === 'text') {
      return this.text.value.trim() ? { points: this.text.value } : null;
    }
    if (this.way === 'point') {
      const [point] = this.points;
      return point ? { lon: point[0], lat: point[1] } : null;
    }
    const { points } = this;
    return points.length < CORNERS
      ? null
      : { geometry: { type: 'Polygon', coordinates: [[...points, points[0]]] } };
  }

  // ---- the answer ----

  async check() {
    this.remember();
    const project = this.project.value();
    const place = this.place();
    this.note.replaceChildren();
    this.project.tell('');
    if (!project || !place) {
      this.showEmpty();
      return;
    }
    this.asked += 1;
    const own = this.asked;
    this.answer.replaceChildren(loadingState());
    try {
      const { document } = await ask('/api/here', {
        method: 'POST',
        body: { project, ...place },
      });
      if (own === this.asked) {
        this.show(document);
      }
    } catch (error) {
      if (own === this.asked) {
        this.fail(error);
      }
    }
  }

  // A wrong industry is told at its field.
  fail(error) {
    const own = (error.document?.faults ?? []).find((one) => one.field === 'industry_code');
    if (own) {
      this.project.tell(own.message);
      this.showEmpty();
      return;
    }
    this.answer.replaceChildren(errorState(error, () => this.check()));
  }

  show(found) {
    this.found = found;
    this.answer.replaceChildren(
      answerNode(found, {
        print: printPage,
        save: () => this.save(),
        compare: () => this.compare(),
        showOnMap: (candidate) => this.showOnMap(candidate),
        askAt: (candidate) => this.askAt(candidate),
      }),
    );
    if (this.way === 'text') {
      const { geometry } = found.place;
      const [ring] = geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates[0];
      this.map.sketch('area', ring.slice(0, -1));
    }
  }

  showEmpty() {
    this.found = null;
    this.answer.replaceChildren(
      emptyState(t('here.waiting'), { hint: t('here.waiting_hint'), sign: 'pin' }),
    );
  }

  showOnMap(candidate) {
    const [layer, id] = mapOf(candidate);
    if (id) {
      this.map.select(layer, id);
    }
  }

  askAt({ point }) {
    this.way = 'point';
    this.points = [point];
    this.showWay();
    this.check();
  }

  // ---- what follows from it ----

  async save() {
    const { project, place, answer } = this.found;
    const edit = {
      op: 'place_project',
      project,
      candidate_id: place.candidate_id,
      reason: t('here.scenario_reason', { answer }),
      ...(place.kind === 'land' ? { geometry: place.geometry } : {}),
    };
    const name = t('here.scenario_name', { project: project.name, place: place.label });
    try {
      const body = { name: name.slice(0, MOST_IN_ADDRESS), reason: edit.reason, edits: [edit] };
      const { document } = await ask('/api/scenarios', { method: 'POST', body });
      window.location.assign(pageAddress(`/scenarios/${encodeURIComponent(document.scenario_id)}`));
    } catch (error) {
      this.note.replaceChildren(errorState(error));
    }
  }

  async compare() {
    const { project, place } = this.found;
    const made = await run(this.note, '/api/rankings', { body: project }, () => this.compare());
    if (made) {
      window.location.assign(rankingPage(made.ranking_id, place.candidate_id));
    }
  }

  // ---- the address ----

  remember() {
    const query = new URLSearchParams(this.project.state());
    const written = this.points.map((point) => point.join(',')).join(';');
    if (this.points.length && this.points.length <= MOST_IN_ADDRESS) {
      query.set(this.way === 'point' ? 'at' : 'ring', written);
    }
    const lang = new URLSearchParams(window.location.search).get('lang');
    if (lang) {
      query.set('lang', lang);
    }
    window.history.replaceState(null, '', pageAddress(`/here?${query}`));
  }

  take(given) {
    this.project.take(given);
    const written = given.get('at') ?? given.get('ring') ?? '';
    const points = written
      .split(';')
      .map((pair) => pair.split(',').map(Number))
      .filter((pair) => pair.length === 2 && pair.every(Number.isFinite));
    this.way = given.has('ring') ? 'area' : 'point';
    this.points = this.way === 'point' ? points.slice(0, 1) : points.slice(0, MOST_IN_ADDRESS);
  }

  open() {
    this.take(new URLSearchParams(window.location.search));
    setTitle(t('console.here_title'));
    showPage(
      pageHead(t('console.here_title'), { line: t('here.lead') }),
      make(
        'div',
        { class: 'bench is-here' },
        make(
          'section',
          { class: 'bench-part', 'aria-label': t('console.here_title'), tabindex: '0' },
          make('div', { class: 'form no-print' }, this.ways, this.hint, this.textPart),
          make('div', { class: 'no-print' }, this.project.node),
          this.note,
          this.answer,
        ),
        make(
          'section',
          { class: 'bench-part is-stage', 'aria-label': t('here.map') },
          make('div', { class: 'stage' }, this.map.node),
        ),
      ),
    );
    this.showWay();
    if (this.place()) {
      this.check();
    } else {
      this.showEmpty();
    }
  }
}

async function load() {
  try {
    // Who sees a part of the county gets no projects of others; one may still be described.
    const { projects } = start.may.projects ? await get('/api/projects') : { projects: [] };
    new Here(projects).open();
  } catch (error) {
    showPage(pageHead(t('console.here_title')), errorState(error, load));
  }
}

load();
