// Gets the features of each source: from the island of a standalone page, else from the
// service, with a time limit, in words when it fails, and again when the reader asks.
import { settings, text } from './settings.js';

const SLOW_AFTER_MS = 4000;
const GIVE_UP_AFTER_MS = 30000;

export class LoadError extends Error {}

export async function fetchCollection(address) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), GIVE_UP_AFTER_MS);
  try {
    const answer = await fetch(address, { signal: stop.signal });
    if (!answer.ok) {
      throw new LoadError(text('reason_status', { status: answer.status }));
    }
    return checked(await answer.json());
  } catch (error) {
    if (error instanceof LoadError) {
      throw error;
    }
    const key = stop.signal.aborted
      ? 'reason_timeout'
      : error instanceof SyntaxError
        ? 'reason_broken'
        : 'reason_offline';
    throw new LoadError(text(key));
  } finally {
    clearTimeout(timer);
  }
}

function checked(collection) {
  if (!collection || !Array.isArray(collection.features)) {
    throw new LoadError(text('reason_broken'));
  }
  return collection;
}

// Loads every source that does not come as tiles, and tells `show` how it goes:
// show({ state: 'loading' | 'slow' | 'failed' | 'done', done, total, failed, reason }).
export class Loader {
  constructor(receive, show) {
    this.receive = receive;
    this.show = show;
    this.fetched = new Map();
    this.waiting = settings.sources.filter((source) => !source.tiles);
    this.total = this.waiting.length;
  }

  async load() {
    const failed = [];
    let done = this.total - this.waiting.length;
    let reason = '';
    let state = 'loading';
    const tell = () => this.show({ state, done, total: this.total });
    const timer = setTimeout(() => {
      state = 'slow';
      tell();
    }, SLOW_AFTER_MS);
    tell();
    const one = async (source) => {
      try {
        this.receive(source, await this.fetch(source));
        done += 1;
        tell();
      } catch (error) {
        failed.push(source);
        reason = error instanceof LoadError ? error.message : text('reason_broken');
        if (!(error instanceof LoadError)) {
          reportError(error);
        }
      }
    };
    try {
      await Promise.all(this.waiting.map(one));
    } finally {
      clearTimeout(timer);
    }
    this.waiting = failed;
    this.show({
      state: failed.length ? 'failed' : 'done',
      done,
      total: this.total,
      failed,
      reason,
    });
  }

  async fetch(source) {
    if (settings.collections) {
      return checked(settings.collections[source.document]);
    }
    // Two states side by side share what is the same in both.
    if (!this.fetched.has(source.address)) {
      this.fetched.set(source.address, fetchCollection(source.address));
    }
    try {
      return await this.fetched.get(source.address);
    } catch (error) {
      this.fetched.delete(source.address);
      throw error;
    }
  }
}
