/**
 * What holds for every probe of datagrams (see `DatagramProbe`): it throws nothing, `match` and `no` never change as
 * datagrams arrive, it needs none when no more will come, and it alters nothing.
 *
 * @module
 */
import type { DatagramProbe, DatagramResult } from "../../probes/mod.ts";

/**
 * Asks `probe` about `datagrams` as they arrive, one after the other.
 * @param datagrams At least one.
 * @returns What it broke, in words; `undefined` if it kept the contract.
 */
export function datagramBreach(
  probe: DatagramProbe,
  datagrams: readonly Uint8Array[],
): string | undefined {
  const before = datagrams.map((datagram) => datagram.slice());
  try {
    return inconsistency(probe, datagrams) ??
      (sameBytes(before, datagrams) ? undefined : "alters a datagram");
  } catch (thrown) {
    return `throws ${thrown instanceof Error ? thrown.stack : thrown}`;
  }
}

function inconsistency(
  probe: DatagramProbe,
  datagrams: readonly Uint8Array[],
): string | undefined {
  let answer: DatagramResult = { kind: "need" };
  for (let arrived = 1; arrived <= datagrams.length; arrived++) {
    const here = datagrams.slice(0, arrived);
    const next = probe(here, false);
    if (answer.kind !== "need" && !sameAnswer(answer, next)) {
      return `says ${answer.kind}, then ${next.kind} at ${arrived}, or with other facts`;
    }
    const last = probe(here, true);
    if (last.kind === "need") return `still needs another at ${arrived} when no more will come`;
    if (next.kind !== "need" && !sameAnswer(next, last)) {
      return `says ${next.kind} at ${arrived}, then ${last.kind} at the end, or with other facts`;
    }
    answer = next;
  }
  return undefined;
}

function sameAnswer(a: DatagramResult, b: DatagramResult): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sameBytes(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.every((datagram, i) => datagram.every((byte, at) => byte === b[i]?.[at]));
}
