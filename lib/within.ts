/**
 * Waiting, but not for ever.
 *
 * @module
 */
import type { Clock } from "./runtime/runtime.ts";

/** Waits for `promise`, but not longer than `ms`. */
export async function within(clock: Clock, ms: number, promise: Promise<void>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = clock.setTimer(limit.resolve, ms);
  await Promise.race([promise, limit.promise]);
  timer.cancel();
}
