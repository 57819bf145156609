/**
 * Many visitors at once through edge and agent, and many names at once.
 */
import assert from "node:assert/strict";
import { testWithTools, until } from "../support/children.ts";
import { Client } from "./client.ts";
import { DOMAIN, Edge, endpoint, startAgent } from "./tunnel.ts";

const VISITORS = 500;
const NAMES = 50;

testWithTools(
  `${VISITORS} visitors are served at once by one name, and ${NAMES} names at once; then nothing is left over`,
  [],
  async (scope) => {
    // Nobody is answered before everybody has asked.
    let asked = 0;
    let all = Promise.withResolvers<void>();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        if (++asked === VISITORS) all.resolve();
        await all.promise;
        return new Response(`for ${new URL(request.url).hostname}`);
      },
    );
    scope.atEnd(() => void server.shutdown());
    const edge = await Edge.start(scope, { top: "tcp_max_connections = 4096" });
    const names = Array.from({ length: NAMES }, (_, i) => `name-${i}`);
    const endpoints = names.map((name) => endpoint("http", server.addr.port, name)).join("");
    const agent = await startAgent(scope, edge, endpoints);
    const idle = { edge: edge.sluice.descriptors, agent: agent.descriptors };

    const visit = async (name: string) => {
      const visitor = await Client.connect(scope, edge.port);
      await visitor.send(`GET / HTTP/1.1\r\nHost: ${name}.${DOMAIN}\r\nConnection: close\r\n\r\n`);
      const { text, end } = await visitor.rest();
      visitor.close();
      assert.deepEqual([text.slice(0, 15), text.split("\r\n\r\n")[1], end], [
        "HTTP/1.1 200 OK",
        `for ${name}.${DOMAIN}`,
        "closed",
      ]);
    };
    await Promise.all(Array.from({ length: VISITORS }, () => visit("name-0")));
    assert.equal(asked, VISITORS);

    asked = VISITORS - NAMES;
    all = Promise.withResolvers<void>();
    await Promise.all(names.map(visit));

    // What stands ready for the next crowd, and what is free for it: no more than this of each.
    const ready = 2 * 128 + 10;
    await until(
      "the rest is gone",
      () => edge.sluice.descriptors <= idle.edge + ready && agent.descriptors <= idle.agent + ready,
    );
  },
);
