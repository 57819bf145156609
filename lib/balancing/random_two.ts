import { type BalancerFactory, load } from "./backend.ts";
import { weighted } from "./weighted.ts";

/**
 * Of two random ones the less loaded. Nearly as even as the least loaded of all, and when many proxies balance
 * over the same backends they do not all run to the same one.
 */
export const randomTwo: BalancerFactory = (random) => (candidates) => {
  const one = weighted(candidates, random);
  const other = weighted(candidates, random, one);
  return load(other) < load(one) ? other : one;
};
