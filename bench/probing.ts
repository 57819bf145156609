/**
 * How long the TLS probe takes for a ClientHello, in this process.
 *
 * @module
 */
import { tcpProbes } from "../probes/mod.ts";
import { clientHello } from "./client_hello.ts";
import { spread } from "./results.ts";

const BATCHES = 50;
const PER_BATCH = 200;

/** Time of one call, µs; `undefined` when there is no TLS probe. */
export function probingTime(): number | undefined {
  const { tls } = tcpProbes;
  if (tls === undefined) return undefined;
  const hello = clientHello("echo.example");
  const times: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const started = performance.now();
    for (let i = 0; i < PER_BATCH; i++) {
      if (tls(hello, false).kind !== "match") throw new Error("the probe does not match the hello");
    }
    times.push((performance.now() - started) * 1000 / PER_BATCH);
  }
  return spread(times)?.median;
}
