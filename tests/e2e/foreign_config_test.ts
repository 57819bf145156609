/**
 * Configurations of other programs, run as they are.
 */
import assert from "node:assert/strict";
import { configList, echConfig, PRIVATE_KEY } from "../lib/ech/ech_client.ts";
import { freePort, testWithTools } from "../support/children.ts";
import { Client } from "./client.ts";
import { makeCertificate, startBackend, startNginx } from "./servers.ts";
import { startSluice } from "./sluice.ts";

testWithTools(
  "a file of rpxy-l4 with every key for TCP runs unchanged",
  ["curl", "nginx", "openssl"],
  async (scope) => {
    const certificate = await makeCertificate(scope, await scope.folder(), "localhost");
    const sites = await startNginx(scope, {
      web: { says: "web for $proxy_protocol_addr", proxyProtocol: true },
      tls: { says: "TLS for $proxy_protocol_addr", proxyProtocol: true, certificate },
    });
    const backend = await startBackend(scope, "echo", "default");
    const port = freePort();
    const file = rpxyFile({ port, web: sites.web, tls: sites.tls, rest: backend.port });
    const sluice = await startSluice(scope, file, { name: "config.toml" });

    // curl stands for the proxy in front: every connection begins with a PROXY header.
    const curl = ["-sS", "--max-time", "20", "--noproxy", "*", "--haproxy-protocol"];
    const plain = await scope.run("curl", [...curl, `http://127.0.0.1:${port}/`]);
    assert.equal(plain.stdout, "web for 127.0.0.1\n", plain.stderr);
    assert.equal((await sluice.accessLine()).route, "http_1");

    const resolve = ["--resolve", `localhost:${port}:127.0.0.1`, "--cacert", certificate.cert];
    const tls = await scope.run("curl", [...curl, ...resolve, `https://localhost:${port}/`]);
    assert.equal(tls.stdout, "TLS for 127.0.0.1\n", tls.stderr);
    const { route, server_name, alpns } = await sluice.accessLine();
    assert.deepEqual([route, server_name, alpns], ["tls_2", "localhost", ["h2", "http/1.1"]]);

    const client = await Client.connect(scope, port);
    await client.send("PROXY TCP4 192.0.2.7 192.0.2.8 1111 2222\r\nhello\n");
    await client.closeWrite();
    // The backend sends back what it got: a PROXY header of version 2, and what the client said.
    assert.match((await client.rest()).text, /^default\n\r\n\r\n\0\r\nQUIT\n.*hello\n$/s);
    const line = await sluice.accessLine();
    assert.deepEqual([line.route, line.client], ["default", "192.0.2.7:1111"]);
  },
);

testWithTools(
  "a config.json of L4 Proxy runs unchanged: the backend with the fewest connections is taken",
  [],
  async (scope) => {
    const [one, two] = await Promise.all([
      startBackend(scope, "echo", "one"),
      startBackend(scope, "echo", "two"),
    ]);
    const port = freePort();
    const sluice = await startSluice(
      scope,
      JSON.stringify({
        LISTENER_PORT: `127.0.0.1:${port}`,
        BACKEND_PORTS: [`127.0.0.1:${one.port}`, `127.0.0.1:${two.port}`],
        ACCESS_CONTROL_LIST: ["192.0.2.1", "127.0.0.1"],
      }),
      { name: "config.json" },
    );
    const clients: Record<string, Client[]> = { one: [], two: [] };
    const open = async () => {
      const client = await Client.connect(scope, port);
      const name = await client.ask("hello");
      clients[name]?.push(client);
      return name;
    };
    const firstFour = [await open(), await open(), await open(), await open()];
    assert.deepEqual(firstFour.sort(), ["one", "one", "two", "two"]);
    for (const client of clients["two"] ?? []) client.close();
    for (let line = 0; line < 2; line++) await sluice.accessLine();
    assert.deepEqual([await open(), await open()], ["two", "two"]);
  },
);

testWithTools(
  "a client that is not on L4 Proxy's list is told so in one line, whatever it speaks",
  ["curl", "ncat"],
  async (scope) => {
    const port = freePort();
    const sluice = await startSluice(
      scope,
      JSON.stringify({
        LISTENER_PORT: `127.0.0.1:${port}`,
        BACKEND_PORTS: [`127.0.0.1:${freePort()}`],
        ACCESS_CONTROL_LIST: ["192.0.2.1"],
      }),
      { name: "config.json" },
    );
    const refusal = "Access denied: this address is not on the access control list.\n";
    const silent = await scope.run("ncat", ["--recv-only", "127.0.0.1", String(port)]);
    assert.equal(silent.stdout, refusal);
    const curl = ["-sS", "--max-time", "20", "--noproxy", "*", "--http0.9"];
    const web = await scope.run("curl", [...curl, `http://127.0.0.1:${port}/`]);
    assert.equal(web.stdout, refusal, web.stderr);
    for (let line = 0; line < 2; line++) {
      const { reason, backend } = await sluice.accessLine();
      assert.deepEqual([reason, backend], ["acl_denied", undefined]);
    }
  },
);

/** The keys of rpxy-l4's example, and those that it has commented out. */
function rpxyFile(ports: { port: number; web: number; tls: number; rest: number }): string {
  const { port, web, tls, rest } = ports;
  const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
  return `
    listen_port = ${port}
    listen_address_v4 = ["127.0.0.1", "127.0.0.2"]
    ${hasIpv6() ? `listen_address_v6 = ["[::1]"]\nlisten_ipv6 = true` : "listen_ipv6 = false"}
    tcp_backlog = 1024
    tcp_max_connections = 1024
    udp_max_connections = 2048
    dns_cache_min_ttl = "30s"
    dns_cache_max_ttl = "1h"
    tcp_send_proxy_protocol = "v2"
    tcp_recv_proxy_protocol = true
    tcp_trusted_proxies = ["127.0.0.0/8", "::1"]
    tcp_target = ["localhost:${rest}", "127.0.0.1:${rest}"]
    tcp_load_balance = "source_ip"
    udp_target = ["127.0.0.1:53"]
    udp_load_balance = "source_ip"
    udp_idle_lifetime = 30

    [protocols]

    [protocols."http_1"]
    protocol = "http"
    target = ["localhost:${web}"]
    load_balance = "none"
    send_proxy_protocol = "v1"

    [protocols."ssh_1"]
    protocol = "ssh"
    target = ["127.0.0.1:${rest}"]
    load_balance = "source_socket"
    send_proxy_protocol = "none"

    [protocols."tls_1"]
    protocol = "tls"
    target = ["localhost:${rest}", "127.0.0.1:${rest}"]
    load_balance = "random"
    alpn = ["dot"]

    [protocols."tls_2"]
    protocol = "tls"
    target = ["localhost:${tls}", "127.0.0.1:${tls}"]
    load_balance = "source_ip"
    server_names = ["localhost"]
    alpns = ["h2"]

    [protocols."tls_2".ech]
    ech_config_list = "${base64(configList(echConfig()))}"
    private_keys = ["${base64(PRIVATE_KEY)}"]
    private_server_names = ["localhost:${tls}"]

    [protocols."quic_1"]
    protocol = "quic"
    target = ["localhost:4433", "127.0.0.1:4433"]
    load_balance = "source_ip"
    idle_lifetime = 30
    alpn = ["h3"]
    server_names = ["localhost"]

    [protocols."wireguard_1"]
    protocol = "wireguard"
    target = ["wg.example.com:51820", "192.168.1.2:51820"]
    load_balance = "source_ip"
    idle_lifetime = 30
  `;
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}
