import assert from "node:assert/strict";
import { Backend, balancers } from "../../../lib/balancing/mod.ts";
import type { Algorithm, Pool } from "../../../lib/config/config.ts";
import { backendOrder, type ChosenBy } from "../../../lib/explain/backends.ts";

const HOSTS = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1"];

function poolOf(algorithm: Algorithm, hosts: readonly string[] = HOSTS): Pool {
  return { algorithm, targets: hosts.map((host, at) => ({ host, port: 80, weight: at + 1 })) };
}

const FILE_ORDER = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "[2001:db8::1]:80"];

Deno.test("it says what the order is, or what it depends on", () => {
  const address = "192.0.2.1";
  const client: ChosenBy = { client: { address } };
  const cases: ReadonlyArray<readonly [Algorithm, ChosenBy, string]> = [
    ["none", {}, "order"],
    ["source_ip", client, "order"],
    ["source_ip", {}, "client"],
    ["source_socket", { client: { address, port: 7 } }, "order"],
    ["source_socket", client, "client"],
    ["random", client, "chance"],
    ["round_robin", client, "turn"],
    ["least_connections", client, "load"],
    ["random_two", client, "load"],
    ["quic_cid", { quic: { cid: "8394c8f03e515708" } }, "order"],
    ["quic_cid", { ...client, quic: {} }, "connection_id"],
    ["quic_cid", client, "order"],
    ["quic_cid", {}, "client"],
  ];
  assert.equal(new Set(cases.map(([algorithm]) => algorithm)).size, Object.keys(balancers).length);
  for (const [algorithm, by, known] of cases) {
    const order = backendOrder(poolOf(algorithm), 3, by);
    assert.equal(order.known, known, algorithm);
    assert.equal(order.attempts, 3);
    if (known !== "order" || algorithm === "none") {
      assert.deepEqual(order.targets.map(({ target }) => target), FILE_ORDER);
    }
  }
});

Deno.test("of one backend the order is known, whatever the algorithm", () => {
  for (const algorithm of ["random", "least_connections", "source_ip", "quic_cid"] as const) {
    assert.equal(backendOrder(poolOf(algorithm, ["db"]), 1, {}).known, "order");
  }
});

Deno.test("host names hide the order from hashing alone", () => {
  const hosts = ["10.0.0.1", "db.example"];
  const by = { client: { address: "192.0.2.1" }, quic: { cid: "01" } };
  assert.equal(backendOrder(poolOf("source_ip", hosts), 1, by).known, "names");
  assert.equal(backendOrder(poolOf("quic_cid", hosts), 1, by).known, "names");
  assert.equal(backendOrder(poolOf("none", hosts), 1, {}).known, "order");
});

Deno.test("QUIC clients of one connection ID have one order, whatever their address; others go by it", () => {
  const pool = poolOf("quic_cid");
  const orderOf = (by: ChosenBy) => backendOrder(pool, 4, by).targets.map(({ target }) => target);
  const firsts = new Set<string>();
  for (let last = 1; last <= 20; last++) {
    const client = { address: `192.0.2.${last}` };
    const cid = `83${last.toString(16).padStart(2, "0")}`;
    assert.deepEqual(orderOf({ client, quic: { cid } }), orderOf({ quic: { cid } }));
    const choice = balancers.quic_cid(() => 0)(
      pool.targets.map(({ host, port, weight }) => ({ backend: new Backend(host, port), weight })),
      { ...client, port: 1, quicCid: cid },
    );
    assert(orderOf({ quic: { cid } })[0]?.includes(choice.backend.address));
    firsts.add(orderOf({ quic: { cid } })[0] ?? "");
    const bySource = backendOrder(poolOf("source_ip"), 4, { client }).targets;
    assert.deepEqual(orderOf({ client }), bySource.map(({ target }) => target));
  }
  assert(firsts.size > 1, "twenty connections all have one backend");
});

Deno.test("the order of a hashing algorithm is the balancer's choice, then its choice of the rest", () => {
  const pool = poolOf("source_ip");
  const firsts = new Set<string>();
  for (let last = 1; last <= 20; last++) {
    const client = { address: `192.0.2.${last}` };
    const order = backendOrder(pool, 9, { client });
    assert.deepEqual(
      order.targets.map(({ target, weight }) => [target, weight]).toSorted(),
      FILE_ORDER.map((target, at) => [target, at + 1]).toSorted(),
    );
    let rest = pool.targets.map(({ host, port, weight }) => ({
      backend: new Backend(host, port),
      weight,
    }));
    for (const { target } of order.targets) {
      const choice = balancers.source_ip(() => 0)(rest, { ...client, port: 1 });
      assert(target.includes(choice.backend.address));
      rest = rest.filter((candidate) => candidate !== choice);
    }
    firsts.add(order.targets[0]?.target ?? "");
  }
  assert(firsts.size > 1, "twenty clients all have one backend");
});
