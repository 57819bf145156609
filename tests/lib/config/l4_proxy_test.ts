import assert from "node:assert/strict";
import { permits } from "../../../lib/acl.ts";
import { listenerOf, problemsOf } from "./loading.ts";

const json = (value: unknown) => JSON.stringify(value, null, 2);
const FILE = { file: "config.json" };

const GOOD = {
  LISTENER_PORT: "127.0.0.1:8080",
  BACKEND_PORTS: ["127.0.0.1:8081", "127.0.0.1:8082"],
  ACCESS_CONTROL_LIST: ["192.0.2.10", "192.0.2.11"],
};

Deno.test("an L4 Proxy file listens, balances and refuses as L4 Proxy does", async () => {
  const listener = await listenerOf(json(GOOD), FILE);
  assert.equal(listener.port, 8080);
  assert.deepEqual(listener.addresses, ["127.0.0.1"]);
  assert.deepEqual(listener.routes, []);
  assert.deepEqual(listener.defaultRoute?.action, {
    kind: "forward",
    pool: {
      targets: [
        { host: "127.0.0.1", port: 8081, weight: 1 },
        { host: "127.0.0.1", port: 8082, weight: 1 },
      ],
      algorithm: "least_connections",
    },
    sendProxy: "none",
  });
  assert.ok(listener.acl !== undefined);
  assert.ok(permits(listener.acl, "192.0.2.11"));
  assert.ok(!permits(listener.acl, "127.0.0.1"));
  assert.match(listener.acl.message ?? "", /^[^\n]+\n$/);
});

Deno.test("without an access list everybody may connect", async () => {
  const { ACCESS_CONTROL_LIST: _, ...open } = GOOD;
  assert.equal((await listenerOf(json(open), FILE)).acl, undefined);
});

Deno.test("an IPv6 address is listened on alone", async () => {
  const listener = await listenerOf(json({ ...GOOD, LISTENER_PORT: "[::1]:8080" }), FILE);
  assert.deepEqual(listener.addresses, ["::1"]);
});

Deno.test("a backend that is named twice is one backend", async () => {
  const backends = ["127.0.0.1:1", "127.0.0.1:1"];
  const { defaultRoute } = await listenerOf(json({ ...GOOD, BACKEND_PORTS: backends }), FILE);
  assert.ok(defaultRoute?.action.kind === "forward");
  assert.equal(defaultRoute.action.pool.targets.length, 1);
});

Deno.test("the environment goes before an L4 Proxy file", async () => {
  const env = { SLUICE_LISTEN_PORT: "9090", SLUICE_TCP_LOAD_BALANCE: "random" };
  const listener = await listenerOf(json(GOOD), { ...FILE, env });
  assert.equal(listener.port, 9090);
  assert.ok(listener.defaultRoute?.action.kind === "forward");
  assert.equal(listener.defaultRoute.action.pool.algorithm, "random");
});

Deno.test("what is wrong in an L4 Proxy file is told by its own keys and places", async () => {
  const wrong = {
    LISTENER_PORT: "localhost:8080",
    BACKEND_PORTS: ["127.0.0.1", 5],
    ACCESS_CONTROL_LIST: [],
    BACKEND_PORT: 1,
  };
  assert.deepEqual(await problemsOf(json(wrong), FILE), [
    'config.json:2:20: LISTENER_PORT: expected an IP address and a port such as "0.0.0.0:8080", got "localhost:8080"',
    'config.json:4:5: BACKEND_PORTS[0]: expected host:port, got "127.0.0.1"',
    "config.json:5:5: BACKEND_PORTS[1]: expected text in quotes, got the number 5",
    "config.json:7:26: ACCESS_CONTROL_LIST: expected at least one item: leave the key out to let everybody in",
    'config.json:8:3: BACKEND_PORT: unknown key; did you mean "BACKEND_PORTS"?',
  ]);
  assert.deepEqual(await problemsOf('{"BACKEND_PORTS": ["a:1"]}', FILE), [
    "config.json: LISTENER_PORT: is missing",
  ]);
});
