import assert from "node:assert/strict";
import fc from "fast-check";
import { formatAddress, parseHostPort, type SocketAddress } from "../../lib/addr.ts";
import type { Candidate } from "../../lib/balancing/mod.ts";
import type { Algorithm } from "../../lib/config/config.ts";
import { dial, type Dialled, release } from "../../lib/dial.ts";
import { Pools } from "../../lib/pool.ts";
import { Resolver } from "../../lib/resolver.ts";
import { type Conn, type Net, NetError, type NetErrorCode } from "../../lib/runtime/runtime.ts";
import { ManualClock } from "../support/clock.ts";

const client = { address: "192.0.2.1", port: 50_000 };
const options = { timeout: 3_000, retries: 2 };
const conn = {} as Conn;

/** A pool of these targets over a Net on which `faults` are what connecting to an address ends in. */
function setUp(targets: string[], algorithm: Algorithm = "none") {
  const clock = new ManualClock();
  const faults = new Map<string, NetErrorCode>();
  const tried: string[] = [];
  const timeouts = new Set<number>();
  const net: Pick<Net, "connect"> = {
    connect: (to: SocketAddress, { timeout }) => {
      const key = formatAddress(to);
      tried.push(key);
      timeouts.add(timeout);
      const fault = faults.get(key);
      if (fault === undefined) return Promise.resolve(conn);
      return Promise.reject(new NetError(fault, `it was ${fault}`));
    },
  };
  const lines: string[] = [];
  const log = {
    info: (line: string) => void lines.push(`info: ${line}`),
    warning: (line: string) => void lines.push(`warning: ${line}`),
  };
  const lookup = () => Promise.reject(new Error("ENOTFOUND"));
  const resolver = new Resolver(lookup, clock, { minTtl: 0, maxTtl: 0 }, log);
  const pool = new Pools(resolver, Math.random).get({
    algorithm,
    targets: targets.map((text) => ({ ...parseHostPort(text), weight: 1 })),
  });
  return {
    clock,
    faults,
    net,
    pool,
    timeouts,
    dial: (retries = options.retries) =>
      dial({ net, clock, log }, pool, client, { ...options, retries }),
    /** The lines logged since it was last asked. */
    logged: () => lines.splice(0),
    /** The addresses tried since it was last asked. */
    tried: () => tried.splice(0),
    backend: (at: number) => (pool.candidates() as readonly Candidate[])[at]!.backend,
  };
}

function connected(dialled: Dialled): string {
  assert.equal(dialled.kind, "connected");
  return dialled.kind === "connected" ? formatAddress(dialled.backend) : "";
}

function failed(dialled: Dialled): string {
  assert.equal(dialled.kind, "failed");
  return dialled.kind === "failed" ? dialled.detail : "";
}

Deno.test("the balancer's choice is connected, within the timeout, and counted until it is released", async () => {
  const { dial, backend, timeouts, tried } = setUp(["10.0.0.1:80", "10.0.0.2:80"]);
  const dialled = await dial();
  assert.ok(dialled.kind === "connected");
  assert.equal(dialled.conn, conn);
  assert.equal(dialled.backend, backend(0));
  assert.deepEqual(tried(), ["10.0.0.1:80"]);
  assert.deepEqual([...timeouts], [options.timeout]);
  assert.equal(backend(0).active, 1);
  release(dialled.backend);
  assert.equal(backend(0).active, 0);
});

Deno.test("a connection counts while it is being made, so the next one sees it", async () => {
  const { dial, tried } = setUp(["10.0.0.1:80", "10.0.0.2:80"], "least_connections");
  await Promise.all([dial(), dial(), dial(), dial()]);
  assert.deepEqual(tried().sort(), ["10.0.0.1:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80"]);
});

Deno.test("when a backend fails the next one is connected", async () => {
  const { dial, faults, backend, tried } = setUp(["10.0.0.1:80", "10.0.0.2:80"]);
  faults.set("10.0.0.1:80", "refused");
  assert.equal(connected(await dial()), "10.0.0.2:80");
  assert.deepEqual(tried(), ["10.0.0.1:80", "10.0.0.2:80"]);
  assert.deepEqual([backend(0).active, backend(1).active], [0, 1]);
});

