// The worker of pages that draw vector tiles: fetches tiles, reads the format, paints pictures by
// the style table. It works beside the page, so that the map can be moved meanwhile. The page
// gets the picture of a tile, and its features, to tell what lies under a point.
import { paint, useStyle } from './tile_painter.js';
import { read } from './tile_reader.js';

/** What the page says at first. @type {import('./tile_painter.js').Style} */
let style = { symbols: {}, hatches: {}, other: '' };

const tiles = new Map();
// Pictures to paint, by tile. Who comes last is served first: a reader waits for what came into
// sight now.
const waiting = new Map();
const next = new MessageChannel();
next.port1.onmessage = () => work();

// Puts a job off until nothing newer waits; what it returns, and takes along, goes to the page.
function later(tile, turn, job) {
  waiting.delete(tile);
  waiting.set(tile, { turn, job });
  next.port2.postMessage(null);
}

function work() {
  const last = [...waiting].pop();
  if (!last) {
    return;
  }
  const [tile, { turn, job }] = last;
  waiting.delete(tile);
  try {
    const [made, transferred] = job();
    postMessage({ tile, turn, ...made }, transferred.filter(Boolean));
  } catch (error) {
    postMessage({ tile, turn, error: 'broken' });
    throw error;
  }
}

async function load({ tile, turn, address, source, side, look }) {
  const stop = new AbortController();
  tiles.set(tile, { stop });
  try {
    const answer = await fetch(address, { signal: stop.signal });
    if (!answer.ok) {
      postMessage({ tile, turn, error: 'status', status: answer.status });
      return;
    }
    const bytes = new Uint8Array(answer.status === 204 ? [] : await answer.arrayBuffer());
    later(tile, turn, () => {
      const found = read(bytes, source, style);
      tiles.set(tile, { stop, found });
      const image = found.count ? paint(found, side, look) : null;
      const copies = found.copies();
      return [
        { found: { ...copies, symbols: found.symbols }, image },
        [image, ...Object.values(copies).map((column) => column.buffer)],
      ];
    });
  } catch {
    if (!stop.signal.aborted) {
      postMessage({ tile, turn, error: 'offline' });
    }
  }
}

const acts = {
  start: ({ symbols, hatches, other }) => {
    style = { symbols, hatches, other };
    useStyle(style);
  },
  load,
  paint: ({ tile, turn, side, look }) =>
    later(tile, turn, () => {
      const image = paint(tiles.get(tile).found, side, look);
      return [{ image }, [image]];
    }),
  drop: ({ tile }) => {
    const { stop } = tiles.get(tile) || {};
    if (stop) {
      stop.abort();
    }
    tiles.delete(tile);
    waiting.delete(tile);
  },
};

onmessage = ({ data }) => acts[data.act](data);

// The first picture of a worker waits until the page's own thread is free; this one may.
const first = new OffscreenCanvas(1, 1);
first.getContext('2d', { willReadFrequently: true })?.fillRect(0, 0, 1, 1);
first.transferToImageBitmap().close();
