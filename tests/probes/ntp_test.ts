import assert from "node:assert/strict";
import { ntp } from "../../probes/ntp.ts";
import { bytes, concat } from "../support/bytes.ts";
import { overlookedLengths } from "../support/datagrams.ts";
import { range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const ask = (datagram: Uint8Array) => ntp([datagram], false);
const match = (version: number) => ({
  kind: "match",
  facts: { protocol: "ntp", details: { version } },
});

/** A request: `start`, then zeros, and timestamps with something in them. */
function request(start: string, ...behind: (string | Uint8Array)[]) {
  return concat(bytes(start.padEnd(16, "\0")), new Uint8Array(32).fill(0xe5), ...behind);
}

/** Whether a request with this byte at `at` is NTP. */
const accepts = (at: number) => (value: number) => {
  const datagram = request("\x23");
  datagram[at] = value;
  return ask(datagram).kind === "match";
};

Deno.test("a request is NTP with every version from 1 to 4 and every leap indicator", () => {
  for (const version of [1, 2, 3, 4]) {
    for (const leap of [0, 1, 2, 3]) {
      const first = String.fromCharCode(leap << 6 | version << 3 | 3);
      assert.deepEqual(ask(request(first)), match(version), `${leap} ${version}`);
    }
  }
});

Deno.test("another mode or version says no", () => {
  const accepted = range(0, 256).filter(accepts(0));
  assert.equal(accepted.length, 16);
  assert.deepEqual([...new Set(accepted.map((first) => first & 7))], [3]);
});

Deno.test("a request of zeros but for its first byte is one, as simple clients send it", () => {
  assert.deepEqual(ask(concat(0x1b, new Uint8Array(47))), match(3));
  assert.deepEqual(ask(new Uint8Array(48)), NO);
});

Deno.test("stratum, poll and precision are plausible", () => {
  assert.deepEqual(range(0, 256).filter(accepts(1)), range(0, 17));
  assert.deepEqual(range(0, 256).filter(accepts(2)), [...range(0, 18), ...range(0xf9, 0x100)]);
  assert.deepEqual(range(0, 256).filter(accepts(3)), [0, 32, ...range(0xe0, 0x100)]);
});

Deno.test("root delay and dispersion are plausible", () => {
  assert.deepEqual(range(0, 256).filter(accepts(4)), [0]);
  assert.deepEqual(range(0, 256).filter(accepts(8)), range(0, 16));
});

Deno.test("a request is 48 bytes, or has behind it what authenticates it", () => {
  const lengths = (first: string) =>
    range(0, 120).filter((length) => {
      const datagram = concat(request(first), new Uint8Array(72)).subarray(0, length);
      return ask(datagram).kind === "match";
    });
  assert.deepEqual(lengths("\x1b"), [48, 60, 68, 72, 80, 84, 100, 116]);
  assert.deepEqual(
    lengths("\x23"),
    [48, 60, 68, 72],
    "in version 4, what is longer is an extension",
  );
});

Deno.test("extensions of version 4 may stand between, each a multiple of four and 16 or more long", () => {
  const extension = (length: number) =>
    concat(1, 4, length >> 8, length & 0xff, new Uint8Array(length - 4));
  const behind = (...parts: Uint8Array[]) => ask(request("\x23", ...parts)).kind;
  assert.equal(behind(extension(28)), "match");
  assert.equal(behind(extension(16), extension(28)), "match");
  assert.equal(behind(extension(36), extension(104), new Uint8Array(20)), "match");
  assert.equal(behind(extension(16)), "no", "the last is 28 or longer, or reads as authentication");
  for (const [high, low] of [[0, 0], [0, 12], [0, 15], [0, 29], [0, 32], [0xff, 0xfc]] as const) {
    const wrong = extension(28);
    wrong.set([high, low], 2);
    assert.equal(behind(wrong), "no", `${high} ${low}`);
  }
  assert.equal(ask(request("\x1b", extension(28))).kind, "no", "version 3 has none");
});

Deno.test("a part of a request says no", () => {
  assert.deepEqual(overlookedLengths(ntp, request("\x23")), []);
});
