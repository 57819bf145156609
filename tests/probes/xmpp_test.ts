import assert from "node:assert/strict";
import { xmpp } from "../../probes/xmpp.ts";
import { bytes } from "../support/bytes.ts";
import { overlooked, range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const ask = (text: string, final = false) => xmpp(bytes(text), final);

const STREAMS = "xmlns:stream='http://etherx.jabber.org/streams'";
const TAG = `<stream:stream to='im.example.com' xmlns='jabber:client' ${STREAMS}>`;
const match = (to?: string, namespace = "jabber:client") => ({
  kind: "match",
  facts: { protocol: "xmpp", details: { namespace, ...(to !== undefined && { to }) } },
});

Deno.test("a stream is XMPP with or without an XML declaration, and gives the domain", () => {
  assert.deepEqual(ask(TAG), match("im.example.com"));
  assert.deepEqual(ask(`<?xml version='1.0'?>${TAG}`), match("im.example.com"));
  assert.deepEqual(
    ask(`<?xml version="1.0" encoding="UTF-8" ?>\r\n${TAG}`),
    match("im.example.com"),
  );
});

Deno.test("a byte order mark and space may come first", () => {
  assert.deepEqual(ask(`\xef\xbb\xbf${TAG}`), match("im.example.com"));
  assert.deepEqual(ask(`\r\n\t ${TAG}`), match("im.example.com"));
  assert.deepEqual(ask(`\xef\xbb${TAG}`), NO);
  assert.deepEqual(ask(" ".repeat(65)), NO);
});

Deno.test("attributes come in any order, with either quote and space in between", () => {
  const tag = `<stream:stream\n  ${STREAMS}\n  xmlns = "jabber:server"\tto="it's.example" >`;
  assert.deepEqual(ask(tag), match("it's.example", "jabber:server"));
  assert.deepEqual(ask(TAG.replace(" to='im.example.com'", "")), match());
});

Deno.test("both name spaces must be those of XMPP", () => {
  const others = [
    TAG.replace("jabber:client", "urn:example"),
    TAG.replace(" xmlns='jabber:client'", ""),
    TAG.replace("etherx.jabber.org", "example.org"),
    TAG.replace(` ${STREAMS}`, ""),
    "<stream:stream>",
  ];
  for (const tag of others) assert.deepEqual(ask(tag), NO, tag);
});

Deno.test("what is no list of attributes says no", () => {
  const others = [
    TAG.replace("to='im.example.com'", "to=im.example.com"),
    TAG.replace("to='im.example.com'", "to"),
    TAG.replace("' xmlns=", "'xmlns="),
    TAG.replace(">", "/>"),
    TAG.replace("im.example.com", "<im.example.com"),
    TAG.replace("stream:stream", "stream:streams"),
  ];
  for (const tag of others) assert.deepEqual(ask(tag), NO, tag);
});

Deno.test("the first wrong byte of the constant parts says no", () => {
  const start = "<?xml version='1.0'?>".length;
  const stream = bytes(`<?xml version='1.0'?>${TAG}`);
  assert.deepEqual(overlooked(xmpp, stream, range(2, 5)), []);
  assert.deepEqual(overlooked(xmpp, stream, range(start + 1, start + 14)), []);
  for (const head of ["x", "\0", "<p", "<S", "<?X", "\xef\xbc"]) {
    assert.deepEqual(ask(head), NO, head);
  }
});

Deno.test("other XML is not XMPP, and an endless declaration is none", () => {
  assert.deepEqual(ask("<?xml version='1.0'?><m"), NO);
  assert.deepEqual(ask("<?xml version='1.0'>"), NO);
  assert.deepEqual(ask("<?xml-stylesheet href='a'?>"), NO);
  assert.deepEqual(ask("<?xml version='1.0'".padEnd(150)), NO);
});

Deno.test("a tag must end within 2 KiB", () => {
  const filled = (length: number) => TAG.replace(" to", " ".repeat(length - TAG.length + 1) + "to");
  assert.equal(filled(2049).length, 2049);
  assert.deepEqual(ask(filled(2049)), match("im.example.com"));
  assert.deepEqual(ask(filled(2050)), NO);
  assert.deepEqual(ask(filled(9000).slice(0, 2100)), NO);
  assert.deepEqual(ask(TAG.slice(0, -1)), { kind: "need", bytes: TAG.length });
  assert.deepEqual(ask(TAG.slice(0, -1), true), NO);
});
