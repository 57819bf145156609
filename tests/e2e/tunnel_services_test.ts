/**
 * Real services reached by real clients through an edge and an agent.
 */
import assert from "node:assert/strict";
import { request } from "node:http";
import { testWithTools } from "../support/children.ts";
import { within } from "../support/child.ts";
import { newKeyPair } from "../support/wireguard.ts";
import { Client } from "./client.ts";
import { makeCertificate, sshArguments, startNginx, startPostgres, startSshd } from "./servers.ts";
import { curlTo, DOMAIN, Edge, endpoint, get, startAgent } from "./tunnel.ts";
import { startDns } from "./udp_servers.ts";
import { WireguardClient, WireguardServer } from "./wireguard_peer.ts";

testWithTools(
  "curl reaches web sites by their names, and the agent has a line for each request",
  ["curl", "nginx"],
  async (scope) => {
    const sites = await startNginx(scope, {
      blog: { says: "the blog, for $host" },
      shop: { says: "the shop of $http_x_forwarded_for $http_x_forwarded_host" },
      proxied: { says: "from $proxy_protocol_addr", proxyProtocol: true },
    });
    const edge = await Edge.start(scope);
    const agent = await startAgent(
      scope,
      edge,
      endpoint("http", sites.blog, "blog") +
        endpoint("http", sites.shop, "shop", 'forwarded = true\nbasic_auth = "anna:secret"') +
        endpoint("http", sites.proxied, "proxied", 'proxy_protocol = "v2"') +
        endpoint("http", sites.blog, "private", 'allow = ["192.0.2.0/24"]'),
    );
    const blog = await get(scope, edge, "blog");
    assert.deepEqual(blog, { body: `the blog, for blog.${DOMAIN}\n`, status: 200 });
    const line = await agent.event("request", /http-blog/);
    assert.deepEqual([line.method, line.target, line.status, line.outcome], [
      "GET",
      "/",
      200,
      "complete",
    ]);
    assert.equal((await get(scope, edge, "shop")).status, 401);
    const shop = await get(scope, edge, "shop", "-u", "anna:secret", "-H", "X-Forwarded-For: evil");
    assert.equal(shop.body, `the shop of 127.0.0.1 shop.${DOMAIN}:${edge.port}\n`);
    assert.equal((await get(scope, edge, "proxied")).body, "from 127.0.0.1\n");
    assert.equal((await get(scope, edge, "nobody")).status, 404);
    assert.equal((await get(scope, edge, "private")).status, 403);
    const again = `http://blog.${DOMAIN}:${edge.port}/again`;
    const twice = await scope.run("curl", curlTo(edge, "blog", "/", again));
    assert.equal(twice.stdout, blog.body.repeat(2), twice.stderr);
    assert.equal((await agent.event("request", /again/)).target, "/again");
  },
);

testWithTools(
  "a WebSocket goes through, in both directions",
  [],
  async (scope) => {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(`re: ${data}`);
      return response;
    });
    scope.atEnd(() => void server.shutdown());
    const edge = await Edge.start(scope);
    const agent = await startAgent(scope, edge, endpoint("http", server.addr.port, "ws"));
    const asked = request({
      host: "127.0.0.1",
      port: edge.port,
      path: "/chat",
      headers: {
        "Host": `ws.${DOMAIN}`,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": btoa("0123456789abcdef"),
      },
    }).end();
    const answer = Promise.withResolvers<string>();
    asked.on("error", answer.reject).on("upgrade", (_, socket) => {
      // A text frame of four bytes, masked with zeros; then a close (RFC 6455 §5.2).
      socket.write(Uint8Array.of(0x81, 0x84, 0, 0, 0, 0, 0x70, 0x69, 0x6e, 0x67));
      socket.once("data", (frame: Uint8Array) => {
        answer.resolve(new TextDecoder("latin1").decode(frame));
        socket.end(Uint8Array.of(0x88, 0x80, 0, 0, 0, 0));
      });
    });
    assert.equal(await within(10_000, "answer", answer.promise), "\x81\x08re: ping");
    const line = await agent.event("request");
    assert.deepEqual([line.status, line.upgraded_to], [101, "websocket"]);
  },
);

testWithTools(
  "two processes of one agent share its name, and one goes on when the other is gone",
  ["curl", "nginx"],
  async (scope) => {
    const sites = await startNginx(scope, { first: { says: "first" }, second: { says: "second" } });
    const edge = await Edge.start(scope);
    const first = await startAgent(scope, edge, endpoint("http", sites.first, "blog"));
    await startAgent(scope, edge, endpoint("http", sites.second, "blog"));
    // Each visitor goes to the process with the fewest: while one is held, the next one comes to the other.
    const held = await Client.connect(scope, edge.port);
    await held.send(`GET / HTTP/1.1\r\nHost: blog.${DOMAIN}\r\n\r\n`);
    assert.equal(await held.line(), "HTTP/1.1 200 OK\r");
    assert.equal((await get(scope, edge, "blog")).body, "second\n");
    held.close();
    first.child.signal("SIGTERM");
    assert.equal(await first.child.code, 0);
    for (let i = 0; i < 3; i++) assert.equal((await get(scope, edge, "blog")).body, "second\n");
  },
);

