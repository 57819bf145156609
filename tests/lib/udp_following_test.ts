import assert from "node:assert/strict";
import { AddressSet } from "../../lib/acl.ts";
import { parseCidr } from "../../lib/addr.ts";
import type { Pool, UdpListenerConfig } from "../../lib/config/config.ts";
import type { MemoryPeer } from "../support/memory_datagrams.ts";
import { bytesOf, Rig, settled } from "../support/rig.ts";
import { udpDefaultTo, udpListenerWith, udpRouteTo } from "../support/routes.ts";
import { datagramSamples } from "../support/samples.ts";

const SLUICE = { address: "127.0.0.1", port: 8443 };
const HOME = { address: "192.0.2.1", port: 50_000 };
/** Where the client's router puts it later on. */
const ELSEWHERE = { address: "198.51.100.7", port: 60_000 };

/** Each new flow goes to another backend, if nothing says otherwise. */
const TWO: Pool = {
  targets: [1, 2].map((port) => ({ host: "127.0.0.1", port, weight: 1 })),
  algorithm: "round_robin",
};

const initial = datagramSamples().find(({ name }) => name.includes("quic_rfc9001"))!.datagrams[0]!;
const initiation = datagramSamples().find(({ name }) => name.includes("wireguard_initiation"))!
  .datagrams[0]!;

/** The connection ID that the server of RFC 9001 A.3 chooses, and the header of its Initial packet. */
const SERVER_ID = Uint8Array.fromHex("f067a5502a4262b5");
const SERVER_HELLO = Uint8Array.of(
  ...Uint8Array.fromHex("cf000000010008"),
  ...SERVER_ID,
  ...Uint8Array.fromHex("004075c0d95a482cd0991cd25b0aac406a"),
);

/** A packet of the client in mid-connection. */
function shortPacket(id: Uint8Array, text: string): Uint8Array {
  return Uint8Array.of(0x41, ...id, ...bytesOf(text.padEnd(24)));
}

function transport(receiver: number, text: string): Uint8Array {
  return Uint8Array.of(4, 0, 0, 0, receiver, 2, 3, 4, 1, ...new Uint8Array(7), ...bytesOf(text));
}

/** A rig with two backends that count what they get. */
async function rigWith(changes: Partial<UdpListenerConfig>) {
  const rig = new Rig();
  await rig.applyUdp([udpListenerWith({ port: SLUICE.port, ...changes })]);
  const backends = [rig.responder(1), rig.responder(2)] as const;
  const send = async (from: MemoryPeer, datagram: Uint8Array) => {
    from.send(datagram, SLUICE);
    await settled();
    return backends.map(({ received }) => received.splice(0).length);
  };
  return { rig, backends, send };
}

async function quicRig(changes: Partial<UdpListenerConfig> = {}) {
  const routes = [udpRouteTo("web", { protocol: "quic" }, TWO)];
  const { rig, backends, send } = await rigWith({ routes, ...changes });
  const client = rig.net.peer(HOME);
  assert.deepEqual(await send(client, initial), [1, 0]);
  backends[0].reply(SERVER_HELLO);
  await settled();
  assert.equal(client.received.length, 1);
  return { rig, backends, send, client };
}

Deno.test("a QUIC client that changes its address keeps its backend, and gets its replies there", async () => {
  const { rig, backends, send } = await quicRig();
  const moved = rig.net.peer(ELSEWHERE);
  assert.deepEqual(await send(moved, shortPacket(SERVER_ID, "still me")), [1, 0]);
  backends[0].reply(bytesOf("path challenge"));
  await settled();
  assert.equal(moved.received.length, 1);
  assert.equal(rig.server.activeFlows, 2);
  await rig.close();
});

Deno.test("what moves is not the old flow: who only knows an ID takes nobody's replies", async () => {
  const { rig, backends, send, client } = await quicRig();
  const [backend] = backends;
  const home = backend.sources.at(-1)!;
  assert.deepEqual(await send(rig.net.peer(ELSEWHERE), shortPacket(SERVER_ID, "spoofed")), [1, 0]);
  backend.send(bytesOf("for the client"), home);
  await settled();
  assert.equal(client.received.length, 2);
  await rig.close();
});

Deno.test("an ID that nobody knows is routed as it would be without", async () => {
  const { rig, send } = await quicRig();
  const stranger = rig.net.peer(ELSEWHERE);
  assert.deepEqual(await send(stranger, shortPacket(bytesOf("strange!"), "hi")), [0, 0]);
  assert.equal(rig.server.activeFlows, 1);
  await rig.close();
});

