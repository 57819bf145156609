/**
 * What a tunnel lives through: either end killed, the link cut, services that are down; and whom it refuses.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../lib/runtime/clock.ts";
import { NodeTls } from "../../lib/runtime/node_tls.ts";
import { createToken } from "../../lib/tunnel/auth.ts";
import { Channel } from "../../lib/tunnel/channel.ts";
import { ALPN } from "../../lib/tunnel/messages.ts";
import { certificate, pinOf } from "../support/certificates.ts";
import { type Scope, testWithTools, until } from "../support/children.ts";
import { Client } from "./client.ts";
import { Link } from "./link.ts";
import { agentFile, BOB, Edge, endpoint, expose, get, runAgent, startAgent } from "./tunnel.ts";

/** A web site that says hello. */
function startSite(scope: Scope, port = 0): { readonly port: number; close(): Promise<void> } {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    () => new Response("hello"),
  );
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await server.shutdown();
  };
  scope.atEnd(() => void close());
  return { port: server.addr.port, close };
}

/** A service that sends back every line. */
function startEcho(scope: Scope): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  scope.atEnd(() => listener.close());
  (async () => {
    for await (const conn of listener) {
      conn.readable.pipeTo(conn.writable).catch(() => {});
    }
  })().catch(() => {});
  return listener.addr.port;
}

testWithTools(
  "an agent that is killed is away for a while, and back when it is started again",
  ["curl"],
  async (scope) => {
    const site = startSite(scope);
    const edge = await Edge.start(scope);
    const agent = await startAgent(scope, edge, endpoint("http", site.port, "blog"));
    assert.equal((await get(scope, edge, "blog")).body, "hello");
    agent.child.signal("SIGKILL");
    await edge.sluice.says(/agent alice is gone/);
    const away = await get(scope, edge, "blog");
    assert.equal(away.status, 503);
    assert.match(away.body, /It comes back by itself/);
    await startAgent(scope, edge, endpoint("http", site.port, "blog"));
    assert.equal((await get(scope, edge, "blog")).body, "hello");
  },
);

testWithTools(
  "an edge that is killed is found again when it is there, and names and ports are as before",
  ["curl"],
  async (scope) => {
    const site = startSite(scope);
    const edge = await Edge.start(scope);
    // Which name it is the edge says.
    const agent = await runAgent(
      scope,
      edge,
      `[endpoints.any]\nkind = "http"\nservice = ${site.port}\n` +
        endpoint("tcp", startEcho(scope), edge.ports[0]!),
    );
    const [address = ""] = await agent.serving(2);
    const name = /^http:\/\/([a-z]+-[a-z]+)\./.exec(address)?.[1] ?? "";
    assert.equal((await get(scope, edge, name)).body, "hello");
    const idle = agent.descriptors;
    edge.sluice.child.signal("SIGKILL");
    await agent.trouble("away", /refused/);
    await edge.run();
    await agent.trouble("back");
    assert.equal((await get(scope, edge, name)).body, "hello");
    const visitor = await Client.connect(scope, edge.ports[0]!);
    assert.equal(await visitor.ask("still there?"), "still there?");
    visitor.close();
    await until("nothing is left over", () => agent.descriptors <= idle + 4);
  },
);

testWithTools(
  "a link that is cut for longer than silence is borne: both ends let go, and come together again by themselves",
  ["curl"],
  async (scope) => {
    const site = startSite(scope);
    const edge = await Edge.start(scope);
    const link = new Link(scope, edge.agentPort);
    const agent = await startAgent(
      scope,
      edge,
      endpoint("http", site.port, "blog") + endpoint("tcp", startEcho(scope), edge.ports[0]!),
      { at: link.port },
    );
    const before = { agent: agent.descriptors, edge: edge.sluice.descriptors };
    const visitor = await Client.connect(scope, edge.ports[0]!);
    assert.equal(await visitor.ask("hello?"), "hello?");
    link.cut();
    await agent.trouble("away", /silent for 15 s/);
    await edge.sluice.says(/agent alice is gone: it was silent for 15 s/);
    assert.equal((await get(scope, edge, "blog")).status, 503);
    assert.equal((await visitor.rest()).text, "");
    visitor.close();
    link.mend();
    await agent.trouble("back");
    assert.equal((await get(scope, edge, "blog")).body, "hello");
    await until(
      "nothing is left over",
      () => agent.descriptors <= before.agent + 4 && edge.sluice.descriptors <= before.edge + 4,
    );
  },
);

