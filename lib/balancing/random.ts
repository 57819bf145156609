import type { BalancerFactory } from "./backend.ts";
import { weighted } from "./weighted.ts";

/** Any of them, each as often as its share says. */
export const random: BalancerFactory = (random) => (candidates) => weighted(candidates, random);
