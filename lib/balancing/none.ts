import type { BalancerFactory } from "./backend.ts";

/** Always the first: the others are there for when it is down. */
export const none: BalancerFactory = () => (candidates) => candidates[0]!;
