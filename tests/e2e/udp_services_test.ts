/**
 * Clients of everything on UDP but QUIC and WireGuard, each with its own server, through one port.
 */
import assert from "node:assert/strict";
import { testWithTools } from "../support/children.ts";
import { identity } from "./quic_servers.ts";
import { makeCertificate } from "./servers.ts";
import { expiring, startUdpOnePort } from "./udp_one_port.ts";
import {
  chronyArguments,
  startDns,
  startDtls,
  startNtp,
  startOpenvpn,
  startOpenvpnClient,
  startSip,
  startStun,
  startUdpBackend,
} from "./udp_servers.ts";
import { UdpClient } from "./udp_socket.ts";

testWithTools(
  "dig reaches the DNS server of the name that it asks for",
  ["dig", "dnsmasq"],
  async (scope) => {
    const [ours, others] = [await startDns(scope, "192.0.2.1"), await startDns(scope, "192.0.2.2")];
    const { port, sluice } = await startUdpOnePort(scope, { dns_a: ours.port, dns: others.port });
    for (
      const [name, options, address] of [
        ["a.example", [], "192.0.2.1"],
        ["WWW.A.example", ["+noedns"], "192.0.2.1"],
        ["b.example", ["+bufsize=4096"], "192.0.2.2"],
        ["xa.example", ["+noedns"], "192.0.2.2"],
      ] as const
    ) {
      const there = ["@127.0.0.1", "-p", String(port), "+short", "+tries=1"];
      const { stdout, stderr } = await scope.run("dig", [...there, ...options, name, "A"]);
      assert.equal(stdout, `${address}\n`, `${name}: ${stderr}`);
    }
    assert.deepEqual(
      await expiring(sluice, 4, ({ route, dns_name }) => `${route} ${dns_name}`),
      ["dns b.example", "dns xa.example", "dns_a a.example", "dns_a www.a.example"],
    );
  },
);

testWithTools(
  "openssl reaches the DTLS server of its name, with that server's own certificate",
  ["openssl"],
  async (scope) => {
    const folder = await scope.folder();
    const names = ["a.example", "b.example"] as const;
    const [a, b] = await Promise.all(names.map(async (name) => {
      const certificate = await makeCertificate(scope, folder, name);
      return { name, cert: certificate.cert, ...await startDtls(scope, certificate) };
    }));
    assert.ok(a !== undefined && b !== undefined);
    const { port, sluice } = await startUdpOnePort(scope, { dtls_a: a.port, dtls_b: b.port });
    // A hello in fragments is as long as the names in it make it.
    const long = Array.from({ length: 10 }, (_, i) => `x-${i}-${"y".repeat(100)}`).join();
    for (const { name, cert, child } of [a, b]) {
      for (const options of [[], ["-alpn", long, "-mtu", "400"]]) {
        const client = scope.start("openssl", [
          ...["s_client", "-dtls1_2", "-connect", `127.0.0.1:${port}`, "-servername", name],
          ...["-CAfile", cert, "-verify_return_error", ...options],
        ]);
        await client.stdout.next(/Verify return code: 0/);
        await client.say(`hello ${name}\n`);
        await child.stdout.next(new RegExp(`^hello ${name}$`));
        await client.say("", "and no more");
        assert.equal(await client.code, 0, client.stderr.text);
      }
    }
    assert.deepEqual(
      await expiring(sluice, 4, ({ route, server_name }) => `${route} ${server_name}`),
      ["dtls_a a.example", "dtls_a a.example", "dtls_b b.example", "dtls_b b.example"],
    );
  },
);

