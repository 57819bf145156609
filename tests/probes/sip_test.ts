import assert from "node:assert/strict";
import { sip } from "../../probes/sip.ts";
import { bytes } from "../support/bytes.ts";

const NO = { kind: "no" };
const ask = (text: string) => sip([bytes(text)], false);
const match = (method: string, uri: string) => ({
  kind: "match",
  facts: { protocol: "sip", details: { method, uri } },
});

Deno.test("the INVITE of RFC 3261 §4 is SIP", () => {
  const invite = "INVITE sip:bob@biloxi.com SIP/2.0\r\n" +
    "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds\r\nMax-Forwards: 70\r\n\r\n";
  assert.deepEqual(ask(invite), match("INVITE", "sip:bob@biloxi.com"));
});

Deno.test("every method is one, of extensions too, and every scheme of an address", () => {
  for (const method of ["ACK", "OPTIONS", "REGISTER", "SUBSCRIBE", "x-%!'`~_*+."]) {
    assert.deepEqual(ask(`${method} tel:+1-201 SIP/2.0\r\n`), match(method, "tel:+1-201"));
  }
  for (const uri of ["sips:a@b", "urn:service:sos", "im:x", "SIP:A"]) {
    assert.deepEqual(ask(`OPTIONS ${uri} sip/2.0\r\n`), match("OPTIONS", uri));
  }
});

Deno.test("a line that is not quite a request line says no", () => {
  const lines = [
    "",
    "OPTIONS sip:a SIP/2.0",
    "OPTIONS sip:a SIP/2.0\r",
    "OPTIONS sip:a SIP/2.0\n",
    "OPTIONS sip:a SIP/2.0 \r\n",
    "OPTIONS  sip:a SIP/2.0\r\n",
    " OPTIONS sip:a SIP/2.0\r\n",
    "\r\nOPTIONS sip:a SIP/2.0\r\n",
    "OPTIONS sip:a SIP/3.0\r\n",
    "OPTIONS sip: SIP/2.0\r\n",
    "OPTIONS sip:a b SIP/2.0\r\n",
    "OPTIONS sip:a\x80 SIP/2.0\r\n",
    "OPTIONS a SIP/2.0\r\n",
    "OPTIONS 5:a SIP/2.0\r\n",
    "OP/IONS sip:a SIP/2.0\r\n",
    "OPTIONS sip:a HTTP/1.1\r\n",
    "SIP/2.0 200 OK\r\n",
  ];
  for (const line of lines) assert.deepEqual(ask(line), NO, JSON.stringify(line));
});

Deno.test("a request line ends within 2 KiB", () => {
  const line = (length: number) => `OPTIONS sip:${"a".repeat(length - 21)} SIP/2.0\r`;
  assert.equal(line(2048).length, 2048);
  assert.equal(ask(`${line(2048)}\n`).kind, "match");
  assert.deepEqual(ask(`${line(2049)}\n`), NO);
});
