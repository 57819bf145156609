import assert from "node:assert/strict";
import { alertRecord } from "../../../lib/ech/alert.ts";
import { EchRoute } from "../../../lib/ech/route.ts";
import { tls } from "../../../probes/tls.ts";
import { concat } from "../../support/bytes.ts";
import { hello, serverNameExtension } from "../../support/client_hello.ts";
import { poolOf, routeTo } from "../../support/routes.ts";
import {
  body,
  configList,
  EchClient,
  echConfig,
  INNER,
  PRIVATE_KEY,
  TLS_1_3,
} from "./ech_client.ts";

const PUBLIC = routeTo("front", { protocol: "tls" }, poolOf("127.0.0.1", 443));
const CONFIG = {
  configList: configList(echConfig()),
  privateKeys: [PRIVATE_KEY],
  privateServerNames: [
    { host: "private.example", port: 8443 },
    { host: "other.example", port: 443 },
  ],
};
const route = new EchRoute(PUBLIC, CONFIG);

Deno.test("a private name is where it leads, with what its route says of everything else", () => {
  assert.deepEqual([...route.privateRoutes], [
    ["private.example", {
      ...PUBLIC,
      action: { kind: "forward", pool: poolOf("private.example", 8443), sendProxy: "none" },
    }],
    ["other.example", {
      ...PUBLIC,
      action: { kind: "forward", pool: poolOf("other.example", 443), sendProxy: "none" },
    }],
  ]);
  const action = { kind: "forward", pool: poolOf("127.0.0.1", 443), sendProxy: "v2" } as const;
  for (
    const { action: own } of new EchRoute({ ...PUBLIC, action }, CONFIG).privateRoutes.values()
  ) {
    assert.ok(own.kind === "forward" && own.sendProxy === "v2");
  }
});

Deno.test("a hello for a private name goes there, opened", async () => {
  const decision = await route.decide(new EchClient().hello());
  assert.ok(decision.kind === "private");
  assert.equal(decision.route, route.privateRoutes.get("private.example"));
  const facts = { protocol: "tls", serverName: "private.example", alpns: ["h2"] };
  assert.deepEqual(decision.facts, facts);
  assert.equal(tls(decision.head, true).kind, "match");
});

Deno.test("a hello that hides nothing from this server goes the public way", async () => {
  const keys = { kdf: 1, aead: 1 };
  const other = new EchClient(keys, echConfig({ privateKey: new Uint8Array(32).fill(1) }));
  for (const head of [hello({ serverName: "private.example" }), other.hello()]) {
    assert.deepEqual(await route.decide(head), { kind: "public" });
  }
});

Deno.test("a hidden name that is not private, or none, is refused in words of TLS", async () => {
  const hidden = (...names: readonly Uint8Array[]) =>
    route.decide(new EchClient().hello({ encoded: body(concat(), ...names, INNER, TLS_1_3) }));
  assert.deepEqual(await hidden(serverNameExtension("secret.example")), {
    kind: "refused",
    alert: "unrecognized_name",
    detail: "secret.example is not among the private_server_names",
  });
  assert.deepEqual(await hidden(), {
    kind: "refused",
    alert: "unrecognized_name",
    detail: "a hello without a name is not among the private_server_names",
  });
});

Deno.test("a hello that breaks the rules is refused", async () => {
  const decision = await route.decide(new EchClient().hello({ encoded: concat(1, 2, 3) }));
  assert.ok(decision.kind === "refused");
  assert.equal(decision.alert, "illegal_parameter");
});

Deno.test("an alert is a record of two bytes", () => {
  assert.deepEqual(alertRecord("illegal_parameter"), concat(21, 3, 3, 0, 2, 2, 47));
  assert.deepEqual(alertRecord("unrecognized_name"), concat(21, 3, 3, 0, 2, 2, 112));
});
