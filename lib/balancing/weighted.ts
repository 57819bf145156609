import type { Candidate } from "./backend.ts";

/**
 * One at random, each as often as its share says. One pass is enough: a candidate replaces the choice among those
 * before it with the probability that its weight has among them and itself.
 * @param except Is not chosen, unless there is no other.
 */
export function weighted(
  candidates: readonly Candidate[],
  random: () => number,
  except?: Candidate,
): Candidate {
  let chosen = candidates[0]!;
  let total = 0;
  for (const candidate of candidates) {
    if (candidate === except) continue;
    total += candidate.weight;
    if (random() * total < candidate.weight) chosen = candidate;
  }
  return chosen;
}
