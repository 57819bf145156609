/**
 * The signals that end a process.
 *
 * @module
 */
import type { Process, Signal } from "./runtime/process.ts";

/** The first SIGTERM or SIGINT, and the second; until `unhear` they end nothing by themselves. */
export function stopSignals(process: Pick<Process, "onSignal">) {
  const first = Promise.withResolvers<Signal>();
  const second = Promise.withResolvers<void>();
  let asked = false;
  const unhear = (["SIGTERM", "SIGINT"] as const).map((signal) =>
    process.onSignal(signal, () => {
      if (asked) second.resolve();
      else first.resolve(signal);
      asked = true;
    })
  );
  return {
    first: first.promise,
    second: second.promise,
    unhear: () => unhear.forEach((each) => each()),
  };
}
