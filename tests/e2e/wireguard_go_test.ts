/**
 * wireguard-go through sluice, as its users have it.
 */
import assert from "node:assert/strict";
import { testWithTools } from "../support/children.ts";
import { bound, freePortOfBoth } from "../support/udp_ports.ts";
import { startSluice } from "./sluice.ts";
import { Namespace } from "./udp_namespace.ts";
import { makeWireguardKey, startTunnel, WIREGUARD_TOOLS } from "./wireguard_go.ts";

testWithTools(
  "wireguard-go keeps its session when its address changes, and when its flow has expired",
  ["dig", "dnsmasq", ...WIREGUARD_TOOLS],
  async (scope) => {
    const outside = await Namespace.make(scope);
    const [server, client] = [await makeWireguardKey(scope), await makeWireguardKey(scope)];
    // Both are the server as far as the client knows, but only one has its session.
    const ports = [await startServer("192.0.2.10"), await startServer("192.0.2.11")];
    const port = freePortOfBoth();
    const sluice = await startSluice(
      scope,
      `
      listen_address_v4 = "127.0.0.1"
      listen_port = ${port}
      [protocols.tunnel]
      protocol = "wireguard"
      target = [${ports.map((each) => `"127.0.0.1:${each}"`)}]
      load_balance = "round_robin"
      idle_lifetime = "1s"
      `,
      { under: outside.entrance },
    );
    let own = freePortOfBoth();
    // wireguard-go keeps a socket of this name outside of the namespace.
    const name = `client${own}`;
    const inside = await startTunnel(scope, outside, {
      name,
      address: "10.9.0.1",
      port: own,
      key: client.file,
      peer: [server.publicKey, "allowed-ips", "10.9.0.2/32", "endpoint", `127.0.0.1:${port}`],
    });
    const ask = () => inside.run("dig", "+short", "+time=5", "+tries=1", "@10.9.0.2", "who");
    const handshake = () => outside.run("wg", "show", name, "latest-handshakes");
    const move = async () => {
      await outside.run("wg", "set", name, "listen-port", `${own = freePortOfBoth()}`);
    };
    const silence = async () => {
      const line = await sluice.accessLine(new RegExp(`"client":"127.0.0.1:${own}"`));
      assert.deepEqual([line.reason, line.backend], ["idle_timeout", `127.0.0.1:${ports[0]}`]);
    };

    assert.equal(await ask(), "192.0.2.10");
    const only = await handshake();
    await move();
    assert.equal(await ask(), "192.0.2.10");
    await silence();
    assert.equal(await ask(), "192.0.2.10");
    await silence();
    await move();
    assert.equal(await ask(), "192.0.2.10");
    assert.equal(await handshake(), only);

    /** A server that is known by what its DNS says. */
    async function startServer(says: string): Promise<number> {
      const port = freePortOfBoth();
      const inside = await startTunnel(scope, outside, {
        name: `server${port}`,
        address: "10.9.0.2",
        port,
        key: server.file,
        peer: [client.publicKey, "allowed-ips", "10.9.0.1/32"],
      });
      const dns = inside.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file", ...[
        ...["--no-resolv", "--no-hosts", "--listen-address=10.9.0.2", "--bind-interfaces"],
        `--address=/#/${says}`,
      ]);
      await bound(53, dns);
      return port;
    }
  },
);
