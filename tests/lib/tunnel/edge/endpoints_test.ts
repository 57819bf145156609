import assert from "node:assert/strict";
import type { AgentConfig, EdgeConfig } from "../../../../lib/config/config.ts";
import { parsePorts } from "../../../../lib/config/port_ranges.ts";
import { NetError } from "../../../../lib/runtime/runtime.ts";
import { Timeouts } from "../../../../lib/timeouts.ts";
import { type Claim, Endpoints } from "../../../../lib/tunnel/edge/endpoints.ts";
import type { MessageOf } from "../../../../lib/tunnel/messages.ts";
import { ManualClock } from "../../../support/clock.ts";

const GRACE = 60_000;

function agentOf(id: string, changes: Partial<AgentConfig> = {}): AgentConfig {
  return { id, tokenHashes: [], names: ["*"], maxNames: 10, ...changes };
}

const alice = agentOf("alice", { names: ["blog", "dev-*"], ports: parsePorts("20000-20002") });
const bob = agentOf("bob");

function edgeOf(agents: readonly AgentConfig[], changes: Partial<EdgeConfig> = {}): EdgeConfig {
  return {
    domain: "t.example",
    addresses: ["0.0.0.0"],
    listeners: ["default"],
    ports: parsePorts("20000-20005"),
    insecure: false,
    gracePeriod: GRACE,
    agents,
    ...changes,
  };
}

/** Endpoints whose servers are words, and whose ports are numbers in a set. */
class Held {
  readonly clock = new ManualClock();
  readonly open = new Set<string>();
  readonly refused = new Set<number>();
  readonly endpoints: Endpoints<string>;

  constructor(config = edgeOf([alice, bob])) {
    this.endpoints = new Endpoints<string>(config, {
      timeouts: new Timeouts(this.clock),
      random: () => 0,
      openPort: ({ kind, place }) => {
        if (this.refused.has(Number(place))) {
          throw new NetError("in_use", "another process listens there");
        }
        this.open.add(`${kind} ${place}`);
        return () => this.open.delete(`${kind} ${place}`);
      },
    });
  }

  claim(agent: AgentConfig, wanted: Omit<MessageOf<"open">, "type" | "endpoint">): Claim<string> {
    return this.endpoints.claim(agent, { type: "open", endpoint: 1, ...wanted });
  }

  /** Claims, and serves what was got; gives the place, or the code of the refusal. */
  serve(
    agent: AgentConfig,
    wanted: Omit<MessageOf<"open">, "type" | "endpoint">,
    server = agent.id,
  ): string | number {
    const claim = this.claim(agent, wanted);
    if (!claim.ok) return claim.code;
    this.endpoints.join(claim.endpoint, server);
    return claim.endpoint.place;
  }

  leave(
    kind: "http" | "tls" | "tcp" | "udp",
    place: string | number,
    server: string,
    isGivenUp = false,
  ) {
    const endpoint = this.endpoints.get(kind, place);
    assert.ok(endpoint);
    this.endpoints.leave(endpoint, server, isGivenUp);
  }
}

Deno.test("an agent gets the names that it may have, and no others", () => {
  const held = new Held();
  assert.equal(held.serve(alice, { kind: "http", name: "blog" }), "blog");
  assert.equal(held.serve(alice, { kind: "tls", name: "dev-1" }), "dev-1");
  assert.equal(held.serve(alice, { kind: "http", name: "admin" }), "name_not_allowed");
  assert.equal(held.serve(alice, { kind: "http", name: "Blog" }), "name_invalid");
  assert.equal(held.serve(alice, { kind: "http", name: "a.blog" }), "name_invalid");
  const claim = held.claim(alice, { kind: "http", name: "admin" });
  assert.ok(!claim.ok);
  assert.equal(claim.message, 'agent alice may not have "admin": its names are blog, dev-*');
});

Deno.test("a name belongs to who claimed it, whatever it is for", () => {
  const held = new Held();
  assert.equal(held.serve(bob, { kind: "http", name: "blog" }), "blog");
  assert.equal(held.serve(alice, { kind: "http", name: "blog" }), "name_taken");
  assert.equal(held.serve(alice, { kind: "tls", name: "blog" }), "name_taken");
  assert.equal(held.serve(bob, { kind: "tls", name: "blog" }), "blog");
});

Deno.test("processes of one agent serve a name together", () => {
  const held = new Held();
  held.serve(alice, { kind: "http", name: "blog" }, "one");
  held.serve(alice, { kind: "http", name: "blog" }, "other");
  assert.deepEqual([...held.endpoints.get("http", "blog")?.servers ?? []], ["one", "other"]);
});

Deno.test("who asks for no name gets one that is free, and the same again", () => {
  const held = new Held();
  const name = held.serve(alice, { kind: "http" });
  assert.equal(name, "agile-acorn");
  assert.equal(held.serve(alice, { kind: "http", name, generated: true }), name);
  // Another one that says it had the name gets another one.
  const other = new Held(edgeOf([alice, bob]));
  other.serve(bob, { kind: "http" });
  assert.equal(
    other.serve(alice, { kind: "http", name: "agile-acorn", generated: true }),
    "agile-acorn-1000",
  );
});

Deno.test("that a name was the edge's choice is believed of names that it chooses alone", () => {
  const held = new Held();
  assert.equal(
    held.serve(alice, { kind: "http", name: "admin", generated: true }),
    "agile-acorn",
  );
});

Deno.test("the edge gives nobody a name that the configuration has for somebody", () => {
  const held = new Held(edgeOf([alice, agentOf("eve", { names: ["agile-acorn"] })]));
  assert.equal(held.serve(alice, { kind: "http" }), "agile-acorn-1000");
});

