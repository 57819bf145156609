/**
 * WireGuard through sluice: peers that move, that are silent for longer than a flow lives, and both.
 */
import assert from "node:assert/strict";
import { type Scope, testWithTools } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { newKeyPair } from "../support/wireguard.ts";
import { startSluice } from "./sluice.ts";
import { WireguardClient, WireguardServer } from "./wireguard_peer.ts";

testWithTools(
  "the peers of these tests understand each other without sluice",
  [],
  async (scope) => {
    const keys = newKeyPair();
    const server = new WireguardServer(scope, "the server", keys);
    const client = new WireguardClient(scope, keys.publicKey, server.port);
    await client.shakeHands();
    assert.equal(await client.ask("hello"), "the server hello");
    client.move();
    assert.equal(await client.ask("from elsewhere"), "the server from elsewhere");
    assert.deepEqual([server.handshakes, server.strangers], [1, 0]);
  },
);

testWithTools(
  "WireGuard clients share the servers, and each stays with its own",
  [],
  async (scope) => {
    const { clients, servers, sluice } = await startPool(scope);
    for (const client of clients) await client.shakeHands();
    for (const round of ["first", "second", "third"]) {
      for (const [i, client] of clients.entries()) {
        assert.equal(await client.ask(round), `server ${i} ${round}`);
      }
    }
    assert.deepEqual(servers.map(({ handshakes }) => handshakes), [1, 1, 1]);
    assertNoStrangers(servers);
    assert.deepEqual(sluice.accessLines, []);
  },
);

testWithTools(
  "a WireGuard session goes on at its server when the client's address changes",
  [],
  async (scope) => {
    const { clients, servers } = await startPool(scope);
    for (const client of clients) await client.shakeHands();
    for (const move of ["first", "second"]) {
      for (const [i, client] of clients.entries()) {
        client.move();
        const text = `after the ${move} move`;
        assert.equal(await client.ask(text), `server ${i} ${text}`);
        assert.equal(await client.ask("and on"), `server ${i} and on`);
      }
    }
    assertNoStrangers(servers);
  },
);

testWithTools(
  "a WireGuard session goes on at its server after a silence in which its flow expired, even from a new address",
  [],
  async (scope) => {
    const { clients, servers, sluice } = await startPool(scope, `idle_lifetime = "1s"`);
    for (const client of clients) await client.shakeHands();
    for (const moves of [false, true]) {
      for (const { address } of clients) {
        const { reason, route } = await sluice.accessLine(new RegExp(`"client":"${address}"`));
        assert.deepEqual([reason, route], ["idle_timeout", "tunnel"]);
      }
      for (const [i, client] of clients.entries()) {
        if (moves) client.move();
        assert.equal(await client.ask("awake again"), `server ${i} awake again`);
      }
    }
    assert.deepEqual(servers.map(({ handshakes }) => handshakes), [1, 1, 1]);
    assertNoStrangers(servers);
  },
);

testWithTools(
  "with follow_clients off a WireGuard client that moves is a new one",
  [],
  async (scope) => {
    const { clients: [client], servers } = await startPool(scope, "", "follow_clients = false");
    assert.ok(client !== undefined);
    await client.shakeHands();
    client.move();
    // The second server gets it, which does not know the session.
    client.tell("lost");
    await client.shakeHands();
    assert.equal(await client.ask("found"), "server 1 found");
    assert.deepEqual(servers.map(({ strangers }) => strangers), [0, 1, 0]);
  },
);

/** Three servers with one key, and a client for each of them that round robin gives to it. */
async function startPool(scope: Scope, entry = "", listener = "") {
  const keys = newKeyPair();
  const servers = [0, 1, 2].map((i) => new WireguardServer(scope, `server ${i}`, keys));
  const port = freePortOfBoth();
  const targets = servers.map((server) => `"127.0.0.1:${server.port}"`);
  const sluice = await startSluice(
    scope,
    `
    listen_address_v4 = "127.0.0.1"
    listen_port = ${port}
    ${listener}
    [protocols.tunnel]
    protocol = "wireguard"
    target = [${targets}]
    load_balance = "round_robin"
    ${entry}
    `,
  );
  const clients = servers.map(() => new WireguardClient(scope, keys.publicKey, port));
  return { clients, servers, sluice };
}

function assertNoStrangers(servers: readonly WireguardServer[]): void {
  assert.deepEqual(servers.map(({ strangers }) => strangers), servers.map(() => 0));
}
