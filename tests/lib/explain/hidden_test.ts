import assert from "node:assert/strict";
import { AddressSet } from "../../../lib/acl.ts";
import { parseCidr } from "../../../lib/addr.ts";
import type { Route } from "../../../lib/config/config.ts";
import { explain } from "../../../lib/explain.ts";
import { formatExplanation } from "../../../lib/explain/format.ts";
import { openHidden } from "../../../lib/explain/hidden.ts";
import { bytes } from "../../support/bytes.ts";
import { hello, serverNameExtension } from "../../support/client_hello.ts";
import { listenerWith, poolOf, routeTo } from "../../support/routes.ts";
import {
  body,
  configList,
  EchClient,
  echConfig,
  INNER,
  PRIVATE_KEY,
  TLS_1_3,
} from "../ech/ech_client.ts";

const PUBLIC = routeTo("front", { protocol: "tls" }, poolOf("127.0.0.1", 443));
const FRONT: Route = {
  ...PUBLIC,
  ech: {
    configList: configList(echConfig()),
    privateKeys: [PRIVATE_KEY],
    privateServerNames: [{ host: "private.example", port: 8443 }],
  },
};

/** Explains a hello, as data and as text. */
function of(head: Uint8Array, route: Route = FRONT, address?: string) {
  const peer = address !== undefined && { peer: { address } };
  const explanation = explain(listenerWith({ routes: [route] }), { head, ended: false, ...peer });
  return { ...explanation, text: formatExplanation(explanation, { colour: false }) };
}

/** A hello that hides this one. */
const hiding = (...extensions: readonly Uint8Array[]) =>
  new EchClient().hello({ encoded: body(bytes(""), ...extensions) });

Deno.test("the name that a hello hides is opened with the keys of its route, and it goes there", () => {
  const { outcome, facts, hidden, text } = of(new EchClient().hello());
  assert(outcome.kind === "forward");
  assert.deepEqual([outcome.route, outcome.backends.targets], ["front", [
    { target: "private.example:8443", weight: 1 },
  ]]);
  assert.equal(facts?.serverName, "public.example");
  assert.deepEqual(hidden, { serverName: "private.example", alpns: ["h2"] });
  assert.match(text, /^→ route front → private\.example:8443\n/);
  assert.match(text, /\nhidden {4}SNI private\.example · ALPN h2\nbackends {2}private/);
});

Deno.test("a hello that hides nothing from this server goes where the route leads", () => {
  const keys = { kdf: 1, aead: 1 };
  const other = new EchClient(keys, echConfig({ privateKey: new Uint8Array(32).fill(1) }));
  for (const head of [hello({ serverName: "private.example" }), other.hello()]) {
    const { outcome, hidden } = of(head);
    assert(outcome.kind === "forward");
    assert.deepEqual(outcome.backends.targets, [{ target: "127.0.0.1:443", weight: 1 }]);
    assert.equal(hidden, undefined);
  }
  assert.equal(openHidden(PUBLIC, new EchClient().hello()), undefined);
});

Deno.test("what is hidden and cannot be taken closes the connection, for the reason in the access log", () => {
  const stranger = of(hiding(serverNameExtension("other.example"), INNER, TLS_1_3));
  assert.deepEqual(stranger.outcome, {
    kind: "close",
    reason: "no_route",
    route: "front",
    detail: "unrecognized_name: other.example is not among the private_server_names",
  });
  assert.match(
    stranger.text,
    /^✗ closed: no_route \(route front\)\n {2}what it hides leads nowhere: /,
  );
  const broken = of(hiding(serverNameExtension("private.example"), TLS_1_3));
  assert(broken.outcome.kind === "close" && broken.outcome.reason === "bad_client_hello");
  assert.match(broken.text, /\n {2}its Encrypted ClientHello cannot be taken: illegal_parameter: /);
});

Deno.test("a client that is not let in has nothing of its opened", () => {
  const deny = new AddressSet([parseCidr("192.0.2.0/24")].filter((cidr) => cidr !== undefined));
  const { outcome, hidden } = of(new EchClient().hello(), { ...FRONT, acl: { deny } }, "192.0.2.1");
  assert.deepEqual(outcome, { kind: "close", reason: "acl_denied", route: "front" });
  assert.equal(hidden, undefined);
});

Deno.test("a name that a client hides cannot command the terminal", () => {
  const name = serverNameExtension("\x1b]0;pwned\x07");
  const { text } = of(hiding(name, INNER, TLS_1_3));
  const controls = [...text].filter((character) => character < " " && character !== "\n");
  assert.deepEqual(controls, []);
});
