import assert from "node:assert/strict";
import type { DatagramResult, Facts, ProbeResult } from "../../probes/mod.ts";

/** What the file of a sample says of it. */
interface KnownSample {
  readonly name: string;
  readonly protocol: string;
  readonly facts: Readonly<Record<string, string>>;
}

/** Asserts that a probe matched its sample, with every fact that the sample is known to hold. */
export function assertFacts(
  result: ProbeResult | DatagramResult | undefined,
  { name, protocol, facts }: KnownSample,
): void {
  assert.ok(result?.kind === "match", name);
  assert.equal(result.facts.protocol, protocol, name);
  for (const [fact, text] of Object.entries(facts)) {
    assert.equal(textOf(result.facts, fact), text, `${name}: ${fact}`);
  }
}

/** A fact or a detail as a sample's file writes it; empty if there is none. */
function textOf({ details, ...facts }: Facts, name: string): string {
  return String({ ...details, ...facts }[name] ?? "");
}
