// Candidates as places of parks: what shares a parcel or a floor is one place with choices, and the
// places of one park stand together, the best first.

/**
 * @typedef {object} Place
 * @property {any} best the candidate of the best rank
 * @property {any[]} choices every candidate of the place, the best first
 * @property {number | null} first how often one of them comes first in the draws
 *
 * @typedef {object} Group
 * @property {string} key of the park, or of the place that lies in none
 * @property {any} best
 * @property {Place[]} places the best first
 */

/**
 * @param {any[]} candidates by rank
 * @returns {Group[]}
 */
export function groupsOf(candidates) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const place of placesOf(candidates)) {
    const key = place.best.park_id ?? place.best.candidate_id;
    const group = groups.get(key);
    if (group) {
      group.places.push(place);
    } else {
      groups.set(key, { key, best: place.best, places: [place] });
    }
  }
  return [...groups.values()];
}

/**
 * @param {any[]} candidates by rank
 * @returns {Place[]}
 */
export function placesOf(candidates) {
  const placeOf = joined(candidates);
  /** @type {Map<string, any[]>} */
  const places = new Map();
  candidates.forEach((item, index) => {
    const key = placeOf(index);
    places.set(key, [...(places.get(key) ?? []), item]);
  });
  return [...places.values()].map((choices) => ({
    best: choices[0],
    choices,
    first: firstOf(choices),
  }));
}

// How often one of several candidates comes first. Those that are level come first together, and
// count once.
function firstOf(choices) {
  if (!choices.every((item) => item.stability)) {
    return null;
  }
  const byScore = new Map();
  for (const { score, stability } of choices) {
    const key = score.toFixed(9);
    byScore.set(key, Math.max(byScore.get(key) ?? 0, stability.first));
  }
  const sum = [...byScore.values()].reduce((total, share) => total + share, 0);
  return Math.min(1, sum);
}

// Which place a candidate belongs to: joined are those of one kind of ground with a member in
// common, whichever way that leads from one to the other.
function joined(candidates) {
  const above = new Map();
  const root = (key) => {
    let at = key;
    while (above.has(at)) {
      at = above.get(at);
    }
    return at;
  };
  candidates.forEach((item) => {
    const own = `candidate ${item.candidate_id}`;
    // A park's free land in all would join every parcel of it.
    for (const member of item.kind === 'park' ? [] : item.members) {
      const other = root(`member ${member}`);
      const mine = root(own);
      if (other !== mine) {
        above.set(other, mine);
      }
    }
  });
  return (index) => root(`candidate ${candidates[index].candidate_id}`);
}