testWithTools(
  "visitors go on when the control channel breaks, and new ones come as soon as there is another",
  [],
  async (scope) => {
    const edge = await Edge.start(scope);
    const link = new Link(scope, edge.agentPort);
    const shell = endpoint("tcp", startEcho(scope), edge.ports[0]!);
    const agent = await startAgent(scope, edge, shell, { at: link.port });
    const visitor = await Client.connect(scope, edge.ports[0]!);
    assert.equal(await visitor.ask("before"), "before");
    // The control channel is the first that an agent opens.
    link.breakFirst();
    await agent.trouble("away");
    await agent.trouble("back");
    assert.equal(await visitor.ask("after"), "after");
    const next = await Client.connect(scope, edge.ports[0]!);
    assert.equal(await next.ask("next"), "next");
  },
);

testWithTools(
  "a service that is down is told to visitors and, once, to the agent's user; the agent stays",
  ["curl"],
  async (scope) => {
    const site = startSite(scope);
    const edge = await Edge.start(scope);
    const agent = await startAgent(
      scope,
      edge,
      endpoint("http", site.port, "blog") + endpoint("tcp", site.port, edge.ports[0]!),
    );
    assert.equal((await get(scope, edge, "blog")).status, 200);
    await site.close();
    for (let i = 0; i < 2; i++) {
      const { status, body } = await get(scope, edge, "blog");
      assert.equal(status, 502);
      assert.match(body, new RegExp(`127\\.0\\.0\\.1:${site.port}: Connection refused`));
    }
    const visitor = await Client.connect(scope, edge.ports[0]!);
    assert.deepEqual(await visitor.rest(), { text: "", end: "closed" });
    visitor.close();
    await agent.trouble("service_failed", /tcp-/);
    startSite(scope, site.port);
    assert.equal((await get(scope, edge, "blog")).status, 200);
    await agent.trouble("service_answers", /http-blog/);
    assert.equal(agent.child.stderr.count(/service_failed.*http-blog/), 1);
  },
);

testWithTools(
  "who has the wrong token, or another certificate before him, exits with 1 and says why",
  [],
  async (scope) => {
    const edge = await Edge.start(scope);
    const other = await Edge.start(scope);
    const web = endpoint("http", 1, "blog");
    for (
      const [options, why] of [
        [{ token: createToken("alice") }, /does not know the token of agent \\"alice\\"/],
        [{ token: createToken("nobody") }, /does not know the token of agent \\"nobody\\"/],
        // As if somebody stood in between, who has to have a certificate of his own.
        [{ pin: other.pin }, /not to be trusted: .*the certificate is another one/],
      ] as const
    ) {
      const agent = await runAgent(scope, edge, web, options);
      assert.equal(await agent.child.code, 1);
      await agent.trouble("warning", why);
    }
    const args = ["http", "3000", "--edge", "127.0.0.1", "--token", "alice.secret"];
    const told = expose(scope, args);
    assert.equal(await told.child.code, 2);
    await told.child.stderr.next(/can be read by every user of this machine/);
  },
);

testWithTools(
  "an edge that speaks another version is not come back to",
  [],
  async (scope) => {
    const edge = await Edge.start(scope);
    const tls = new NodeTls(systemClock);
    const mine = await certificate();
    const listener = await tls.listen({ address: "127.0.0.1", port: 0, backlog: 1 });
    const agent = await runAgent(scope, edge, endpoint("tcp", 1, edge.ports[0]!), {
      at: listener.address.port,
      pin: pinOf(mine).toHex(),
    });
    const plain = await listener.accept();
    const options = { certificate: mine.cert, privateKey: mine.key, alpn: ALPN, timeout: 5000 };
    const channel = new Channel(await tls.accept(plain, options), "agent");
    assert.equal((await channel.hear())?.type, "hello");
    const message = "this edge speaks version 2 of the protocol, the agent version 1";
    await channel.say({ type: "goodbye", code: "version", message });
    assert.equal(await agent.child.code, 1);
    await agent.trouble("warning", /speaks version 2/);
    channel.close();
    await listener.close();
    tls.close();
  },
);