Deno.test("an agent gets the ports that it may have, and no others", () => {
  const held = new Held();
  assert.equal(held.serve(alice, { kind: "tcp", port: 20_001 }), 20_001);
  assert.equal(held.serve(alice, { kind: "udp", port: 20_001 }), 20_001);
  assert.equal(held.serve(alice, { kind: "tcp", port: 20_003 }), "port_not_allowed");
  assert.equal(held.serve(bob, { kind: "tcp", port: 20_003 }), "port_not_allowed");
  assert.deepEqual([...held.open], ["tcp 20001", "udp 20001"]);
});

Deno.test("a free port is one that is no other agent's own", () => {
  const held = new Held();
  const ports = [1, 2, 3, 4].map(() => held.serve(bob, { kind: "tcp" }));
  assert.deepEqual(ports, [20_003, 20_004, 20_005, "no_free_port"]);
  assert.equal(held.serve(alice, { kind: "tcp" }), 20_000);
});

Deno.test("who had a free port gets it again", () => {
  const held = new Held();
  held.serve(bob, { kind: "tcp" });
  assert.equal(held.serve(bob, { kind: "tcp", port: 20_005, generated: true }), 20_005);
  assert.equal(held.serve(bob, { kind: "tcp", port: 20_000, generated: true }), 20_004);
});

Deno.test("a port that the system does not give is told, and passed over where any would do", () => {
  const held = new Held();
  held.refused.add(20_000);
  const claim = held.claim(alice, { kind: "tcp", port: 20_000 });
  assert.ok(!claim.ok);
  assert.deepEqual([claim.code, claim.message], [
    "port_taken",
    "port 20000 cannot be had: another process listens there",
  ]);
  assert.equal(held.serve(alice, { kind: "tcp" }), 20_001);
});

Deno.test("an agent has no more names and ports than it may have; what it has twice counts once", () => {
  const held = new Held();
  const few = agentOf("few", { maxNames: 2 });
  held.serve(few, { kind: "http", name: "a" });
  held.serve(few, { kind: "http", name: "a" }, "other");
  assert.equal(held.serve(few, { kind: "tcp" }), 20_003);
  assert.equal(held.serve(few, { kind: "http", name: "b" }), "limit");
  assert.equal(held.serve(few, { kind: "tcp" }), "limit");
  held.leave("tcp", 20_003, "few", true);
  assert.equal(held.serve(few, { kind: "http", name: "b" }), "b");
});

Deno.test("what the edge has no listener or no ports for is not served", () => {
  const held = new Held(edgeOf([bob], { listeners: [], ports: [] }));
  for (const kind of ["http", "tls", "tcp", "udp"] as const) {
    assert.equal(held.serve(bob, { kind }), "not_served");
  }
});

Deno.test("the place of an agent that is gone is kept for it, for a while", () => {
  const held = new Held();
  held.serve(bob, { kind: "http", name: "blog" });
  held.serve(bob, { kind: "tcp" });
  held.leave("http", "blog", "bob");
  held.leave("tcp", 20_003, "bob");
  held.clock.advance(GRACE - 1);
  assert.equal(held.serve(alice, { kind: "http", name: "blog" }), "name_taken");
  assert.equal(held.endpoints.get("http", "blog")?.servers.size, 0);
  assert.equal(held.serve(bob, { kind: "http", name: "blog" }), "blog");
  held.clock.advance(1);
  assert.equal(held.open.size, 0);
  assert.equal(held.serve(alice, { kind: "http", name: "blog" }), "name_taken");
});

Deno.test("after a while, or when it is given up, the place is free", () => {
  const held = new Held();
  held.serve(bob, { kind: "http", name: "blog" });
  held.leave("http", "blog", "bob");
  held.clock.advance(GRACE);
  assert.equal(held.serve(alice, { kind: "http", name: "blog" }), "blog");
  held.leave("http", "blog", "alice", true);
  assert.equal(held.endpoints.get("http", "blog"), undefined);
});

Deno.test("a place is kept as long as one process serves it", () => {
  const held = new Held();
  held.serve(bob, { kind: "http", name: "blog" }, "one");
  held.serve(bob, { kind: "http", name: "blog" }, "other");
  held.leave("http", "blog", "one", true);
  held.clock.advance(2 * GRACE);
  assert.deepEqual([...held.endpoints.get("http", "blog")!.servers], ["other"]);
});

Deno.test("a configuration that no longer permits a place takes it from who is away", () => {
  const held = new Held();
  held.serve(alice, { kind: "http", name: "blog" });
  held.serve(alice, { kind: "http", name: "dev-1" });
  held.leave("http", "blog", "alice");
  held.leave("http", "dev-1", "alice");
  held.endpoints.configure(edgeOf([{ ...alice, names: ["dev-*"] }, bob]));
  assert.deepEqual(Array.from(held.endpoints.all, ({ place }) => place), ["dev-1"]);
  held.endpoints.configure(edgeOf([bob]));
  assert.deepEqual([...held.endpoints.all], []);
});

Deno.test("whoever leaves twice, or was never there, takes nothing from others", () => {
  const held = new Held();
  held.serve(bob, { kind: "http", name: "blog" }, "one");
  held.leave("http", "blog", "other", true);
  assert.equal(held.endpoints.get("http", "blog")?.servers.size, 1);
});

Deno.test("the end of the edge closes every port", () => {
  const held = new Held();
  held.serve(bob, { kind: "tcp" });
  held.serve(bob, { kind: "udp" });
  held.endpoints.close();
  assert.equal(held.open.size, 0);
  assert.equal(held.clock.pending, 0);
});