Deno.test("follow_clients = false follows nobody", async () => {
  const { rig, send } = await quicRig({ followClients: false });
  assert.deepEqual(
    await send(rig.net.peer(ELSEWHERE), shortPacket(SERVER_ID, "still me")),
    [0, 0],
  );
  await rig.close();
});

Deno.test("a client is followed through a reload, to a backend that is still there", async () => {
  const { rig, send } = await quicRig();
  const routes = [udpRouteTo("web", { protocol: "quic" }, TWO)];
  await rig.applyUdp([udpListenerWith({ port: SLUICE.port, routes })]);
  const moved = rig.net.peer(ELSEWHERE);
  assert.deepEqual(await send(moved, shortPacket(SERVER_ID, "still me")), [1, 0]);
  const other: Pool = { ...TWO, targets: TWO.targets.slice(1) };
  await rig.applyUdp([
    udpListenerWith({
      port: SLUICE.port,
      routes: [udpRouteTo("web", { protocol: "quic" }, other)],
    }),
  ]);
  const late = rig.net.peer({ ...ELSEWHERE, port: 1 });
  assert.deepEqual(await send(late, shortPacket(SERVER_ID, "still me")), [0, 0]);
  await rig.close();
});

async function wireguardRig(changes: Partial<UdpListenerConfig> = {}) {
  const routes = [
    udpRouteTo("vpn", { protocol: "wireguard" }, TWO, { idleLifetime: 1000 }),
  ];
  const { rig, backends, send } = await rigWith({ routes, ...changes });
  const client = rig.net.peer(HOME);
  assert.deepEqual(await send(client, initiation), [1, 0]);
  const response = new Uint8Array(92);
  response.set([2, 0, 0, 0, 9, 2, 3, 4]);
  backends[0].reply(response);
  await settled();
  const forget = async () => {
    for (let i = 0; i < 8; i++) await rig.pass(250);
    assert.equal(rig.server.activeFlows, 0);
  };
  return { rig, backends, send, client, forget };
}

Deno.test("WireGuard goes on after an idle time longer than its flow's lifetime, and from another address", async () => {
  const { rig, send, client, forget } = await wireguardRig();
  assert.deepEqual(await send(client, transport(9, "a packet of mine")), [1, 0]);
  await forget();
  assert.deepEqual(await send(client, transport(9, "a packet of mine")), [1, 0]);
  assert.deepEqual(await send(rig.net.peer(ELSEWHERE), transport(9, "a packet of mine")), [1, 0]);
  // A handshake begins anew: it is the next backend's turn.
  assert.deepEqual(await send(rig.net.peer({ ...HOME, port: 2 }), initiation), [0, 1]);
  await rig.close();
});

Deno.test("a session that was taken up elsewhere is remembered, although nothing more was said there", async () => {
  const { rig, backends, send, client, forget } = await wireguardRig();
  const moved = rig.net.peer(ELSEWHERE);
  assert.deepEqual(await send(moved, transport(9, "a packet of mine")), [1, 0]);
  backends[0].reply(transport(7, "a packet for you"));
  await forget();
  assert.deepEqual(await send(moved, transport(9, "a packet of mine")), [1, 0]);
  assert.deepEqual(await send(client, transport(9, "a packet of mine")), [1, 0]);
  await rig.close();
});

Deno.test("what is longer ago than the flow memory is forgotten", async () => {
  const { rig, send, client, forget } = await wireguardRig({ flowMemory: 60_000 });
  assert.deepEqual(await send(client, transport(9, "a packet of mine")), [1, 0]);
  await forget();
  await rig.pass(61_000);
  assert.deepEqual(await send(client, transport(9, "a packet of mine")), [0, 1]);
  await rig.close();
});

Deno.test("a flow memory of 0 remembers nobody", async () => {
  const { rig, send, client, forget } = await wireguardRig({ flowMemory: 0 });
  await forget();
  assert.deepEqual(await send(client, transport(9, "a packet of mine")), [0, 1]);
  await rig.close();
});

