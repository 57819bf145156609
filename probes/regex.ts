/**
 * A protocol that the operator describes by regular expressions.
 *
 * @module
 */
import { type DatagramProbe, datagramProbe } from "./datagram.ts";
import { type Facts, type Probe, probe } from "./probe.ts";

/**
 * Matches when one of `patterns` matches the first `minLength` bytes, read as Latin-1, so that `\xff` is the byte
 * 255. They see exactly these, fewer only when no more will come: else the answer would depend on the cut.
 */
export function regex(patterns: readonly RegExp[], minLength: number): Probe {
  return probe((head) => matched(patterns, head.prefix(minLength)));
}

/** As {@linkcode regex}, of the first `minLength` bytes of the first datagram, or all of it if it is shorter. */
export function datagramRegex(patterns: readonly RegExp[], minLength: number): DatagramProbe {
  return datagramProbe((datagram) => matched(patterns, datagram.prefix(minLength)));
}

function matched(patterns: readonly RegExp[], text: string): Facts | undefined {
  // Not test(): a global or sticky pattern would go on where it stopped in the connection before.
  const found = patterns.some((pattern) => text.search(pattern) >= 0);
  return found ? { protocol: "regex" } : undefined;
}
