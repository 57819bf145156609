/**
 * The agent and the edge themselves, with each other.
 */
import assert from "node:assert/strict";
import { Resolver } from "../../../../lib/resolver.ts";
import { Timeouts } from "../../../../lib/timeouts.ts";
import { Agent } from "../../../../lib/tunnel/agent/agent.ts";
import type { AgentConfig } from "../../../../lib/tunnel/agent/config.ts";
import { endpoint, MemoryJournal, TAP } from "../../../support/agent_rig.ts";
import { ALICE, EDGE, edgeFile, EdgeRig } from "../../../support/edge_rig.ts";
import { memoryPin } from "../../../support/memory_tls.ts";
import { ask, named, settled } from "../../../support/rig.ts";

const HTTP = endpoint({ label: "blog", kind: "http", name: "blog" });
const TCP = endpoint({ label: "shell", port: 20_001 });
const SECURE = edgeFile();
const INSECURE = SECURE.replace(/^(certificate|private_key) = .*$/gm, "").replace(
  "[edge]",
  "[edge]\ninsecure = true",
);

for (
  const [what, file, trust] of [
    ["over TLS", SECURE, { kind: "pin", sha256: memoryPin("c") }],
    ["without TLS, where both were told so", INSECURE, undefined],
  ] as const
) {
  Deno.test(`visitors come through edge and agent ${what}, as many as there are, and again`, async () => {
    const rig = new EdgeRig();
    await rig.apply(file);
    const { clock, net, tls } = rig;
    const config: AgentConfig = {
      edge: { host: EDGE.address, port: EDGE.port },
      token: ALICE,
      ...trust && { trust },
      endpoints: [HTTP, TCP],
      inspector: "none",
    };
    const silent = { info: () => {}, warning: () => {} };
    const timeouts = new Timeouts(clock);
    const journal = new MemoryJournal();
    const agent = new Agent(config, {
      net,
      tls,
      clock,
      timeouts,
      resolver: new Resolver(
        () => Promise.reject(new Error()),
        clock,
        { minTtl: 0, maxTtl: 0 },
        silent,
      ),
      random: () => 0,
      journal,
      software: "sluice under test",
      tapOf: () => TAP,
    });
    const ended = agent.run();
    const service = net.listen({ address: "127.0.0.1", port: 3000, backlog: 16 });
    (async () => {
      for (;;) void named("the service")(await service.accept());
    })().catch(() => {});
    for (let i = 0; i < 5; i++) await settled();
    assert.deepEqual(journal.take(), ["serving http://blog.t.example tcp://t.example:20001"]);

    const request = "GET / HTTP/1.1\r\nHost: blog.t.example\r\n\r\n";
    for (let round = 0; round < 2; round++) {
      const visitors = await Promise.all(
        Array.from(
          { length: 10 },
          (_, i) => rig.visitor(i % 2 ? { ...EDGE, port: 20_001 } : undefined),
        ),
      );
      const answers = await Promise.all(visitors.map((visitor) => ask(visitor, request)));
      assert.deepEqual(answers, visitors.map(() => `the service:${request}`));
      for (const visitor of visitors) visitor.close();
      for (let i = 0; i < 10; i++) assert.equal((await rig.record()).reason, "ended");
    }
    await agent.leave();
    assert.deepEqual(await ended, { kind: "left" });
    await service.close();
    await rig.close();
    timeouts.close();
  });
}