Deno.test("a flow of any protocol that idled out goes where it went before", async () => {
  const { rig, backends, send } = await rigWith({ defaultRoute: udpDefaultTo(TWO) });
  const game = rig.net.peer(HOME);
  assert.deepEqual(await send(game, bytesOf("join")), [1, 0]);
  backends[0].reply(bytesOf("welcome"));
  await settled();
  assert.deepEqual(await send(game, bytesOf("thanks")), [1, 0]);
  for (let i = 0; i < 130; i++) await rig.pass(250);
  assert.equal(rig.server.activeFlows, 0);
  assert.deepEqual(await send(game, bytesOf("move")), [1, 0]);
  assert.deepEqual(await send(rig.net.peer({ ...HOME, port: 2 }), bytesOf("join")), [0, 1]);
  await rig.close();
});

Deno.test("who has not answered an answer may be made up, and is not remembered", async () => {
  const { rig, backends, send } = await rigWith({ defaultRoute: udpDefaultTo(TWO) });
  const stranger = rig.net.peer(HOME);
  assert.deepEqual(await send(stranger, bytesOf("?")), [1, 0]);
  backends[0].reply(bytesOf("!"));
  await settled();
  for (let i = 0; i < 130; i++) await rig.pass(250);
  assert.deepEqual(await send(stranger, bytesOf("?")), [0, 1]);
  await rig.close();
});

Deno.test("a session whose backend has died goes on nowhere, and a new one finds another backend", async () => {
  const { rig, backends, send, client } = await quicRig();
  backends[0].close();
  client.send(shortPacket(SERVER_ID, "x"), SLUICE);
  await settled();
  const moved = rig.net.peer(ELSEWHERE);
  assert.deepEqual(await send(moved, shortPacket(SERVER_ID, "still me")), [0, 0]);
  backends[1].received.length = 0;
  assert.deepEqual((await send(moved, initial))[1], 1);
  await rig.close();
});

/** A game's client whose flow has expired and is remembered at the first backend. */
async function rememberedGame(changes: Partial<UdpListenerConfig> = {}) {
  const all = { defaultRoute: udpDefaultTo(TWO), ...changes };
  const { rig, backends, send } = await rigWith(all);
  const game = rig.net.peer(HOME);
  assert.deepEqual(await send(game, bytesOf("join")), [1, 0]);
  backends[0].reply(bytesOf("welcome"));
  await settled();
  assert.deepEqual(await send(game, bytesOf("thanks")), [1, 0]);
  for (let i = 0; i < 130; i++) await rig.pass(250);
  assert.equal(rig.server.activeFlows, 0);
  return { rig, backends, send, game };
}

Deno.test("a handshake begins anew from a port that is remembered, too", async () => {
  const { rig, send, client, forget } = await wireguardRig();
  assert.deepEqual(await send(client, transport(9, "a packet of mine")), [1, 0]);
  await forget();
  assert.deepEqual(await send(client, initiation), [0, 1]);
  await rig.close();
});

Deno.test("what tells another route goes there, though the port is remembered elsewhere", async () => {
  const names = udpRouteTo("names", { protocol: "dns" }, { ...TWO, targets: [TWO.targets[1]!] });
  const { rig, send, game } = await rememberedGame({ routes: [names] });
  const query = datagramSamples().find(({ protocol }) => protocol === "dns")!.datagrams[0]!;
  assert.deepEqual(await send(game, query), [0, 1]);
  await rig.close();
});

Deno.test("nobody is led to a backend that is known to be down", async () => {
  const { rig, backends, send, game } = await rememberedGame();
  await rig.record();
  // It is the second one's turn, and then the first one's, which is gone.
  await send(rig.net.peer({ ...HOME, port: 2 }), bytesOf("join"));
  backends[0].close();
  assert.deepEqual(await send(rig.net.peer({ ...HOME, port: 3 }), bytesOf("join")), [0, 1]);
  assert.deepEqual(await send(game, bytesOf("move")), [0, 1]);
  rig.server.close();
  const records = [await rig.record(), await rig.record(), await rig.record()];
  const own = records.find(({ client }) => client.port === HOME.port);
  assert.deepEqual([own?.backend?.port, own?.detail], [2, undefined]);
  await rig.close();
});

Deno.test("who is not allowed any more does not go on", async () => {
  const { rig, send, game } = await rememberedGame();
  const acl = { deny: new AddressSet([parseCidr(HOME.address)!]) };
  const defaultRoute = { ...udpDefaultTo(TWO), acl };
  await rig.applyUdp([udpListenerWith({ port: SLUICE.port, defaultRoute })]);
  assert.deepEqual(await send(game, bytesOf("move")), [0, 0]);
  assert.equal(rig.server.drops.get("acl_denied"), 1);
  await rig.close();
});
