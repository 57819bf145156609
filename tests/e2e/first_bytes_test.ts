/**
 * What strangers send: garbage, pieces of protocols, protocols in pieces.
 */
import assert from "node:assert/strict";
import { tcpProbes } from "../../probes/mod.ts";
import { freePort, type Scope, testWithTools } from "../support/children.ts";
import { bytes, concat } from "../support/bytes.ts";
import { samples } from "../support/samples.ts";
import { Client } from "./client.ts";
import { startBackend } from "./servers.ts";
import { type Sluice, startSluice } from "./sluice.ts";

testWithTools(
  "no first bytes end the process, or what it does for others",
  [],
  async (scope) => {
    const { port, sluice } = await startWithEveryProbe(scope);
    const witness = await Client.connect(scope, port);
    assert.equal(await witness.ask("SSH-2.0-witness\r"), "the backend");
    assert.equal(await witness.line(), "SSH-2.0-witness\r");

    const openings = [...garbage()];
    assert.ok(openings.length > 1000);
    const ends: Promise<unknown>[] = [];
    for (const opening of openings) {
      if (ends.length >= 64) await ends.shift();
      ends.push(sendAndEnd(scope, port, opening));
    }
    await Promise.all(ends);

    for (let line = 0; line < openings.length; line++) {
      const { reason } = await sluice.accessLine();
      assert.ok(["ended", "client_left", "client_reset", "backend_reset"].includes(reason), reason);
    }
    assert.equal(await witness.ask("still there?"), "still there?");
    assert.equal(sluice.child.stderr.count(/"level":"(warning|error)"/), 0);
  },
);

testWithTools(
  "a client that sends one byte at a time is routed as if it had sent them all at once",
  [],
  async (scope) => {
    const { port, sluice } = await startWithEveryProbe(scope);
    const short = samples().filter((sample) => sample.bytes.length <= 400);
    assert.ok(short.length > 50);
    const expected = new Map<string, string>();
    await Promise.all(short.map(async ({ protocol, bytes }) => {
      const client = await Client.connect(scope, port);
      expected.set(client.address, protocol === "none" ? "default" : protocol);
      for (const byte of bytes) await client.send(Uint8Array.of(byte));
      await client.closeWrite();
      await client.rest();
      client.close();
    }));
    for (let line = 0; line < short.length; line++) {
      const { client, route } = await sluice.accessLine();
      assert.equal(route, expected.get(client));
    }
  },
);

/** One sluice with an entry for every protocol that can be told, all to one backend. */
async function startWithEveryProbe(scope: Scope): Promise<{ port: number; sluice: Sluice }> {
  const backend = await startBackend(scope, "echo", "the backend");
  const port = freePort();
  const target = `target = ["127.0.0.1:${backend.port}"]`;
  const entries = Object.keys(tcpProbes).map((protocol) =>
    `[protocols.${protocol}]\nprotocol = "${protocol}"\n${target}`
  );
  const sluice = await startSluice(
    scope,
    [
      `listen_address_v4 = "127.0.0.1"`,
      `listen_port = ${port}`,
      `tcp_${target}`,
      ...entries,
    ].join("\n"),
  );
  return { port, sluice };
}

/** Connects, sends `opening`, and reads to the end. */
async function sendAndEnd(scope: Scope, port: number, opening: Uint8Array): Promise<void> {
  const client = await Client.connect(scope, port);
  try {
    const rest = client.rest();
    await client.send(opening);
    await client.closeWrite();
    await rest;
  } finally {
    client.close();
  }
}

/** First bytes of many kinds; the same in every run. */
function* garbage(): Generator<Uint8Array> {
  const random = numbers(20_260_101);
  const noise = (length: number) => Uint8Array.from({ length }, () => random(256));
  yield new Uint8Array(0);
  for (let byte = 0; byte < 256; byte++) yield Uint8Array.of(byte);
  for (const length of [1, 2, 100, 40_000, 100_000]) {
    for (const byte of [0, 0x0a, 0x20, 0x41, 0xff]) yield new Uint8Array(length).fill(byte);
    yield noise(length);
  }
  for (let count = 0; count < 200; count++) yield noise(1 + random(300));
  for (const { bytes: whole } of samples()) {
    yield whole;
    yield whole.subarray(0, random(whole.length));
    yield concat(whole, noise(100));
    for (let count = 0; count < 3; count++) {
      const damaged = whole.slice();
      damaged[random(damaged.length)] = random(256);
      yield damaged;
    }
  }
  // Lengths that promise much more than ever comes.
  for (
    const text of [
      "\x16\x03\x01\xff\xff\x01\xff\xff\xff",
      "*2147483647\r\n",
      "\x10\xff\xff\xff\x7f",
    ]
  ) {
    yield bytes(text);
    yield concat(text, new Uint8Array(70_000));
  }
}

/** Numbers below a bound (mulberry32). */
function numbers(seed: number): (bound: number) => number {
  return (bound) => {
    seed = seed + 0x6d2b79f5 | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed);
    return ((mixed ^ mixed >>> 14) >>> 0) % bound;
  };
}
