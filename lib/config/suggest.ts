/**
 * "Did you mean": the known word that a wrong one was probably meant to be.
 *
 * @module
 */

/** `; did you mean "x"?` with the known word closest to `word`; empty if none is close. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const meant = closest(word, known);
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}

/** The known word closest to `word`, the first of equals; `undefined` if none is close. */
export function closest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  // One slip in three characters still is the same word; more is another one.
  let limit = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const steps = distance(wanted, candidate.toLowerCase());
    if (steps < limit) [best, limit] = [candidate, steps];
  }
  if (best !== undefined) return best;
  // A prefix too many or too few: `tcp_target` for `target`, `tls_alpn` for `alpn`.
  return [...known].find((candidate) =>
    Math.min(candidate.length, wanted.length) >= 4 &&
    (wanted.includes(candidate.toLowerCase()) || candidate.toLowerCase().includes(wanted))
  );
}

/** Characters to insert, delete, replace or swap with their neighbour to get from `a` to `b`. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let steps = Math.min(last[j - 1]! + (same ? 0 : 1), last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        steps = Math.min(steps, beforeLast[j - 2]! + 1);
      }
      row.push(steps);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
