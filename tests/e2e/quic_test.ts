/**
 * QUIC by name: Deno's own client and server, and HTTP/3 by those of ngtcp2, through one port.
 */
import assert from "node:assert/strict";
import { type Scope, testWithTools, until } from "../support/children.ts";
import { datagramSamples } from "../support/samples.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { QuicClient } from "./quic_client.ts";
import {
  getByHttp3,
  HTTP3_TOOLS,
  type Identity,
  identity,
  startHttp3,
  startQuicEcho,
} from "./quic_servers.ts";
import { startSluice } from "./sluice.ts";
import { expiring, startUdpOnePort } from "./udp_one_port.ts";
import { UdpSocket } from "./udp_socket.ts";

testWithTools(
  "Deno's QUIC reaches each server by SNI and ALPN, and knows it by its certificate",
  [],
  async (scope) => {
    const [a, b, chat] = [
      await identity(scope, "a.example"),
      await identity(scope, "www.b.example", "x.y.b.example"),
      await identity(scope, "a.example", "c.example"),
    ];
    const [atA, atB, atChat] = await Promise.all([
      startQuicEcho(scope, "a", a, "h3"),
      startQuicEcho(scope, "b", b, "h3", "chat"),
      startQuicEcho(scope, "chat", chat, "chat"),
    ]);
    const { port, sluice } = await startUdpOnePort(scope, {
      quic_a: atA.port,
      quic_b: atB.port,
      quic_chat: atChat.port,
    });
    for (
      const [serverName, alpn, server, { cert }] of [
        ["a.example", "h3", "a", a],
        ["a.example", "chat", "chat", chat],
        ["www.b.example", "h3", "b", b],
        // A name goes before a protocol.
        ["x.y.b.example", "chat", "b", b],
        ["c.example", "chat", "chat", chat],
      ] as const
    ) {
      const client = await QuicClient.connect(scope, { port, serverName, alpn, cert });
      assert.deepEqual(await client.ask("hello"), { name: server, text: "hello" });
      client.close();
    }
    assert.deepEqual(
      await expiring(
        sluice,
        5,
        ({ route, server_name, alpns }) => `${route} ${server_name} ${alpns}`,
      ),
      [
        "quic_a a.example h3",
        "quic_b www.b.example h3",
        "quic_b x.y.b.example chat",
        "quic_chat a.example chat",
        "quic_chat c.example chat",
      ],
    );
    // The certificates are really told apart.
    const options = { port, serverName: "a.example", alpn: "h3", cert: chat.cert };
    await assert.rejects(QuicClient.connect(scope, options), /certificate/);
  },
);

testWithTools(
  "a name that no QUIC entry has is dropped, and not sent to the default target",
  [],
  async (scope) => {
    const { cert, server } = await startEcho(scope);
    const { port } = await startUdpOnePort(scope, { default: server.port });
    const options = { port, serverName: "echo.example", alpn: "h3", cert, maxIdleTimeout: 500 };
    await assert.rejects(QuicClient.connect(scope, options), /timed out/);
  },
);

testWithTools(
  "where no entry is for QUIC, every name goes to the default target",
  [],
  async (scope) => {
    const { cert, server } = await startEcho(scope);
    const port = freePortOfBoth();
    await startSluice(
      scope,
      `
      listen_address_v4 = "127.0.0.1"
      listen_port = ${port}
      udp_target = ["127.0.0.1:${server.port}"]
      [protocols.names]
      protocol = "dns"
      target = ["127.0.0.1:${freePortOfBoth()}"]
      `,
    );
    const options = { port, serverName: "echo.example", alpn: "h3", cert };
    const client = await QuicClient.connect(scope, options);
    assert.deepEqual(await client.ask("hello"), { name: "echo", text: "hello" });
  },
);

testWithTools(
  "a client of HTTP/3 gets the page of its name, after a Retry too, and in a version that sluice does not know",
  HTTP3_TOOLS,
  async (scope) => {
    const who = await identity(scope, "a.example", "www.b.example", "rest.example");
    const [a, b, rest] = [
      await startPage(scope, who, "page a"),
      await startPage(scope, who, "page b", "--validate-addr"),
      await startPage(scope, who, "the rest"),
    ];
    const { port, sluice } = await startUdpOnePort(
      scope,
      { quic_a: a.port, quic_b: b.port },
      `[protocols.quic_rest]\nprotocol = "quic"\ntarget = ["127.0.0.1:${rest.port}"]`,
    );
    for (
      const [name, options, page] of [
        ["a.example", [], "page a"],
        // This one wants to see first that the client is where it says (RFC 9000 §8.1).
        ["www.b.example", [], "page b"],
        ["rest.example", [], "the rest"],
        // Only a server of that version could read the name.
        ["a.example", ["--version=v2draft"], "the rest"],
      ] as const
    ) {
      const answer = await getByHttp3(scope, port, name, "index.html", ...options);
      assert.equal(answer.code, 0, answer.stderr);
      assert.equal(new TextDecoder().decode(answer.body), page);
    }
    assert.deepEqual(
      await expiring(sluice, 4, ({ route, server_name }) => `${route} ${server_name}`),
      [
        "quic_a a.example",
        "quic_b www.b.example",
        "quic_rest rest.example",
        "quic_rest undefined",
      ],
    );
  },
);

testWithTools(
  "first flights of many clients reach the server of their name as they are, QUIC v2 and post-quantum among them",
  [],
  async (scope) => {
    const flights = datagramSamples().filter(({ protocol, facts }) =>
      protocol === "quic" && facts["serverName"]
    );
    assert.ok(flights.some(({ facts }) => facts["version"] === "2"));
    assert.ok(flights.some(({ datagrams }) => datagrams.length === 3));
    let arrived: Uint8Array[] = [];
    const server = new UdpSocket(scope, (datagram) => arrived.push(datagram.slice()));
    const port = freePortOfBoth();
    const names = new Set(flights.map(({ facts }) => `"${facts["serverName"]}"`));
    await startSluice(
      scope,
      `
      listen_address_v4 = "127.0.0.1"
      listen_port = ${port}
      [protocols.named]
      protocol = "quic"
      server_names = [${[...names]}]
      target = ["127.0.0.1:${server.port}"]
      `,
    );
    for (const { name, datagrams } of flights) {
      arrived = [];
      const client = new UdpSocket(scope, () => {});
      for (const datagram of datagrams) client.send(datagram, port);
      await until(`all of ${name} has arrived`, () => arrived.length === datagrams.length);
      assert.deepEqual(arrived, datagrams, name);
    }
  },
);

async function startEcho(scope: Scope) {
  const who = await identity(scope, "echo.example");
  return { cert: who.cert, server: await startQuicEcho(scope, "echo", who, "h3") };
}

async function startPage(
  scope: Scope,
  who: Identity,
  page: string,
  ...options: readonly string[]
) {
  const files = await scope.folder();
  await Deno.writeTextFile(`${files}/index.html`, page);
  return await startHttp3(scope, who, files, ...options);
}
