import { type BalancerFactory, load } from "./backend.ts";

/** The least loaded; among equals one at random, each as often as its share says. */
export const leastConnections: BalancerFactory = (random) => (candidates) => {
  let chosen = candidates[0]!;
  let least = Infinity;
  /** The weights of the candidates so far that are as little loaded as `chosen`. */
  let equals = 0;
  for (const candidate of candidates) {
    const its = load(candidate);
    if (its > least) continue;
    equals = its < least ? candidate.weight : equals + candidate.weight;
    least = its;
    if (random() * equals < candidate.weight) chosen = candidate;
  }
  return chosen;
};
