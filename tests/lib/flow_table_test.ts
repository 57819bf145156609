import assert from "node:assert/strict";
import fc from "fast-check";
import { FlowTable, type LiveFlow, PeerMap, Place, TICK } from "../../lib/flow_table.ts";
import type { Peer, ReplySocket } from "../../lib/runtime/runtime.ts";
import { ManualClock } from "../support/clock.ts";

const SOCKET: ReplySocket = {
  local: { address: "127.0.0.1", port: 53 },
  isFull: false,
  send: () => undefined,
};
const NOTHING = { up: 0, down: 0, datagramsUp: 0, datagramsDown: 0 };

class TestFlow implements LiveFlow {
  readonly at = SOCKET;
  readonly peer;
  readonly place: Place;
  unproven: Place | undefined = new Place(this, 0);
  readonly traffic = NOTHING;
  endedAt: number | undefined;

  constructor(
    port: number,
    lifetime: number,
    private readonly table: FlowTable,
    private readonly clock: ManualClock,
  ) {
    this.peer = { hostname: "192.0.2.1", port };
    this.place = new Place(this, lifetime);
  }

  request(): undefined {
    if (this.place.heard !== this.table.now) this.table.refresh(this);
  }

  end(): void {
    this.endedAt = this.clock.now();
    this.table.remove(this);
  }
}

function setUp() {
  const clock = new ManualClock();
  const table = new FlowTable(clock);
  const add = (port: number, lifetime: number) => {
    const flow = new TestFlow(port, lifetime, table, clock);
    table.add(flow);
    return flow;
  };
  return { clock, table, add };
}

Deno.test("a flow is found by who sends to where, and by nobody else", () => {
  const { table, add } = setUp();
  const flow = add(1, 1000);
  assert.equal(table.get(SOCKET, { hostname: "192.0.2.1", port: 1 }), flow);
  assert.equal(table.get(SOCKET, { hostname: "192.0.2.1", port: 2 }), undefined);
  assert.equal(table.get(SOCKET, { hostname: "192.0.2.2", port: 1 }), undefined);
  assert.equal(table.get({ ...SOCKET }, { hostname: "192.0.2.1", port: 1 }), undefined);
  table.remove(flow);
  assert.equal(table.get(SOCKET, { hostname: "192.0.2.1", port: 1 }), undefined);
  assert.equal(table.size, 0);
});

Deno.test("without flows no timer is set", () => {
  const { clock, table, add } = setUp();
  assert.equal(clock.pending, 0);
  const flow = add(1, 0);
  assert.equal(clock.pending, 1);
  table.remove(flow);
  assert.equal(clock.pending, 0);
});

Deno.test("whatever is heard when, no flow ends before its lifetime, and none later than two ticks behind it", () => {
  const step = fc.record({ after: fc.nat(30_000).map((tenths) => tenths / 10), flow: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, add, table } = setUp();
      const flows = Array.from({ length: 10 }, (_, i) => add(i, [1000, 5000, 0][i % 3]!));
      const heard = flows.map(() => 0);
      const pass = (ms: number) => {
        for (let left = ms; left > 0; left -= 50) clock.advance(Math.min(50, left));
      };
      for (const { after, flow } of [...steps, { after: 7000, flow: 0 }]) {
        pass(after);
        if (flows[flow]!.endedAt !== undefined) continue;
        flows[flow]!.request();
        heard[flow] = clock.now();
      }
      for (const [i, { endedAt, place: { lifetime } }] of flows.entries()) {
        if (lifetime === 0) {
          assert.equal(endedAt, undefined);
        } else if (endedAt !== undefined) {
          const silence = endedAt - heard[i]!;
          assert.ok(silence >= lifetime && silence <= lifetime + 2 * TICK, `${i}: ${silence}`);
        } else {
          assert.ok(clock.now() - heard[i]! <= lifetime + 2 * TICK);
        }
      }
      for (const flow of [...table.all()]) flow.end("drained");
    }),
  );
});

Deno.test("no datagram and no tick looks through the flows: at the first of a lifetime alone", () => {
  const { clock, table, add } = setUp();
  let looks = 0;
  const flows = Array.from({ length: 1000 }, (_, port) => add(port, 60_000));
  for (const { place } of flows) {
    let { heard } = place;
    Object.defineProperty(place, "heard", {
      get: () => (looks++, heard),
      set: (now: number) => heard = now,
    });
  }
  for (let i = 1; i <= 100; i++) {
    clock.advance(TICK);
    const [flow] = flows.splice(0, 1);
    assert.equal(table.get(SOCKET, flow!.peer), flow);
    flow!.request();
  }
  assert.ok(looks <= 300, `${looks}`);
  for (const flow of [...table.all()]) flow.end("drained");
});

Deno.test("many flows that end together end in batches, with turns for everybody else between them", () => {
  const { clock, table, add } = setUp();
  for (let port = 0; port < 1000; port++) add(port, 1000);
  for (let i = 0; i < 4; i++) clock.advance(TICK);
  assert.equal(table.size, 1000);
  clock.advance(TICK);
  const left = [table.size];
  while (table.size > 0) {
    clock.advance(1);
    left.push(table.size);
  }
  assert.ok(left.length > 5, `${left}`);
  const sizes = left.slice(1).map((size, i) => left[i]! - size);
  assert.ok(Math.max(...sizes) <= 32, `${sizes}`);
});

Deno.test("where every tick is late, flows end nevertheless", () => {
  const { clock, table, add } = setUp();
  add(1, 1000);
  for (let i = 0; i < 20; i++) clock.stall(2000);
  assert.equal(table.size, 0);
});

Deno.test("the flows whose clients have not answered are known in the order of their coming", () => {
  const { table, add } = setUp();
  const [a, b, c] = [add(1, 1000), add(2, 1000), add(3, 1000)];
  assert.equal(table.oldestUnproven, a);
  table.prove(a);
  assert.equal(table.oldestUnproven, b);
  table.remove(b);
  assert.equal(table.oldestUnproven, c);
  table.prove(c);
  assert.equal(table.oldestUnproven, undefined);
  for (const flow of [a, c]) table.remove(flow);
});

Deno.test("a map of peers is a map", () => {
  const sockets = [SOCKET, { ...SOCKET }];
  const key = fc.record({
    socket: fc.nat(1),
    hostname: fc.constantFrom("a", "b"),
    port: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(fc.record({ key, add: fc.boolean() })), (steps) => {
      const map = new PeerMap<{ readonly peer: Peer }>();
      const model = new Map<string, { readonly peer: Peer }>();
      for (const { key, add } of steps) {
        const text = JSON.stringify(key);
        const at = sockets[key.socket]!;
        assert.equal(map.get(at, key), model.get(text));
        if (add && !model.has(text)) {
          const value = { peer: { ...key } };
          map.add(at, value);
          model.set(text, value);
        } else if (!add) {
          map.delete(at, key);
          model.delete(text);
        }
        assert.equal(map.size, model.size);
        assert.deepEqual(new Set(map.values()), new Set(model.values()));
      }
    }),
  );
});
