import assert from "node:assert/strict";
import fc from "fast-check";
import { EchOpener } from "../../../lib/ech/opener.ts";
import { tls } from "../../../probes/tls.ts";
import { bytes, concat, prefixed } from "../../support/bytes.ts";
import { extension, hello, helloMessage, records } from "../../support/client_hello.ts";
import { conversations } from "./conversations.ts";
import {
  body,
  configList,
  EchClient,
  echConfig,
  ENCODED,
  INNER,
  INNER_BODY,
  OUTER,
  PRIVATE_KEY,
  SESSION_ID,
  TLS_1_3,
} from "./ech_client.ts";
import { SUITES } from "./hpke_sender.ts";

const opener = new EchOpener({ configList: configList(echConfig()), privateKeys: [PRIVATE_KEY] });
const INNER_HELLO = records(helloMessage(INNER_BODY));

/** Opens a first hello that must be one that was sealed for this server. */
function opened(head: Uint8Array, by = opener) {
  const result = by.open(head);
  assert.ok(result.kind === "inner", result.kind);
  return result;
}

Deno.test("what real clients sealed is opened, a second hello too", () => {
  const recorded = conversations();
  for (const { name, keys, first, firstInner, second, secondInner } of recorded) {
    const before = first.slice();
    const result = opened(first, new EchOpener(keys));
    assert.deepEqual(result.head, firstInner, name);
    assert.deepEqual(first, before, name);
    assert.equal(result.serverName, "private.example");
    if (second === undefined || secondInner === undefined) continue;
    // In front of the second hello there may be a change_cipher_spec.
    const at = second[0] === 20 ? 6 : 0;
    const again = result.context.openSecond(second.subarray(at));
    assert.ok(again.kind === "inner", name);
    assert.deepEqual(again.head, secondInner.subarray(at), name);
  }
  assert.equal(recorded.length, 4);
  assert.equal(recorded.filter(({ second }) => second !== undefined).length, 2);
});

Deno.test("an inner hello comes out whole, with what it says", () => {
  const head = new EchClient().hello();
  const { context: _, ...rest } = opened(head);
  assert.deepEqual(rest, {
    kind: "inner",
    head: INNER_HELLO,
    serverName: "private.example",
    alpns: ["h2"],
  });
  assert.deepEqual(tls(rest.head, false), {
    kind: "match",
    facts: {
      protocol: "tls",
      serverName: "private.example",
      alpns: ["h2"],
      details: { versions: "1.3", ech: true },
    },
  });
});

