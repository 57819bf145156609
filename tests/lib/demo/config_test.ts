import assert from "node:assert/strict";
import { loadConfig } from "../../../lib/config/mod.ts";
import { demoConfig, PROBE_TIMEOUT } from "../../../lib/demo/config.ts";
import { tcpProbes, udpProbes } from "../../../probes/mod.ts";

const PORTS: Readonly<Record<string, number>> = {
  blue: 1001,
  green: 1002,
  "sip-blue": 1003,
  "sip-green": 1004,
};
/** Those of one pool have different ones. */
const backends = { port: (name: string) => PORTS[name] ?? (name.endsWith("-2") ? 1005 : 1000) };

Deno.test("the demo's configuration is good and has an entry for every protocol", async () => {
  const loaded = await loadConfig(demoConfig(8443, backends, "blue"), { file: "demo.toml" });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.deepEqual(loaded.warnings, []);
  const [tcp, ...moreTcp] = loaded.config.tcp;
  const [udp, ...moreUdp] = loaded.config.udp;
  assert.ok(tcp && udp && moreTcp.length + moreUdp.length === 0);
  for (const { port, addresses } of [tcp, udp]) {
    assert.equal(port, 8443);
    assert.deepEqual(addresses, ["127.0.0.1"]);
  }
  assert.equal(tcp.probeTimeout, PROBE_TIMEOUT);
  assert.deepEqual(tcp.onProbeTimeout, { kind: "route", name: "mail" });
  const protocolsOf = ({ routes }: typeof tcp | typeof udp) =>
    new Set(routes.map(({ match }) => match.protocol));
  assert.deepEqual(protocolsOf(tcp), new Set([...Object.keys(tcpProbes), "regex"]));
  assert.deepEqual(protocolsOf(udp), new Set(Object.keys(udpProbes)));
});

Deno.test("the reload changes a line for each transport", () => {
  const before = demoConfig(8443, backends, "blue").split("\n");
  const after = demoConfig(8443, backends, "green").split("\n");
  const changed = after.filter((line, i) => line !== before[i]);
  assert.equal(after.length, before.length);
  assert.deepEqual(changed, [
    'ssh       = { protocol = "ssh", target = ["127.0.0.1:1002"] } # green',
    'sip       = { protocol = "sip", target = ["127.0.0.1:1004"] } # sip-green',
  ]);
});
