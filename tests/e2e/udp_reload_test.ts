/**
 * Changes of the configuration file under live flows.
 */
import assert from "node:assert/strict";
import { testWithTools } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { QuicClient } from "./quic_client.ts";
import { identity, startQuicEcho } from "./quic_servers.ts";
import { type Sluice, startSluice } from "./sluice.ts";
import { startUdpBackend } from "./udp_servers.ts";
import { Nat } from "./udp_nat.ts";
import { UdpClient } from "./udp_socket.ts";

testWithTools(
  "flows that are there outlive a reload, new ones go by the new file",
  [],
  async (scope) => {
    const [old, fresh] = await Promise.all([
      startUdpBackend(scope, "echo", "old"),
      startUdpBackend(scope, "echo", "new"),
    ]);
    const port = freePortOfBoth();
    const configTo = (target: number) => `
    listen_address_v4 = "127.0.0.1"
    listen_port = ${port}
    udp_target = ["127.0.0.1:${target}"]
  `;
    const sluice = await startSluice(scope, configTo(old.port));
    const client = new UdpClient(scope, port);
    assert.equal(await client.ask("hello"), "old hello");
    await reload(sluice, configTo(fresh.port));
    assert.equal(await client.ask("still there?"), "old still there?");
    assert.equal(await new UdpClient(scope, port).ask("hello"), "new hello");
  },
);

testWithTools("a QUIC connection that moves after a reload is still known", [], async (scope) => {
  const who = await identity(scope, "echo.example");
  const servers = await Promise.all(
    ["server 0", "server 1"].map((name) => startQuicEcho(scope, name, who, "echo")),
  );
  const port = freePortOfBoth();
  const configWith = (lifetime: string) => `
    listen_address_v4 = "127.0.0.1"
    listen_port = ${port}
    [protocols.site]
    protocol = "quic"
    target = [${servers.map((server) => `"127.0.0.1:${server.port}"`)}]
    load_balance = "round_robin"
    idle_lifetime = "${lifetime}"
  `;
  const sluice = await startSluice(scope, configWith("20s"));
  const nat = new Nat(scope, port);
  const options = { port: nat.port, serverName: "echo.example", alpn: "echo", cert: who.cert };
  const client = await QuicClient.connect(scope, options);
  assert.deepEqual(await client.ask("hello"), { name: "server 0", text: "hello" });
  await reload(sluice, configWith("10s"));
  nat.rebind();
  assert.deepEqual(await client.ask("moved"), { name: "server 0", text: "moved" });
});

async function reload(sluice: Sluice, config: string): Promise<void> {
  await Deno.writeTextFile(sluice.file, config);
  await sluice.says(/"reloaded /);
}
