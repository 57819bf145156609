/**
 * How long probes take for a ClientHello, in this process.
 *
 * @module
 */
import { tcpProbes } from "../probes/mod.ts";
import { udpProbes } from "../probes/udp.ts";
import { clientHello } from "./client_hello.ts";
import { initial } from "./datagram_rest.ts";
import { spread } from "./results.ts";

const BATCHES = 50;
const PER_BATCH = 200;

/** Time of the TLS probe, µs; `undefined` when there is none. */
export function probingTime(): number | undefined {
  const { tls } = tcpProbes;
  const hello = clientHello("echo.example");
  return tls && timeOf(() => tls(hello, false).kind);
}

/** Time of the QUIC probe, µs: an Initial opened, and its ClientHello read. */
export function openingTime(): number | undefined {
  const { quic } = udpProbes;
  const datagrams = [initial()];
  return quic && timeOf(() => quic(datagrams, false).kind);
}

function timeOf(probe: () => string): number | undefined {
  const times: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const started = performance.now();
    for (let i = 0; i < PER_BATCH; i++) {
      if (probe() !== "match") throw new Error("the probe does not match the hello");
    }
    times.push((performance.now() - started) * 1000 / PER_BATCH);
  }
  return spread(times)?.median;
}
