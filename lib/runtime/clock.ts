/**
 * The system's clock, by the names that every runtime has.
 *
 * @module
 */
import type { Clock } from "./runtime.ts";

/** A longer timer would overflow the runtimes' 32 bits and come at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  setTimer(callback, ms) {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_TIMER));
    return { cancel: () => clearTimeout(timer) };
  },
};
