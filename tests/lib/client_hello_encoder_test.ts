import assert from "node:assert/strict";
import { encodeClientHello } from "../../lib/client_hello_encoder.ts";
import { tls } from "../../probes/tls.ts";

Deno.test("what goes into a ClientHello is what the probe finds in it", () => {
  const names = [
    {},
    { serverName: "a.example" },
    { alpns: ["h2"] },
    { serverName: "b.example", alpns: ["h2", "http/1.1", "x".repeat(255)] },
  ];
  for (const said of names) {
    assert.deepEqual(tls(encodeClientHello(said), false), {
      kind: "match",
      facts: { protocol: "tls", ...said, details: { versions: "1.3" } },
    });
  }
});

Deno.test("a post-quantum key share makes it as long as those of browsers", () => {
  const said = { serverName: "a.example", alpns: ["h3"] };
  const hello = encodeClientHello({ ...said, postQuantum: true });
  assert.equal(hello.length, encodeClientHello(said).length + 2 + 2 + 2 + 1216);
  assert.deepEqual(tls(hello, false), {
    kind: "match",
    facts: { protocol: "tls", ...said, details: { versions: "1.3" } },
  });
});

Deno.test("an empty list of protocols is none", () => {
  assert.deepEqual(encodeClientHello({ alpns: [] }), encodeClientHello({}));
});

Deno.test("names that no ClientHello of one record holds are refused", () => {
  const message = /no room for \d+ bytes of names/;
  assert.throws(() => encodeClientHello({ alpns: ["x".repeat(256)] }), {
    name: "RangeError",
    message,
  });
  assert.throws(() => encodeClientHello({ serverName: "x".repeat(20_000) }), { message });
  assert.throws(() => encodeClientHello({ alpns: Array(100).fill("x".repeat(200)) }), { message });
});
