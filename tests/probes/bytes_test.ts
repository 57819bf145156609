import assert from "node:assert/strict";
import { ByteReader, Shortage } from "../../probes/bytes.ts";
import { bytes } from "../support/bytes.ts";

const open = (text: string) => new ByteReader(bytes(text), true);
const closed = (text: string) => new ByteReader(bytes(text), false);

/** What a read that ran short asked for. */
function wanted(read: () => unknown): number | undefined {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof Shortage) return thrown.wanted;
    throw thrown;
  }
  assert.fail("the read did not run short");
}

Deno.test("integers are read in the order that their names say", () => {
  const reader = open("\x01\x02\x03\x02\x03\x04\x05\x06\xff\xfe\xfd\xfc\xfc\xfd\xfe\xff");
  assert.equal(reader.u8(), 0x01);
  assert.equal(reader.u16(), 0x0203);
  assert.equal(reader.u16le(), 0x0302);
  assert.equal(reader.u24(), 0x040506);
  assert.equal(reader.u32(), 0xfffefdfc);
  assert.equal(reader.u32le(), 0xfffefdfc);
  assert.equal(reader.offset, 16);
  assert.equal(reader.remaining, 0);
});

Deno.test("a read that runs short at the open end says how long the head must be", () => {
  const reads: readonly [(reader: ByteReader) => unknown, number][] = [
    [(reader) => reader.u8(), 3],
    [(reader) => reader.u16(), 4],
    [(reader) => reader.skip(5), 7],
    [(reader) => reader.bytes(1000), 1002],
    [(reader) => reader.text(3), 5],
    [(reader) => reader.take(9), 11],
    [(reader) => reader.peek(), 3],
    [(reader) => reader.peek(4), 7],
    [(reader) => reader.until(0, 10), 3],
  ];
  assert.ok(reads.length > 0);
  for (const [read, length] of reads) {
    const reader = open("ab");
    reader.skip(2);
    assert.equal(wanted(() => read(reader)), length, read.toString());
    assert.equal(wanted(() => read(closed(""))), undefined, read.toString() + ", closed");
    assert.equal(reader.offset, 2, "a read that failed moved on");
  }
});

Deno.test("a read inside a length prefix that runs short is malformed, whatever may still arrive", () => {
  const child = open("\x02ab").take(2);
  assert.equal(wanted(() => child.skip(3)), undefined);
});

Deno.test("a literal that differs is told at the first byte, and left unread", () => {
  const reader = open("SXH");
  assert.equal(reader.starts("SSH-"), false);
  assert.equal(reader.offset, 0);
  assert.equal(reader.starts("SX"), true);
  assert.equal(reader.offset, 2);
});

Deno.test("a literal that may still come asks for one more byte: it may be the one that differs", () => {
  assert.equal(wanted(() => open("SS").starts("SSH-")), 3);
  assert.equal(wanted(() => open("").starts("SSH-")), 1);
  assert.equal(wanted(() => closed("SS").starts("SSH-")), undefined);
});

Deno.test("text is Latin-1: every byte is the character of its number", () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const text = new ByteReader(all, true).text(256);
  assert.deepEqual(Array.from(text, (character) => character.charCodeAt(0)), [...all]);
});

Deno.test("a prefix is as much as there is once no more will come", () => {
  assert.equal(open("abc").prefix(2), "ab");
  assert.equal(wanted(() => open("abc").prefix(5)), 5);
  assert.equal(closed("abc").prefix(5), "abc");
});

Deno.test("a delimiter is looked for within its limit", () => {
  const reader = open("abc\ndef");
  assert.equal(reader.until(0x0a, 3), "abc");
  assert.equal(reader.offset, 4);
  assert.equal(wanted(() => reader.until(0x0a, 3)), 8);
  assert.equal(reader.until(0x0a, 2), undefined, "three bytes and no delimiter: not within two");
  assert.equal(open("abc\n").until(0x0a, 2), undefined, "the delimiter is there, but too late");
  assert.equal(open("\n").until(0x0a, 0), "");
});

Deno.test("bytes are views of the head, not copies", () => {
  const head = bytes("abcdef");
  const reader = new ByteReader(head, true);
  reader.skip(1);
  assert.equal(reader.bytes(2).buffer, head.buffer);
  assert.deepEqual(reader.rest(), bytes("def"));
  assert.equal(reader.remaining, 0);
});

Deno.test("peeking reads nothing", () => {
  const reader = open("abc");
  assert.equal(reader.peek(), 0x61);
  assert.equal(reader.peek(2), 0x63);
  assert.equal(reader.offset, 0);
});

Deno.test("a child reader ends where its bytes do, whatever lies behind them", () => {
  const head = open("xab;cd");
  head.skip(1);
  const child = head.take(2);
  assert.equal(child.until(0x3b, 1), undefined);
  assert.equal(wanted(() => child.until(0x3b, 8)), undefined);
  assert.equal(child.u8(), 0x61);
  assert.equal(child.offset, 1);
  assert.equal(child.remaining, 1);
  assert.equal(child.text(1), "b");
  assert.throws(() => child.peek(), Shortage);
  assert.equal(head.text(3), ";cd");
});
