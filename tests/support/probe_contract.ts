/**
 * What holds for every probe on any bytes (see `Probe`): it throws nothing, `match` and `no` never change as bytes
 * arrive, `need` asks for more than is there and for no more than the answer takes, and it alters nothing.
 *
 * @module
 */
import type { Facts, Probe, ProbeResult } from "../../probes/mod.ts";

/**
 * Asks `probe` about `bytes` as if they arrived in two reads.
 * @param cut Where the first read ends, 0 to `bytes.length`.
 * @returns What it broke, in words; `undefined` if it kept the contract.
 */
export function breach(probe: Probe, bytes: Uint8Array, cut: number): string | undefined {
  try {
    return inconsistency(probe, bytes, cut);
  } catch (thrown) {
    return `throws ${thrown instanceof Error ? thrown.stack : thrown}`;
  }
}

function inconsistency(probe: Probe, bytes: Uint8Array, cut: number): string | undefined {
  const whole = probe(bytes, false);
  const last = probe(bytes, true);
  if (last.kind === "need") return "still needs bytes when no more will come";
  if (whole.kind === "need") {
    if (!(whole.bytes > bytes.length)) return `needs ${whole.bytes} of ${bytes.length} bytes`;
  } else if (!sameResult(whole, last)) {
    return `says ${whole.kind}, then ${last.kind} at the end, or with other facts`;
  }
  if (cut === bytes.length) return undefined;

  const before = probe(bytes.subarray(0, cut), false);
  if (before.kind !== "need") {
    if (sameResult(before, whole)) return undefined;
    return `says ${before.kind} at ${cut}, then ${whole.kind}, or with other facts`;
  }
  if (!(before.bytes > cut)) return `needs ${before.bytes} of ${cut} bytes`;
  const early = Math.min(before.bytes - 1, bytes.length);
  const meanwhile = early === bytes.length ? whole : probe(bytes.subarray(0, early), false);
  if (meanwhile.kind === "need") return undefined;
  return `needs ${before.bytes} bytes at ${cut}, but says ${meanwhile.kind} at ${early}`;
}

/** Whether two answers are the same one, facts included. */
export function sameResult(a: ProbeResult, b: ProbeResult): boolean {
  if (a.kind === "match" && b.kind === "match") return sameFacts(a.facts, b.facts);
  if (a.kind === "need" && b.kind === "need") return a.bytes === b.bytes;
  return a.kind === b.kind;
}

function sameFacts(a: Facts, b: Facts): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
