import assert from "node:assert/strict";
import { loadConfig } from "../../../lib/config/mod.ts";
import { demoConfig, PROBE_TIMEOUT } from "../../../lib/demo/config.ts";
import { tcpProbes } from "../../../probes/mod.ts";

const PORTS: Readonly<Record<string, number>> = { blue: 1001, green: 1002, "vpn-2": 1003 };
const backends = { port: (name: string) => PORTS[name] ?? 1000 };

Deno.test("the demo's configuration is good and has an entry for every protocol", async () => {
  const loaded = await loadConfig(demoConfig(8443, backends, "blue"), { file: "demo.toml" });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.deepEqual(loaded.warnings, []);
  const [listener, ...more] = loaded.config.tcp;
  assert.equal(more.length, 0);
  assert.equal(listener?.port, 8443);
  assert.deepEqual(listener.addresses, ["127.0.0.1"]);
  assert.equal(listener.probeTimeout, PROBE_TIMEOUT);
  assert.deepEqual(listener.onProbeTimeout, { kind: "route", name: "mail" });
  const [datagrams, ...others] = loaded.config.udp;
  assert.equal(others.length, 0);
  assert.equal(datagrams?.port, 8443);
  assert.ok(datagrams.routes.some(({ match }) => match.protocol === "quic"));
  const protocols = new Set(listener.routes.map(({ match }) => match.protocol));
  assert.deepEqual(protocols, new Set([...Object.keys(tcpProbes), "regex"]));
});

Deno.test("the reload changes one line", () => {
  const before = demoConfig(8443, backends, "blue").split("\n");
  const after = demoConfig(8443, backends, "green").split("\n");
  const changed = after.filter((line, i) => line !== before[i]);
  assert.equal(after.length, before.length);
  assert.deepEqual(changed, [
    'ssh       = { protocol = "ssh", target = ["127.0.0.1:1002"] } # green',
  ]);
});
