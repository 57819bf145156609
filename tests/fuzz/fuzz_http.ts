/**
 * Mutated conversations against what follows HTTP/1.1.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { knownOf, recordedTalks, replay, said, type Step } from "../support/talks.ts";
import { Mutator } from "./mutator.ts";

/** A conversation on which the tap broke its contract. */
export interface HttpFailure {
  /** Which input of the run, from 0. */
  readonly index: number;
  readonly what: string;
  /** A step a line, in hex. */
  readonly input: string;
}

/**
 * Real conversations, of which one step is a mutated one of whichever conversation; the same seed makes the same inputs.
 * @returns The first failure.
 */
export function fuzzHttp(
  inputs: number,
  seed: number,
  follow = replay,
): HttpFailure | undefined {
  const talks = recordedTalks().map(({ steps }) => steps);
  const mutator = new Mutator(talks.flat().map(({ bytes }) => bytes), seed);
  for (let index = 0; index < inputs; index++) {
    const around = talks[mutator.below(talks.length)]!;
    const at = mutator.below(around.length);
    const steps = around.with(at, { ...around[at]!, bytes: mutator.next().slice() });
    const where = mutator.below(steps[at]!.bytes.length + 1);
    const what = breach(
      steps,
      (bytes) => [bytes.subarray(0, where), bytes.subarray(where)],
      follow,
    );
    if (what !== undefined) {
      const lines = steps.map(({ who, bytes }) => `  ${who} ${bytes.toHex()}`);
      return { index, what, input: `cut at ${where}:\n${lines.join("\n")}` };
    }
  }
  return undefined;
}

function breach(
  steps: readonly Step[],
  cut: (bytes: Uint8Array) => Uint8Array[],
  follow: typeof replay,
): string | undefined {
  try {
    const whole = follow(steps);
    const pieces = follow(steps, cut);
    if (!isDeepStrictEqual(knownOf(pieces), knownOf(whole))) return "the cut decides";
    if (pieces.exchanges.some(({ outcome }) => outcome === undefined)) {
      return "an exchange does not end";
    }
    const asked = said(steps, "client");
    const isPrefix = whole.up.every((byte, index) => byte === asked[index]);
    return isPrefix ? undefined : "other bytes than those that came go on";
  } catch (thrown) {
    return `throws ${thrown instanceof Error ? thrown.stack : thrown}`;
  }
}
