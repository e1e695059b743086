// How far what was found can be relied on. Nothing else on the page judges a probability.

const WEAK = 0.1; // what is so probable does not answer nine times in ten

export const isWeak = (hit) => hit.score < WEAK;

/** Of a reply: "none" (nothing there, or no answer), "weak" (nothing likely to answer) or "good". */
export function trust(reply) {
  if (!reply.hits.length || reply.supported === false) return "none";
  const cited = new Set((reply.citations ?? []).map((citation) => citation.document));
  const read = cited.size ? reply.hits.filter((hit) => cited.has(hit.document)) : reply.hits;
  // Where the service tells how probable it is that anything answers, that counts, not the best passage.
  const told = reply.answerable ?? reply.hits[0].parts?.answerable;
  return (told ?? Math.max(...read.map((hit) => hit.score))) < WEAK ? "weak" : "good";
}
