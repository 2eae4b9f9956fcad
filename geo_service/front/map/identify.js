// Answers about a place or a drawn area: from the service, and in a page that stands alone
// from the features that it carries (without what needs exact overlays).
import { make } from '../shared/dom.js';
import { areaFacts, pointFacts } from './answers.js';
import { carriedIn, lookAround } from './carried.js';
import { settings, text } from './settings.js';

const GIVE_UP_AFTER_MS = 20000;

class AnswerError extends Error {}

async function fetchJson(address, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), GIVE_UP_AFTER_MS);
  try {
    const answer = await fetch(address, { ...options, signal: stop.signal });
    const document = await answer.json();
    if (!answer.ok) {
      throw new AnswerError(
        answer.status < 500 && document.detail
          ? document.detail
          : text('reason_status', { status: answer.status }),
      );
    }
    return document;
  } catch (error) {
    if (error instanceof AnswerError) {
      throw error;
    }
    throw new AnswerError(
      text(
        stop.signal.aborted
          ? 'reason_timeout'
          : error instanceof SyntaxError
            ? 'reason_broken'
            : 'reason_offline',
      ),
    );
  } finally {
    clearTimeout(timer);
  }
}

// Runs a question and gives elements: the answer, or in words why there is none.
export async function ask(question) {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof AnswerError)) {
      reportError(error);
    }
    return [
      make(
        'p',
        { class: 'failed', role: 'alert' },
        error instanceof AnswerError ? error.message : text('reason_broken'),
      ),
    ];
  }
}

// ---- a place ----

export async function identify(page, drawing, { lng, lat }) {
  const point = L.latLng(lat, lng).wrap();
  const found = settings.places
    ? await fetchJson(
        `${settings.places.identify}&lon=${point.lng.toFixed(7)}&lat=${point.lat.toFixed(7)}`,
      )
    : lookAround(drawing, point);
  return pointFacts(page, found, point);
}

// ---- an area ----

export async function area(page, geometry) {
  if (!settings.places) {
    return carriedIn(page, geometry);
  }
  const found = await fetchJson(settings.places.areas, {
    method: 'POST',
    headers: { 'content-type': 'application/geo+json' },
    body: JSON.stringify(geometry),
  });
  return areaFacts(page, found);
}