Deno.test("a failure names every address that was tried, and why", async () => {
  const { dial, faults, backend } = setUp(["10.0.0.1:80", "[2001:db8::1]:80"]);
  faults.set("10.0.0.1:80", "refused").set("[2001:db8::1]:80", "timeout");
  const dialled = await dial();
  assert.equal(failed(dialled), "10.0.0.1:80: it was refused; [2001:db8::1]:80: it was timeout");
  assert.equal(dialled.backend, backend(1));
  assert.deepEqual([backend(0).active, backend(1).active], [0, 0]);
});

Deno.test("there are no more attempts than the first and the retries", async () => {
  const { dial, faults, tried } = setUp(["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]);
  faults.set("10.0.0.1:80", "refused").set("10.0.0.2:80", "refused");
  failed(await dial(1));
  assert.deepEqual(tried(), ["10.0.0.1:80", "10.0.0.2:80"]);
  const { dial: dialOnce, faults: faultsOnce, tried: triedOnce } = setUp(["10.0.0.1:80"]);
  faultsOnce.set("10.0.0.1:80", "refused");
  failed(await dialOnce(0));
  assert.equal(triedOnce().length, 1);
});

Deno.test("no address is tried twice, whatever the algorithm and the number of retries", async () => {
  const anyFaults = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
  const anyAlgorithm = fc.constantFrom<Algorithm>("none", "source_ip", "random", "round_robin");
  await fc.assert(
    fc.asyncProperty(anyAlgorithm, anyFaults, fc.nat(8), async (algorithm, fails, retries) => {
      const targets = fails.map((_, i) => `10.0.0.${i + 1}:80`);
      const { dial, faults, tried } = setUp(targets, algorithm);
      fails.forEach((fail, i) => fail && faults.set(targets[i]!, "refused"));
      const dialled = await dial(retries);
      const addresses = tried();
      assert.equal(new Set(addresses).size, addresses.length);
      assert.ok(addresses.length <= 1 + retries);
      // With a retry for each that fails, one that works is found.
      if (retries >= fails.length - 1) {
        assert.equal(dialled.kind, fails.includes(false) ? "connected" : "failed");
      }
    }),
  );
});

Deno.test("a backend that failed is tried last for a while, then first again", async () => {
  const { clock, dial, faults, tried } = setUp(["10.0.0.1:80", "10.0.0.2:80"]);
  faults.set("10.0.0.1:80", "refused");
  await dial();
  tried();
  clock.advance(499);
  await dial();
  assert.deepEqual(tried(), ["10.0.0.2:80"]);
  clock.advance(1);
  faults.clear();
  assert.equal(connected(await dial()), "10.0.0.1:80");
});

Deno.test("each further failure doubles the while, up to thirty seconds", async () => {
  const { clock, dial, faults, backend } = setUp(["10.0.0.1:80", "10.0.0.2:80"]);
  faults.set("10.0.0.1:80", "refused");
  const whiles: number[] = [];
  for (let i = 0; i < 8; i++) {
    await dial();
    whiles.push(backend(0).downUntil - clock.now());
    clock.advance(whiles.at(-1)!);
  }
  assert.deepEqual(whiles, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  faults.clear();
  await dial();
  assert.deepEqual([backend(0).failures, backend(0).downUntil], [0, 0]);
});

Deno.test("connections that fail together count as one failure", async () => {
  const { clock, dial, faults, backend } = setUp(["10.0.0.1:80", "10.0.0.2:80"]);
  faults.set("10.0.0.1:80", "refused");
  await Promise.all(Array.from({ length: 50 }, () => dial()));
  assert.equal(backend(0).failures, 1);
  assert.equal(backend(0).downUntil - clock.now(), 500);
  assert.deepEqual([backend(0).active, backend(1).active], [0, 50]);
});

Deno.test("one connection finds out whether a backend is up again, the others do not wait for it", async () => {
  const { clock, dial, faults, net, tried } = setUp(["10.0.0.1:80", "10.0.0.2:80"]);
  faults.set("10.0.0.1:80", "timeout");
  await dial();
  tried();
  clock.advance(500);
  const answer = Promise.withResolvers<Conn>();
  const connect = net.connect;
  net.connect = (to, options) => {
    const connecting = connect(to, options);
    if (to.address !== "10.0.0.1") return connecting;
    connecting.catch(() => {});
    return answer.promise;
  };
  const scout = dial();
  await dial();
  clock.advance(options.timeout - 1);
  await dial();
  assert.deepEqual(tried(), ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.2:80"]);
  answer.resolve(conn);
  assert.equal(connected(await scout), "10.0.0.1:80");
  await dial();
  assert.deepEqual(tried(), ["10.0.0.1:80"]);
});

Deno.test("when all are down they are tried all the same", async () => {
  const { dial, faults, tried } = setUp(["10.0.0.1:80", "10.0.0.2:80"]);
  faults.set("10.0.0.1:80", "refused").set("10.0.0.2:80", "refused");
  failed(await dial());
  tried();
  faults.delete("10.0.0.2:80");
  assert.equal(connected(await dial()), "10.0.0.2:80");
  assert.deepEqual(tried(), ["10.0.0.1:80", "10.0.0.2:80"]);
});

Deno.test("a sticky client of a failed backend moves to one other, and back", async () => {
  const targets = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"];
  const { clock, dial, faults } = setUp(targets, "source_ip");
  const home = connected(await dial());
  faults.set(home, "refused");
  const refuge = connected(await dial());
  assert.notEqual(refuge, home);
  assert.equal(connected(await dial()), refuge);
  clock.advance(500);
  faults.clear();
  assert.equal(connected(await dial()), home);
});

Deno.test("what sluice's own system lacks is not the backend's failure", async () => {
  for (const fault of ["exhausted", "unavailable"] as const) {
    const { dial, faults, backend } = setUp(["10.0.0.1:80"]);
    faults.set("10.0.0.1:80", fault);
    assert.equal(failed(await dial()), `10.0.0.1:80: it was ${fault}`);
    const { active, failures, downUntil } = backend(0);
    assert.deepEqual({ active, failures, downUntil }, { active: 0, failures: 0, downUntil: 0 });
  }
});

Deno.test("a pool without addresses says which name could not be resolved", async () => {
  const { dial } = setUp(["db.test:80"]);
  const dialled = await dial();
  assert.equal(failed(dialled), "db.test could not be resolved: ENOTFOUND");
  assert.equal(dialled.backend, undefined);
});

Deno.test("a fault of sluice itself is thrown, and leaves nothing counted", async () => {
  const { dial, backend, net } = setUp(["10.0.0.1:80"]);
  net.connect = () => Promise.reject(new TypeError("not a function"));
  await assert.rejects(dial(), TypeError);
  assert.deepEqual([backend(0).active, backend(0).failures], [0, 0]);
});

Deno.test("the log has one line when a backend cannot be reached any more, and one when it can again", async () => {
  const { clock, faults, dial, logged } = setUp(["10.0.0.1:80", "10.0.0.2:80"]);
  await dial();
  assert.deepEqual(logged(), []);
  faults.set("10.0.0.1:80", "refused");
  await Promise.all([dial(), dial()]);
  clock.advance(500);
  await dial();
  assert.deepEqual(logged(), [
    "warning: cannot reach 10.0.0.1:80: it was refused; it is tried last for a while",
  ]);
  faults.clear();
  clock.advance(1000);
  await dial();
  await dial();
  assert.deepEqual(logged(), ["info: 10.0.0.1:80 can be reached again"]);
});

Deno.test("a shortage of sluice's own is not told of a backend", async () => {
  const { faults, dial, logged } = setUp(["10.0.0.1:80"]);
  faults.set("10.0.0.1:80", "exhausted");
  failed(await dial());
  assert.deepEqual(logged(), []);
});