testWithTools(
  "a token that is revoked by a reload cuts its visitors and ends its agent; others stay",
  ["curl"],
  async (scope) => {
    const edge = await Edge.start(scope);
    const site = startSite(scope);
    const agent = await startAgent(
      scope,
      edge,
      endpoint("tcp", startEcho(scope), edge.ports[0]!),
    );
    await startAgent(scope, edge, endpoint("http", site.port, "blog"), { token: BOB });
    const visitor = await Client.connect(scope, edge.ports[0]!);
    assert.equal(await visitor.ask("hello?"), "hello?");
    await edge.reload(edge.file([BOB]));
    assert.equal((await visitor.rest()).text, "");
    visitor.close();
    assert.equal(await agent.child.code, 1);
    await agent.trouble("warning", /no longer good/);
    assert.equal((await get(scope, edge, "blog")).body, "hello");
  },
);

testWithTools(
  "names and ports that are taken or not allowed are told with what to do, and the rest is served",
  [],
  async (scope) => {
    const edge = await Edge.start(scope, { alice: 'names = ["blog", "dev-*"]' });
    await startAgent(scope, edge, endpoint("http", 1, "blog"), { token: BOB });
    const taken = Deno.listen({ hostname: "127.0.0.1", port: edge.ports[1]! });
    scope.atEnd(() => taken.close());
    const agent = await runAgent(
      scope,
      edge,
      endpoint("http", 1, "blog") + endpoint("http", 1, "shop") +
        endpoint("tcp", 1, edge.ports[1]!) +
        endpoint("tcp", 1, edge.ports[2]!) + endpoint("http", 1, "dev-1"),
    );
    assert.match((await agent.serving())[0] ?? "", /^http:\/\/dev-1\./);
    for (
      const [label, code] of [
        ["http-blog", "name_taken"],
        ["http-shop", "name_not_allowed"],
        [`tcp-${edge.ports[1]}`, "port_taken"],
        [`tcp-${edge.ports[2]}`, "port_not_allowed"],
      ]
    ) {
      assert.equal((await agent.trouble("rejected", new RegExp(label!))).code, code);
    }
  },
);

testWithTools(
  "a file that changes is taken up: what is new is served, what did not change is not touched",
  [],
  async (scope) => {
    const edge = await Edge.start(scope);
    const [first, second] = edge.ports as [number, number];
    const shell = endpoint("tcp", startEcho(scope), first);
    const agent = await startAgent(scope, edge, shell);
    const visitor = await Client.connect(scope, first);
    assert.equal(await visitor.ask("before"), "before");
    await Deno.writeTextFile(agent.file, agentFile(edge, `${shell}[endpoints.x]\nkind = "tcq"\n`));
    await agent.trouble("warning", /did you mean .*tcp/);
    const more = shell + endpoint("tcp", startEcho(scope), second);
    await Deno.writeTextFile(agent.file, agentFile(edge, more));
    await agent.serving(2);
    await agent.trouble("note", /taken up/);
    assert.equal(await visitor.ask("after"), "after");
    const next = await Client.connect(scope, second);
    assert.equal(await next.ask("next"), "next");
    assert.equal(edge.sluice.child.stderr.count(/agent alice is gone/), 0);

    agent.child.signal("SIGHUP");
    await agent.trouble("note", /taken up/);
    agent.child.signal("SIGTERM");
    await agent.trouble("note", /SIGTERM: 2 visitors are here, for 10 s at most/);
    assert.equal(await visitor.ask("and now?"), "and now?");
    visitor.close();
    next.close();
    assert.equal(await agent.child.code, 0);
  },
);
