import assert from "node:assert/strict";
import fc from "fast-check";
import { Talk } from "../../../support/http_talk.ts";
import {
  knownOf,
  recordedTalks,
  replay,
  said,
  type Step,
  summaryOf,
} from "../../../support/talks.ts";

const talks = recordedTalks();

/** Cuts bytes into pieces of these lengths, and what is left. */
function cutter(lengths: readonly number[]) {
  let turn = 0;
  return function* (bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length;) {
      const length = lengths.length === 0 ? bytes.length : lengths[turn++ % lengths.length]!;
      yield bytes.subarray(at, at += length);
    }
  };
}
const cut = (lengths: readonly number[]) => {
  const pieces = cutter(lengths);
  return (bytes: Uint8Array) => [...pieces(bytes)];
};

Deno.test("of every real conversation the exchanges are known, and its bytes go by as they are", () => {
  for (const { name, steps, exchanges } of talks) {
    const talk = replay(steps);
    assert.deepEqual(talk.exchanges.map(summaryOf), exchanges, name);
    assert.deepEqual(talk.up, said(steps, "client"), name);
    assert.deepEqual(talk.down, said(steps, "server"), name);
  }
});

Deno.test("byte for byte they are the same exchanges", () => {
  for (const { name, steps } of talks) {
    const single = replay(steps, cut([1]));
    assert.deepEqual(knownOf(single), knownOf(replay(steps)), name);
    assert.deepEqual(single.up, said(steps, "client"), name);
  }
});

const messages = fc.constantFrom(
  ...talks.filter(({ exchanges }) =>
    exchanges.every((line) => /^\S+ \S+ \d+ complete$/.test(line))
  ),
);
const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 10 });

Deno.test("however the bytes of conversations in a row are cut, they are the same exchanges and go by as they are", () => {
  const rows = fc.array(messages, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(rows, lengths, (row, lengths) => {
      const steps = row.filter(({ name }) => !/python/.test(name)).flatMap(({ steps }) => steps);
      const talk = replay(steps, cut(lengths));
      assert.deepEqual(knownOf(talk), knownOf(replay(steps)));
      assert.deepEqual(talk.up, said(steps, "client"));
      assert.deepEqual(talk.down, said(steps, "server"));
    }),
    { numRuns: 100 },
  );
});

Deno.test("with changes to the heads they are the same exchanges, too, and only heads of requests are changed", () => {
  fc.assert(
    fc.property(messages, lengths, ({ steps }, lengths) => {
      const options = { keeps: 100_000, forwarded: "replace", host: "localhost" } as const;
      const [whole, pieces] = [cut([]), cut(lengths)].map((cut) => {
        const talk = new Talk(options);
        for (const { who, bytes } of steps) {
          for (const piece of cut(bytes)) who === "client" ? talk.asks(piece) : talk.says(piece);
        }
        return talk.ends();
      });
      assert.deepEqual(knownOf(pieces!), knownOf(whole!));
      assert.deepEqual(pieces!.up, whole!.up);
      assert.deepEqual(pieces!.down, said(steps, "server"));
      const again = replay([{ who: "client", bytes: whole!.up }]);
      assert.deepEqual(
        again.exchanges.map(({ request }) => request.fields),
        whole!.exchanges.map(({ request }) => request.fields),
      );
    }),
    { numRuns: 100 },
  );
});

Deno.test("random bytes from both sides, however they are cut, are the same exchanges and throw nothing", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(
      ..."\r\n|\n|GET / HTTP/1.1\r\n|Host: a\r\n|\r\n\r\n|Content-Length: 3\r\n|0\r\n\r\n".split(
        "|",
      ),
    )
      .map((text) => new TextEncoder().encode(text)),
    fc.constantFrom(...talks.flatMap(({ steps }) => steps.map(({ bytes }) => bytes))),
  );
  const who = fc.constantFrom<Step["who"]>("client", "server");
  const steps = fc.array(fc.record({ who, bytes }), { maxLength: 12 });
  fc.assert(
    fc.property(steps, lengths, (steps, lengths) => {
      const whole = replay(steps);
      const talk = replay(steps, cut(lengths));
      assert.deepEqual(knownOf(talk), knownOf(whole));
      assert.equal(talk.up.length <= said(steps, "client").length, true);
    }),
    { numRuns: 500 },
  );
});
