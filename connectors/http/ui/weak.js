// How far what was found can be relied on. Nothing else on the page judges a score.

const WEAK = 0.1; // a passage of this score does not answer nine times in ten

export const isWeak = (hit) => hit.score < WEAK;

/** Of a reply: "none" (nothing there, or no answer), "weak" (nothing likely to answer) or "good". */
export function trust(reply) {
  if (!reply.hits.length || reply.supported === false) return "none";
  const cited = new Set((reply.citations ?? []).map((citation) => citation.document));
  const read = cited.size ? reply.hits.filter((hit) => cited.has(hit.document)) : reply.hits;
  return read.every(isWeak) ? "weak" : "good";
}