testWithTools(
  "ssh and psql reach their servers on ports of the edge",
  ["initdb", "openssl", "postgres", "psql", "ssh", "ssh-keygen", "sshd"],
  async (scope) => {
    const [sshd, postgres] = [await startSshd(scope), await startPostgres(scope)];
    const edge = await Edge.start(scope);
    const [sshPort, postgresPort] = edge.ports as [number, number];
    const agent = await startAgent(
      scope,
      edge,
      endpoint("tcp", sshd.port, sshPort) + endpoint("tcp", postgres.port, postgresPort),
    );
    const there = await sshArguments(scope, sshd, sshPort);
    const words = await scope.run("ssh", [...there, "read line; echo $((6 * 7)) $line"], {
      input: "from here\n",
    });
    assert.deepEqual([words.code, words.stdout], [0, "42 from here\n"], words.stderr);
    const much = await scope.run("ssh", [...there, "head -c 3000000 /dev/zero; exit 7"]);
    assert.deepEqual([much.code, much.stdout.length], [7, 3_000_000], much.stderr);
    for (const [mode, ssl] of [["disable", "f"], ["require", "t"]] as const) {
      const { stdout, stderr } = await scope.run("psql", [
        `host=127.0.0.1 port=${postgresPort} user=postgres dbname=postgres sslmode=${mode}`,
        ...["--no-psqlrc", "--no-align", "--tuples-only", "--command"],
        "SELECT ssl, 6 * 7, length(repeat('x', 200000)) FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
      ]);
      assert.equal(stdout, `${ssl}|42|200000\n`, `${mode}: ${stderr}`);
    }
    assert.ok(Number((await agent.event("visit", /"bytes_down":3\d{6}/)).bytes_up) > 1000);
  },
);

testWithTools(
  "dig and WireGuard reach their servers on ports of the edge over UDP",
  ["dig", "dnsmasq"],
  async (scope) => {
    const dns = await startDns(scope, "192.0.2.53");
    const keys = newKeyPair();
    const wireguard = new WireguardServer(scope, "the server", keys);
    const edge = await Edge.start(scope);
    const [dnsPort, wireguardPort] = edge.ports as [number, number];
    await startAgent(
      scope,
      edge,
      endpoint("udp", dns.port, dnsPort) + endpoint("udp", wireguard.port, wireguardPort),
    );
    const dig = ["@127.0.0.1", "-p", String(dnsPort), "+short", "+time=5", "a.example", "A"];
    const { stdout, stderr } = await scope.run("dig", dig);
    assert.equal(stdout, "192.0.2.53\n", stderr);
    const clients = [1, 2].map(() => new WireguardClient(scope, keys.publicKey, wireguardPort));
    for (const client of clients) await client.shakeHands();
    for (const text of ["one", "two"]) {
      for (const client of clients) assert.equal(await client.ask(text), `the server ${text}`);
    }
    assert.deepEqual([wireguard.handshakes, wireguard.strangers], [2, 0]);
  },
);

testWithTools(
  "visitors and agents share one port: TLS by SNI ends at the service, names by Host, agents by ALPN",
  ["curl", "nginx", "openssl"],
  async (scope) => {
    const git = await makeCertificate(scope, await scope.folder(), `git.${DOMAIN}`);
    const sites = await startNginx(scope, {
      git: { says: "the secret site", certificate: git },
      blog: { says: "the blog" },
    });
    const edge = await Edge.start(scope, { sharesPort: true });
    const agent = await startAgent(
      scope,
      edge,
      endpoint("tls", sites.git, "git") + endpoint("http", sites.blog, "blog"),
    );
    const host = `git.${DOMAIN}`;
    const secured = await scope.run("curl", [
      ...["-sS", "--max-time", "20", "--noproxy", "*", "--cacert", git.cert],
      ...["--resolve", `${host}:${edge.port}:127.0.0.1`, `https://${host}:${edge.port}/`],
    ]);
    assert.equal(secured.stdout, "the secret site\n", secured.stderr);
    assert.equal((await agent.event("visit")).kind, "tls");
    assert.equal((await get(scope, edge, "blog")).body, "the blog\n");
    const shown = await scope.run("openssl", [
      ...["s_client", "-connect", `127.0.0.1:${edge.port}`, "-servername", host, "-brief"],
      ...["-verify_return_error", "-CAfile", git.cert],
    ]);
    assert.match(shown.stderr, /Verification: OK/, shown.stderr);
  },
);
