// Where the service answers of a ranking.
export function rankingPath(rankingId) {
  return `/api/rankings/${encodeURIComponent(rankingId)}`;
}
