/**
 * Datagrams with one thing wrong.
 *
 * @module
 */
import type { DatagramProbe } from "../../probes/mod.ts";

/**
 * Puts every other value at each of `positions` of a datagram that `probe` matches: each must be a `no`.
 * @returns What was not answered so; a test expects nothing.
 * @throws {Error} If the probe does not match the datagram as it is, or there is no position.
 */
export function overlookedBytes(
  probe: DatagramProbe,
  datagram: Uint8Array,
  positions: readonly number[],
): string[] {
  if (probe([datagram], false).kind !== "match") throw new Error("the datagram itself is no match");
  if (positions.length === 0) throw new Error("no position");
  const found: string[] = [];
  for (const position of positions) {
    const changed = datagram.slice();
    for (let value = 0; value < 256; value++) {
      if (value === datagram[position]) continue;
      changed[position] = value;
      const { kind } = probe([changed], false);
      if (kind !== "no") found.push(`0x${value.toString(16)} at ${position}: ${kind}`);
    }
  }
  return found;
}

/**
 * Cuts a datagram that `probe` matches at every length, and puts one more byte, 0, behind it: each must be a `no`.
 * @returns The lengths that were not answered so; a test expects nothing.
 * @throws {Error} If the probe does not match the datagram as it is.
 */
export function overlookedLengths(probe: DatagramProbe, datagram: Uint8Array): number[] {
  if (probe([datagram], false).kind !== "match") throw new Error("the datagram itself is no match");
  const longer = new Uint8Array(datagram.length + 1);
  longer.set(datagram);
  const found: number[] = [];
  for (let length = 0; length <= longer.length; length++) {
    if (length === datagram.length) continue;
    if (probe([longer.subarray(0, length)], false).kind !== "no") found.push(length);
  }
  return found;
}