testWithTools(
  "coturn's STUN client learns the address that sluice asks from",
  ["turnserver", "turnutils_stunclient"],
  async (scope) => {
    const server = await startStun(scope);
    const { port, sluice } = await startUdpOnePort(scope, { stun: server.port });
    const { code, stdout, stderr } = await scope.run("turnutils_stunclient", [
      ...["-p", String(port), "127.0.0.1"],
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout + stderr, /UDP reflexive addr: 127\.0\.0\.1:\d+/);
    const line = await sluice.accessLine();
    assert.deepEqual([line.route, line.protocol], ["stun", "stun"]);
  },
);

testWithTools(
  "OpenVPN makes its tunnel",
  ["openvpn"],
  async (scope) => {
    const who = await identity(scope, "vpn.example");
    const server = await startOpenvpn(scope, who);
    const { port } = await startUdpOnePort(scope, { openvpn: server.port });
    const client = startOpenvpnClient(scope, who, port);
    for (const { stdout } of [client, server.child]) {
      await stdout.next(/\[vpn\.example\] Peer Connection Initiated/);
      await stdout.next(/Initialization Sequence Completed/);
    }
  },
);

testWithTools(
  "curl gets a file by TFTP from a server that answers from its own port",
  ["curl"],
  async (scope) => {
    const server = await startUdpBackend(scope, "tftp", "the file");
    const { port, sluice } = await startUdpOnePort(scope, { tftp: server.port });
    const url = `tftp://127.0.0.1:${port}/name`;
    const { stdout, stderr } = await scope.run("curl", ["-sS", "--max-time", "20", url]);
    assert.equal(stdout, "the file\n", stderr);
    const line = await sluice.accessLine();
    assert.deepEqual([line.route, line.protocol], ["tftp", "tftp"]);
  },
);

testWithTools("chronyd sets its clock by the NTP server", ["chronyd"], async (scope) => {
  const server = await startNtp(scope);
  const { port, sluice } = await startUdpOnePort(scope, { ntp: server.port });
  const { code, stderr } = await scope.run("chronyd", [
    // It asks, says what it would do, and ends.
    ...["-Q", "-t", "15", ...chronyArguments(await scope.folder())],
    `server 127.0.0.1 port ${port} iburst maxsamples 1`,
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /System clock wrong by/);
  const line = await sluice.accessLine();
  assert.deepEqual([line.route, line.protocol], ["ntp", "ntp"]);
});

testWithTools("SIPp calls SIPp", ["sipp"], async (scope) => {
  const server = await startSip(scope);
  const { port, sluice } = await startUdpOnePort(scope, { sip: server.port });
  const { code, stdout } = await scope.run("sipp", [
    ...["-sn", "uac", "-i", "127.0.0.1", "-m", "1", "-nostdin", `127.0.0.1:${port}`],
  ]);
  assert.equal(code, 0, stdout.slice(-3000));
  const line = await sluice.accessLine();
  assert.deepEqual([line.route, line.protocol], ["sip", "sip"]);
});

testWithTools("logger's lines reach the syslog server", ["logger"], async (scope) => {
  const server = await startUdpBackend(scope, "hear", "the log");
  const { port, sluice } = await startUdpOnePort(scope, { syslog: server.port });
  for (const form of ["--rfc3164", "--rfc5424"]) {
    const there = ["--server", "127.0.0.1", "--port", String(port), "--udp", form];
    const { code, stderr } = await scope.run("logger", [...there, `a line of ${form}`]);
    assert.equal(code, 0, stderr);
    await server.child.stdout.next(new RegExp(`^<13>.* a line of ${form}$`));
  }
  const told = await expiring(sluice, 2, ({ route, bytes_down }) => `${route} ${bytes_down}`);
  assert.deepEqual(told, ["syslog 0", "syslog 0"]);
});

testWithTools("what no entry takes goes to the default target", [], async (scope) => {
  const server = await startUdpBackend(scope, "echo", "default");
  const { port, sluice } = await startUdpOnePort(scope, { default: server.port });
  const client = new UdpClient(scope, port);
  assert.equal(await client.ask("?"), "default ?");
  assert.equal(await client.ask("and again"), "default and again");
  const line = await sluice.accessLine();
  assert.deepEqual(
    [line.client, line.backend, line.reason, line.bytes_up, line.bytes_down],
    [client.socket.address, `127.0.0.1:${server.port}`, "idle_timeout", 10, 26],
  );
});
