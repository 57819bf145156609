import assert from "node:assert/strict";
import { ByteReader, Shortage } from "../../probes/bytes.ts";
import { clientHello } from "../../probes/client_hello.ts";
import { bytes, concat, prefixed } from "../support/bytes.ts";
import {
  extension,
  helloBody,
  type HelloParts,
  serverNameExtension,
} from "../support/client_hello.ts";

const read = (body: Uint8Array) => clientHello(new ByteReader(body, false));
const readParts = (parts: HelloParts) => read(helloBody(parts));

/** What a malformed body comes to: `undefined`, or a reader that ran short. */
function isMalformed(body: Uint8Array): boolean {
  try {
    return read(body) === undefined;
  } catch (thrown) {
    return thrown instanceof Shortage && thrown.wanted === undefined;
  }
}

Deno.test("a hello says its name, its protocols and its versions", () => {
  assert.deepEqual(
    readParts({
      serverName: "example.com",
      alpns: ["h2", "http/1.1"],
      versions: [0x0304, 0x0303],
    }),
    {
      serverName: "example.com",
      alpns: ["h2", "http/1.1"],
      versions: [0x0304, 0x0303],
      ech: false,
    },
  );
});

Deno.test("a hello without extensions has the version of its first field", () => {
  assert.deepEqual(readParts({}), { versions: [0x0303], ech: false });
  assert.deepEqual(read(concat(helloBody(), prefixed(2, bytes("")))), {
    versions: [0x0303],
    ech: false,
  });
});

Deno.test("a name is lower-cased and loses its trailing dot; the case of an ALPN is kept", () => {
  const hello = readParts({ serverName: "WWW.Example.COM.", alpns: ["H2"] });
  assert.equal(hello?.serverName, "www.example.com");
  assert.deepEqual(hello?.alpns, ["H2"]);
});

Deno.test("a name that is none names nothing, and the rest of the hello counts", () => {
  const names = ["", ".", "a b", "a\0b", "a\nb", "b\xfccher.example", "::1", "a".repeat(300)];
  for (const serverName of names) {
    const hello = readParts({ serverName, alpns: ["h2"] });
    assert.deepEqual(hello, { alpns: ["h2"], versions: [0x0303], ech: false }, serverName);
  }
});

Deno.test("only a name of type host_name is the server's name (RFC 6066 §3)", () => {
  const other = serverNameExtension("other.example", 1);
  assert.equal(readParts({ extensions: [other] })?.serverName, undefined);
  const both = extension(
    0,
    prefixed(2, concat(1, prefixed(2, bytes("other")), 0, prefixed(2, bytes("host.example")))),
  );
  assert.equal(readParts({ extensions: [both] })?.serverName, "host.example");
});

Deno.test("GREASE is in no list, all 16 values of it (RFC 8701 §2)", () => {
  for (let i = 0; i < 16; i++) {
    const byte = i << 4 | 0x0a;
    const hello = readParts({
      extensions: [extension(byte << 8 | byte, bytes("?"))],
      alpns: [String.fromCharCode(byte, byte), "h2"],
      versions: [byte << 8 | byte, 0x0304],
    });
    assert.deepEqual(hello, { alpns: ["h2"], versions: [0x0304], ech: false });
  }
});

Deno.test("what only looks like GREASE is kept", () => {
  assert.deepEqual(readParts({ alpns: ["\x0a\x1a", "\x0a", "\x0a\x0a\x0a"] })?.alpns, [
    "\x0a\x1a",
    "\x0a",
    "\x0a\x0a\x0a",
  ]);
  assert.deepEqual(readParts({ versions: [0x0a1a, 0x7f1c] })?.versions, [0x0a1a, 0x7f1c]);
});

Deno.test("the presence of an encrypted_client_hello is told, whatever is in it", () => {
  assert.equal(readParts({ extensions: [extension(0xfe0d, bytes(""))] })?.ech, true);
  assert.equal(readParts({ extensions: [extension(0xfe0c, bytes("\0"))] })?.ech, false);
});

Deno.test("an extension that comes twice is malformed (RFC 8446 §4.2)", () => {
  const twice = { serverName: "a.example", extensions: [serverNameExtension("b.example")] };
  assert.ok(isMalformed(helloBody(twice)));
});

Deno.test("every cut of a hello but the one before its extensions is malformed", () => {
  const whole = helloBody({ serverName: "example.com", alpns: ["h2"], versions: [0x0304] });
  const bare = helloBody().length;
  for (let length = 0; length < whole.length; length++) {
    assert.equal(isMalformed(whole.subarray(0, length)), length !== bare, `${length} bytes`);
  }
  assert.ok(isMalformed(concat(whole, 0)), "a byte behind the extensions");
});

Deno.test("a length that reaches past what holds it is malformed", () => {
  const bodies: Record<string, Uint8Array> = {
    "a name longer than its list": helloBody({
      extensions: [extension(0, prefixed(2, concat(0, 0, 9, "a.example".slice(1))))],
    }),
    "a list longer than its extension": helloBody({ extensions: [extension(0, bytes("\0\x09"))] }),
    "an ALPN longer than its list": helloBody({
      extensions: [extension(16, prefixed(2, bytes("\x03h2")))],
    }),
    "half a version": helloBody({ extensions: [extension(43, bytes("\x03\x03\x04\x03"))] }),
    "an extension longer than the block": helloBody({ extensions: [bytes("\0\x05\0\x09abc")] }),
    "a session ID of 33 bytes": concat(
      3,
      3,
      new Uint8Array(32),
      33,
      new Uint8Array(33),
      0,
      2,
      19,
      1,
      1,
      0,
    ),
    "no cipher suite": concat(3, 3, new Uint8Array(32), 0, 0, 0, 1, 0),
    "half a cipher suite": concat(3, 3, new Uint8Array(32), 0, 0, 3, 1, 2, 3, 1, 0),
    "no compression method": concat(3, 3, new Uint8Array(32), 0, 0, 2, 19, 1, 0),
  };
  for (const [what, body] of Object.entries(bodies)) assert.ok(isMalformed(body), what);
});

Deno.test("a hello of DTLS has a cookie behind the session ID, of up to 255 bytes", () => {
  const body = helloBody({ serverName: "example.com" });
  const sessionEnd = 2 + 32 + 33;
  for (const cookie of ["", "\0", "\xff".repeat(255)]) {
    const [start, rest] = [body.subarray(0, sessionEnd), body.subarray(sessionEnd)];
    const reader = new ByteReader(concat(start, prefixed(1, bytes(cookie)), rest), false);
    assert.equal(clientHello(reader, "dtls")?.serverName, "example.com", `${cookie.length}`);
  }
});

Deno.test("an offer of connection IDs is noted in DTLS alone (RFC 9146 §3)", () => {
  const body = helloBody({ extensions: [extension(54, bytes("\0"))] });
  assert.equal(read(body)?.connectionId, undefined);
  const withCookie = concat(body.subarray(0, 67), 0, body.subarray(67));
  assert.equal(clientHello(new ByteReader(withCookie, false), "dtls")?.connectionId, true);
});