Deno.test("however the client cuts its records and seals, the same comes out, and what follows stays", () => {
  const config = echConfig({ suites: SUITES });
  const opener = new EchOpener({ configList: configList(config), privateKeys: [PRIVATE_KEY] });
  fc.assert(
    fc.property(
      fc.constantFrom(...SUITES),
      fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 5 }),
      fc.nat(300),
      fc.uint8Array({ maxLength: 40 }),
      (suite, lengths, padding, behind) => {
        const encoded = concat(ENCODED, new Uint8Array(padding));
        const head = concat(new EchClient(suite, config).hello({ encoded, lengths }), behind);
        assert.deepEqual(opened(head, opener).head, concat(INNER_HELLO, behind));
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("an inner hello longer than a record is forwarded in two", () => {
  const filler = extension(0x7a7a, new Uint8Array(17_000));
  const encoded = body(bytes(""), INNER, TLS_1_3, filler);
  const message = helloMessage(body(SESSION_ID, INNER, TLS_1_3, filler));
  const head = new EchClient().hello({ encoded, lengths: [16_384] });
  assert.deepEqual(opened(head).head, records(message, 16_384));
});

Deno.test("of keys with one config_id, and of configurations with one key, the right one opens", () => {
  const otherKey = new Uint8Array(32).fill(0x43);
  const configs = [
    echConfig({ privateKey: otherKey }),
    echConfig({ suites: [{ kdf: 1, aead: 2 }] }),
    echConfig({ suites: SUITES }),
    echConfig({ id: 8 }),
  ];
  const opener = new EchOpener({
    configList: configList(...configs),
    privateKeys: [otherKey, PRIVATE_KEY],
  });
  for (const [config, id] of [[configs[2], 7], [configs[3], 8]] as const) {
    assert.ok(config);
    const head = new EchClient({ kdf: 1, aead: 1 }, config, id).hello();
    assert.deepEqual(opened(head, opener).head, INNER_HELLO);
  }
});

Deno.test("what was not sealed for this server stays an outer hello", () => {
  const client = new EchClient();
  const grease = client.sealedExtension(new Uint8Array(32).fill(9), new Uint8Array(200).fill(1));
  const otherKey = new Uint8Array(32).fill(0x43);
  const heads: Record<string, Uint8Array> = {
    "no ECH": hello({ serverName: "public.example", versions: [0x0304] }),
    "no extensions": hello(),
    "GREASE": records(helloMessage(body(SESSION_ID, ...OUTER, grease))),
    "another config_id": new EchClient({ kdf: 1, aead: 1 }, echConfig(), 8).hello(),
    "another key": new EchClient({ kdf: 1, aead: 1 }, echConfig({ privateKey: otherKey })).hello(),
    "a suite that the configuration has not": new EchClient({ kdf: 1, aead: 3 }).hello(),
    "a suite that nobody knows": new EchClient({ kdf: 2, aead: 1 }).hello(),
    "another configuration of the same key": new EchClient(
      { kdf: 1, aead: 1 },
      echConfig({ suites: SUITES }),
    ).hello(),
  };
  for (const [what, head] of Object.entries(heads)) {
    assert.deepEqual(opener.open(head), { kind: "outer" }, what);
  }
});

Deno.test("a hello that breaks the rules of the extension is refused as the RFC says", () => {
  const withExtension = (data: Uint8Array) =>
    records(helloMessage(body(SESSION_ID, ...OUTER, extension(0xfe0d, data))));
  const start = concat(0, 0, 1, 0, 1, 7);
  const good = new EchClient().body();
  const heads: [string, Uint8Array, string][] = [
    ["the inner form from the network", withExtension(concat(1)), "illegal_parameter"],
    ["an unknown form", withExtension(concat(2)), "illegal_parameter"],
    ["an empty extension", withExtension(bytes("")), "decode_error"],
    ["nothing behind the form", withExtension(concat(0)), "decode_error"],
    [
      "no payload",
      withExtension(concat(start, prefixed(2, new Uint8Array(32)), 0, 0)),
      "decode_error",
    ],
    [
      "a byte behind the payload",
      withExtension(concat(start, prefixed(2, new Uint8Array(32)), 0, 1, 5, 6)),
      "decode_error",
    ],
    ["an enc that does not fit", withExtension(concat(start, 0, 9, 1)), "decode_error"],
    ["another message in its record", records(concat(helloMessage(good), 1)), "unexpected_message"],
    ["a byte behind its extensions", records(helloMessage(concat(good, 0))), "decode_error"],
    ["no hello at all", bytes("GET / HTTP/1.1\r\n\r\n"), "decode_error"],
    ["nothing", bytes(""), "decode_error"],
  ];
  for (const [what, head, alert] of heads) {
    const result = opener.open(head);
    assert.equal(result.kind === "refused" && result.alert, alert, what);
  }
});

Deno.test("an inner hello that breaks the rules is refused", () => {
  const head = new EchClient().hello({ encoded: concat(ENCODED, 0, 1) });
  const result = opener.open(head);
  assert.equal(result.kind === "refused" && result.alert, "illegal_parameter");
});

Deno.test("with any byte changed or cut off, a sealed hello never opens as another one, and nothing throws", () => {
  const head = new EchClient().hello();
  const kinds = new Map<string, number>();
  const note = (result: { kind: string }) =>
    kinds.set(result.kind, (kinds.get(result.kind) ?? 0) + 1);
  for (let at = 0; at < head.length; at++) {
    note(opener.open(head.subarray(0, at)));
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = head.slice();
      changed[at]! ^= flip;
      const result = opener.open(changed);
      note(result);
      // The header of the record is not authenticated: its version is passed on.
      if (result.kind !== "inner") continue;
      assert.ok(at === 2, `byte ${at}`);
      assert.deepEqual(result.head.subarray(5), INNER_HELLO.subarray(5));
    }
  }
  assert.equal(kinds.get("inner"), 3);
  assert.ok(kinds.get("outer")! > head.length, "most changes make it undecipherable");
});

Deno.test("whatever is sealed, nothing throws, and what comes out is a hello", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.tuple(fc.nat(ENCODED.length - 1), fc.nat(255)).map(([at, byte]) => {
          const changed = ENCODED.slice();
          changed[at] = byte;
          return changed;
        }),
      ),
      (encoded) => {
        const result = opener.open(new EchClient().hello({ encoded }));
        if (result.kind === "inner") assert.equal(tls(result.head, true).kind, "match");
        else assert.equal(result.kind === "refused" && result.alert, "illegal_parameter");
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("a second hello is opened with the context of the first, and must be like it", () => {
  const retried = (second: (client: EchClient) => Uint8Array) => {
    const client = new EchClient();
    const { context } = opened(client.hello());
    return context.openSecond(second(client));
  };
  assert.deepEqual(retried((client) => concat(client.hello(), 23)), {
    kind: "inner",
    head: concat(INNER_HELLO, 23),
  });
  const otherName = body(bytes(""), OUTER[0]!, INNER, TLS_1_3);
  const refusals: [string, (client: EchClient) => Uint8Array, string][] = [
    ["the first one again", () => new EchClient().hello(), "illegal_parameter"],
    ["no ECH any more", () => hello({ versions: [0x0304] }), "missing_extension"],
    ["another context", () => secondOf(new EchClient({ kdf: 1, aead: 3 })), "illegal_parameter"],
    [
      "another config_id",
      () => secondOf(new EchClient(undefined, undefined, 8)),
      "illegal_parameter",
    ],
    ["a hello left out", (client) => (client.hello(), client.hello()), "decrypt_error"],
    ["another name", (client) => client.hello({ encoded: otherName }), "illegal_parameter"],
    ["no inner hello", (client) => client.hello({ encoded: bytes("x") }), "illegal_parameter"],
    ["no hello", () => bytes("x"), "decode_error"],
  ];
  for (const [what, second, alert] of refusals) {
    const result = retried(second);
    assert.equal(result.kind === "refused" && result.alert, alert, what);
  }
});

function secondOf(client: EchClient): Uint8Array {
  client.hello();
  return client.hello();
}

Deno.test("keys that do not fit their list are an error", () => {
  assert.throws(
    () => new EchOpener({ configList: configList(echConfig()), privateKeys: [new Uint8Array(32)] }),
    SyntaxError,
  );
});
