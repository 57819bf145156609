import assert from "node:assert/strict";
import { tftp } from "../../probes/tftp.ts";
import { bytes } from "../support/bytes.ts";
import { overlookedBytes } from "../support/datagrams.ts";

const NO = { kind: "no" };
const ask = (text: string) => tftp([bytes(text)], false);
const match = (operation: string, file: string, mode: string) => ({
  kind: "match",
  facts: { protocol: "tftp", details: { operation, file, mode } },
});

Deno.test("a request to read and one to write are TFTP, in every mode, in any case", () => {
  assert.deepEqual(ask("\0\x01a/b c.img\0octet\0"), match("read", "a/b c.img", "octet"));
  assert.deepEqual(ask("\0\x02caf\xc3\xa9\0NetASCII\0"), match("write", "caf\xc3\xa9", "netascii"));
  assert.deepEqual(ask("\0\x02root\0mail\0"), match("write", "root", "mail"));
});

Deno.test("options may follow, each with a value, which may be empty (RFC 2347, RFC 2090)", () => {
  const request = "\0\x01a\0octet\0";
  for (const options of ["blksize\x001428\0", "tsize\x000\0multicast\0\0", "x-y\0 \0"]) {
    assert.deepEqual(ask(request + options), match("read", "a", "octet"), options);
  }
  for (const options of ["\0", "blksize", "blksize\0", "blksize\x001428", "\0\0", "a\x01\x001\0"]) {
    assert.deepEqual(ask(request + options), NO, JSON.stringify(options));
  }
});

Deno.test("what has no file, another mode, or no end says no", () => {
  const requests = [
    "",
    "\0",
    "\0\x01",
    "\0\x01\0octet\0",
    "\0\x01a\0",
    "\0\x01a\0octet",
    "\0\x01a",
  ];
  const modes = ["\0\x01a\0octe\0", "\0\x01a\0octets\0", "\0\x01a\0\0", "\0\x01a\nb\0octet\0"];
  for (const request of [...requests, ...modes]) {
    assert.deepEqual(ask(request), NO, JSON.stringify(request));
  }
});

Deno.test("data, acknowledgements and errors say no", () => {
  const request = bytes("\0\x01a\0octet\0");
  assert.deepEqual(overlookedBytes(tftp, request, [0, 1]), ["0x2 at 1: match"]);
});

Deno.test("a request is no longer than 512 bytes", () => {
  const request = (length: number) => `\0\x01${"a".repeat(length - 9)}\0octet\0`;
  assert.equal(request(512).length, 512);
  assert.equal(ask(request(512)).kind, "match");
  assert.deepEqual(ask(request(513)), NO);
});
