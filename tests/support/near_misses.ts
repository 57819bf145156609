/**
 * Messages with one wrong byte.
 *
 * @module
 */
import type { Probe } from "../../probes/mod.ts";

/**
 * Puts every other value at each of `positions` of a message that `probe` matches, and asks about the bytes up to
 * there: each must be a `no` at once.
 * @param shown The fewest bytes to ask about, for what is decided on only when so much has arrived.
 * @returns What was not answered so; a test expects nothing.
 * @throws {Error} If the probe does not match the message as it is, or there is no position.
 */
export function overlooked(
  probe: Probe,
  message: Uint8Array,
  positions: readonly number[],
  shown = 0,
): string[] {
  if (probe(message, false).kind !== "match") throw new Error("the message itself is no match");
  if (positions.length === 0) throw new Error("no position");
  const found: string[] = [];
  for (const position of positions) {
    const head = message.slice(0, Math.max(position + 1, shown));
    for (let value = 0; value < 256; value++) {
      if (value === message[position]) continue;
      head[position] = value;
      const { kind } = probe(head, false);
      if (kind !== "no") found.push(`0x${value.toString(16)} at ${position}: ${kind}`);
    }
  }
  return found;
}

/** The positions from `start` to before `end`. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
