import type { Backend, BalancerFactory } from "./backend.ts";

/**
 * One after the other, each as often as its share says and as evenly spread as can be (smooth weighted round
 * robin, as nginx has it): at every turn each backend earns its weight, and who has the most pays for all.
 */
export const roundRobin: BalancerFactory = () => {
  // A backend that is away keeps what it has, and one that is gone for good is forgotten with its last user.
  const earned = new WeakMap<Backend, number>();
  return (candidates) => {
    let chosen = candidates[0]!;
    let most = -Infinity;
    let total = 0;
    for (const candidate of candidates) {
      const { backend, weight } = candidate;
      const its = (earned.get(backend) ?? 0) + weight;
      earned.set(backend, its);
      total += weight;
      if (its > most) {
        chosen = candidate;
        most = its;
      }
    }
    earned.set(chosen.backend, most - total);
    return chosen;
  };
};
