import assert from "node:assert/strict";
import { decideOnHead, Head } from "../../lib/head.ts";
import { routeTable } from "../../lib/routing.ts";
import type { Conn, Deadline } from "../../lib/runtime/runtime.ts";

const NEVER: Deadline = { passed: false, onPassed: undefined };
const BYTES = 2000;
/** Promises that one read takes to be heard of, at most. */
const STEPS = 10;

/** A request whose target does not come to an end. */
const REQUEST = new TextEncoder().encode("G ".padEnd(BYTES, "A"));

/** A client that sends one byte of {@linkcode REQUEST} at a time, each when the last one was read. */
class Trickle {
  #give: (() => void) | undefined;
  #sent = 0;

  readonly conn = {
    read: (into: Uint8Array) =>
      new Promise<number>((resolve) => {
        this.#give = () => {
          into[0] = REQUEST[this.#sent++]!;
          resolve(1);
        };
      }),
  } as unknown as Conn;

  /** Sends one, and lets everybody go on who has waited for it. */
  async send(): Promise<void> {
    this.#give?.();
    for (let step = 0; step < STEPS; step++) await null;
  }
}

Deno.test("a head that comes byte by byte is there as soon as its last byte is", async () => {
  const trickle = new Trickle();
  const head = new Head(BYTES);
  let state;
  void Promise.resolve(head.fill(trickle.conn, BYTES, NEVER)).then((last) => state = last);
  for (let sent = 1; sent < BYTES; sent++) await trickle.send();
  assert.equal(state, undefined);
  await trickle.send();
  assert.equal(state, "open");
  assert.equal(head.bytes.length, BYTES);
});

Deno.test("a decision that takes byte after byte is there as soon as the last of them is", async () => {
  const trickle = new Trickle();
  const head = new Head(BYTES);
  const http = { protocol: "http", serverNames: [], alpns: [], hosts: [], dnsNames: [] };
  const action = { kind: "reject" as const };
  const table = routeTable({
    routes: [{ name: "web", match: { ...http, patterns: [], minLength: 0 }, action }],
    onProbeTimeout: { kind: "default" },
  });
  let decision;
  void Promise.resolve(decideOnHead(trickle.conn, head, table, NEVER))
    .then((last) => decision = last);
  for (let sent = 1; sent < BYTES; sent++) await trickle.send();
  assert.equal(decision, undefined);
  await trickle.send();
  assert.deepEqual(decision, { kind: "reject", reason: "no_route" });
});
