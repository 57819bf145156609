import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { FairShare } from "../../lib/fair_share.ts";
import { pipe, type Stream } from "../../lib/pipe.ts";
import { Timeouts } from "../../lib/timeouts.ts";
import { ManualClock } from "../support/clock.ts";

/** A stream whose reads give what `lengths` says, at once, and that takes every write at once. */
class ReadyStream implements Stream {
  /** The room that each read had. */
  readonly rooms: number[] = [];
  readonly #lengths: Iterator<number>;

  constructor(lengths: Iterable<number>) {
    this.#lengths = lengths[Symbol.iterator]();
  }

  read(into: Uint8Array): Promise<number | null> {
    this.rooms.push(into.length);
    const { done, value } = this.#lengths.next();
    return Promise.resolve(done ? null : Math.min(value, into.length));
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }
}

function pipeOf(downstream: Stream, upstream: Stream, counts = { up: 0, down: 0 }) {
  const options = { idleTimeout: 0, counts, first: new Uint8Array(0) };
  const parts = {
    share: new FairShare(),
    timeouts: new Timeouts(new ManualClock()),
    isReset: () => true,
  };
  return new Promise((onPipeEnd) => pipe(downstream, upstream, options, parts, { onPipeEnd }));
}

const times = <T>(count: number, value: T) => Array.from({ length: count }, () => value);

Deno.test("streams that never pause let everybody else have a turn", async () => {
  const counts = { up: 0, down: 0 };
  const total = 2000 * 262_144;
  let copiedBeforeTurn = Infinity;
  setImmediate(() => copiedBeforeTurn = counts.down);
  const endless = new ReadyStream(times(2000, 262_144));
  assert.equal(await pipeOf(new ReadyStream([]), endless, counts), "ended");
  assert.ok(counts.down > total / 2);
  assert.ok(copiedBeforeTurn < total / 50, `${copiedBeforeTurn} bytes were copied before`);
});

Deno.test("small chunks without a pause end at the share, too", async () => {
  let copiedBeforeTurn = Infinity;
  const counts = { up: 0, down: 0 };
  setImmediate(() => copiedBeforeTurn = counts.up);
  assert.equal(
    await pipeOf(new ReadyStream(times(50_000, 1)), new ReadyStream([]), counts),
    "ended",
  );
  assert.equal(counts.up, 50_000);
  assert.ok(copiedBeforeTurn < 5000, `${copiedBeforeTurn} chunks were copied before`);
});

Deno.test("the buffer grows while reads fill it, and after eight small ones is small again", async () => {
  const full = times(4, Infinity);
  const stream = new ReadyStream([...full, ...times(7, 10), Infinity, ...times(8, 10), 10]);
  assert.equal(await pipeOf(stream, new ReadyStream([])), "ended");
  assert.deepEqual(stream.rooms, [
    4096,
    32_768,
    ...times(2 + 7 + 1 + 8, 262_144),
    4096,
    4096,
  ]);
});

Deno.test("a write that takes a part is gone on with", async () => {
  const written: number[] = [];
  const slow = new ReadyStream([]);
  slow.write = (bytes) => {
    const taken = Math.min(bytes.length, 1500);
    written.push(...bytes.subarray(0, taken));
    return Promise.resolve(taken);
  };
  const source = new ReadyStream([4000]);
  const read = source.read.bind(source);
  source.read = (into) => {
    into.forEach((_, i) => into[i] = i % 251);
    return read(into);
  };
  assert.equal(await pipeOf(source, slow), "ended");
  assert.deepEqual(written, Array.from({ length: 4000 }, (_, i) => i % 251));
});
