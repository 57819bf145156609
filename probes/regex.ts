/**
 * A protocol that the operator describes by regular expressions.
 *
 * @module
 */
import { type Probe, probe } from "./probe.ts";

/**
 * Matches when one of `patterns` matches the first `minLength` bytes, read as Latin-1, so that `\xff` is the byte
 * 255. They see exactly these, fewer only when no more will come: else the answer would depend on the cut.
 */
export function regex(patterns: readonly RegExp[], minLength: number): Probe {
  return probe((head) => {
    const text = head.prefix(minLength);
    // Not test(): a global or sticky pattern would go on where it stopped in the connection before.
    const matched = patterns.some((pattern) => text.search(pattern) >= 0);
    return matched ? { protocol: "regex" } : undefined;
  });
}
