import assert from "node:assert/strict";
import { BUFFER_LIMIT, LineWriter } from "../../lib/line_writer.ts";
import { ManualClock } from "../support/clock.ts";

/** A stream whose reader the test is. */
class SlowStream {
  readonly written: string[] = [];
  #read = Promise.withResolvers<void>();
  stalled = false;
  broken = false;

  readonly write = async (lines: string): Promise<void> => {
    if (this.broken) throw new Error("broken pipe");
    if (this.stalled) await this.#read.promise;
    this.written.push(lines);
  };

  read(): void {
    this.stalled = false;
    this.#read.resolve();
    this.#read = Promise.withResolvers();
  }
}

function setUp(batched: boolean) {
  const clock = new ManualClock();
  const stream = new SlowStream();
  const lost: number[] = [];
  const onDropped = (lines: number) => void lost.push(lines);
  const writer = new LineWriter({ clock, write: stream.write, batched, onDropped });
  return { clock, stream, lost, writer };
}

/** Lets promises that are ready settle. */
const settle = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));

Deno.test("lines wait a tenth of a second for others and are written together", async () => {
  const { clock, stream, writer } = setUp(true);
  writer.write("a\n");
  clock.advance(99);
  writer.write("b\n");
  assert.deepEqual(stream.written, []);
  clock.advance(1);
  await settle();
  assert.deepEqual(stream.written, ["a\nb\n"]);
  assert.equal(clock.pending, 0);
});

Deno.test("many lines are written without waiting", async () => {
  const { clock, stream, writer } = setUp(true);
  const line = `${"x".repeat(1023)}\n`;
  for (let i = 0; i < 64; i++) writer.write(line);
  await settle();
  assert.equal(stream.written.join("").length, 64 * 1024);
  assert.equal(clock.pending, 0);
});

Deno.test("a line that is not batched is written at once", async () => {
  const { stream, writer } = setUp(false);
  writer.write("a\n");
  await settle();
  assert.deepEqual(stream.written, ["a\n"]);
});

Deno.test("lines that come during a write keep their order", async () => {
  const { stream, writer } = setUp(false);
  stream.stalled = true;
  for (const line of ["a\n", "b\n", "c\n"]) writer.write(line);
  stream.read();
  await writer.flush();
  assert.deepEqual(stream.written, ["a\n", "b\nc\n"]);
});

Deno.test("a reader that stalls costs a bounded buffer, and the lines beyond it are counted", async () => {
  const { stream, lost, writer } = setUp(false);
  stream.stalled = true;
  const line = `${"x".repeat(1023)}\n`;
  const buffered = BUFFER_LIMIT / line.length;
  // The first is on its way and no longer in the buffer.
  for (let i = 0; i < 1 + buffered + 7; i++) writer.write(line);
  assert.deepEqual(lost, []);
  stream.read();
  await writer.flush();
  assert.deepEqual(lost, [7]);
  assert.equal(stream.written.join("").length, (1 + buffered) * line.length);
  writer.write("later\n");
  await writer.flush();
  assert.equal(stream.written.at(-1), "later\n");
  assert.deepEqual(lost, [7]);
});

Deno.test("lines that have waited elsewhere are written at once, with those that wait here", async () => {
  const { clock, stream, writer } = setUp(true);
  writer.writeBatch("", 0);
  assert.equal(stream.written.length, 0);
  writer.write("a\n");
  writer.writeBatch("b\nc\n", 2);
  await settle();
  assert.deepEqual(stream.written, ["a\nb\nc\n"]);
  assert.equal(clock.pending, 0);
});

Deno.test("lines that come together are taken, or lost and counted, together", async () => {
  const { stream, lost, writer } = setUp(false);
  stream.stalled = true;
  const lines = `${"x".repeat(1023)}\n`.repeat(1024);
  for (let i = 0; i < 1 + BUFFER_LIMIT / lines.length + 1; i++) writer.writeBatch(lines, 1024);
  stream.read();
  await writer.flush();
  assert.deepEqual(lost, [1024]);
  assert.equal(stream.written.join("").length, lines.length + BUFFER_LIMIT);
});

Deno.test("a reader that has gone is reported now and then, not at every line", async () => {
  const { clock, stream, lost, writer } = setUp(false);
  stream.broken = true;
  for (let i = 0; i < 100; i++) {
    writer.write("a\n");
    await settle();
    clock.advance(1000);
  }
  assert.equal(lost.length, 10);
  await writer.flush();
  assert.equal(lost.reduce((a, b) => a + b), 100);
});

Deno.test("a flush waits for what is being written and for what waits behind it", async () => {
  const { clock, stream, writer } = setUp(true);
  stream.stalled = true;
  writer.write("a\n");
  clock.advance(100);
  writer.write("b\n");
  const flushed = writer.flush();
  stream.read();
  await flushed;
  assert.equal(stream.written.join(""), "a\nb\n");
  assert.equal(clock.pending, 0);
});
