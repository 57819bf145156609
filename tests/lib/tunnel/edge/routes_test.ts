import assert from "node:assert/strict";
import { encodeProxyHeader, parseProxyHeader } from "../../../../lib/proxy_protocol.ts";
import { decide, routeTable } from "../../../../lib/routing.ts";
import { unguessable } from "../../../../lib/tunnel/auth.ts";
import { listenerOf, withEdge } from "../../../../lib/tunnel/edge/routes.ts";
import { ALPN } from "../../../../lib/tunnel/messages.ts";
import { hello as clientHello } from "../../../support/client_hello.ts";
import { bytesOf, CLIENT } from "../../../support/rig.ts";
import { configOf } from "../../config/loading.ts";

const KEY = unguessable();
const DOORS = {
  visitors: { address: "127.0.0.1", port: 1001 },
  agents: { address: "127.0.0.1", port: 1002 },
  key: KEY,
};

const FILE = `
listen_port = 443
tcp_target = ["127.0.0.1:9"]
[protocols.own]
protocol = "tls"
server_names = ["tunnel.example.com", "*.example.com"]
target = ["127.0.0.1:8"]
[protocols.web]
protocol = "http"
target = ["127.0.0.1:7"]
[listeners.private]
listen_port = 444
tcp_target = ["127.0.0.1:9"]
[edge]
domain = "tunnel.example.com"
listeners = ["default"]
`;

async function routesFor(file = FILE) {
  const { tcp: [listener] } = withEdge(await configOf(file), DOORS);
  const table = routeTable(listener!);
  return (head: Uint8Array) => {
    const decision = decide(table, head, "open");
    assert.ok(decision.kind === "forward");
    return decision.route;
  };
}

const request = (host: string) => bytesOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);

Deno.test("names below the domain lead to the edge, before all others; the rest goes where it went", async () => {
  const routeOf = await routesFor();
  const cases: ReadonlyArray<[head: Uint8Array, route: string]> = [
    [request("blog.tunnel.example.com"), "edge-http"],
    [request("tunnel.example.com"), "web"],
    [request("example.com"), "web"],
    [clientHello({ serverName: "git.tunnel.example.com" }), "edge-tls"],
    [clientHello({ serverName: "tunnel.example.com" }), "own"],
    [clientHello({ serverName: "www.example.com" }), "own"],
    [bytesOf("SSH-2.0-x\r\n"), "default"],
  ];
  for (const [head, route] of cases) assert.equal(routeOf(head).name, route);
});

Deno.test("a listener that has no entries of its own sends all others where it did without an edge", async () => {
  const edge = '[edge]\ndomain = "tunnel.example.com"\n';
  const others = [
    request("example.com"),
    clientHello({ serverName: "example.com", alpns: ["h2"] }),
    clientHello(),
    bytesOf("SSH-2.0-x\r\n"),
  ];
  const alone = await routesFor(`listen_port = 443\ntcp_target = ["127.0.0.1:9"]\n${edge}`);
  for (const head of others) assert.equal(alone(head).name, "default");
  assert.equal(alone(request("blog.tunnel.example.com")).name, "edge-http");
  const rest = 'listen_port = 443\n[protocols.rest]\nprotocol = "any"\ntarget = ["127.0.0.1:9"]\n';
  const any = await routesFor(`${rest}${edge}`);
  for (const head of others) assert.equal(any(head).name, "rest");
});

Deno.test("a listener that may take no visitors has no routes to the edge", async () => {
  const { tcp: [, other] } = withEdge(await configOf(FILE), DOORS);
  assert.deepEqual(other?.routes, []);
});

Deno.test("where a protocol has entries of the listener's own, what none of them takes is refused as before", async () => {
  const { tcp: [listener] } = withEdge(
    await configOf(FILE.replace('protocol = "http"', 'protocol = "http"\nhosts = ["a.example"]')),
    DOORS,
  );
  const decision = decide(routeTable(listener!), request("example.com"), "open");
  assert.ok(decision.kind === "reject" && decision.reason === "no_route");
});

Deno.test("agents are told by what they speak, whether they name the edge or not", async () => {
  const routeOf = await routesFor();
  const hello = (serverName?: string) =>
    routeOf(clientHello({ alpns: [ALPN], ...serverName && { serverName } })).name;
  assert.equal(hello(), "edge-agents");
  assert.equal(hello("tunnel.example.com"), "edge-agents-by-name");
  assert.equal(hello("x.tunnel.example.com"), "edge-agents-by-name");
});

Deno.test("without TLS agents cannot be told, and have no way through a listener", async () => {
  const { agents: _, ...doors } = DOORS;
  const { tcp: [listener] } = withEdge(await configOf(FILE), doors);
  assert.deepEqual(listener?.routes.map(({ name }) => name), [
    "edge-http",
    "edge-tls",
    "own",
    "web",
  ]);
});

Deno.test("what the proxy runs has no secrets of the edge but the key", async () => {
  assert.ok(!("edge" in withEdge(await configOf(FILE), DOORS)));
});

Deno.test("the header says by which listener somebody came, to who knows the key", async () => {
  const routeOf = await routesFor();
  const { action } = routeOf(request("blog.tunnel.example.com"));
  assert.ok(action.kind === "forward" && action.proxyField !== undefined);
  const header = encodeProxyHeader("v2", CLIENT, CLIENT, [action.proxyField]);
  const parsed = parseProxyHeader(header, false);
  assert.ok(parsed.kind === "match");
  assert.deepEqual(parsed.header.source, CLIENT);
  assert.equal(listenerOf(parsed.header.tlvs, KEY), "default");
  assert.equal(listenerOf(parsed.header.tlvs, unguessable()), undefined);
  assert.equal(listenerOf([], KEY), undefined);
  assert.equal(listenerOf([{ type: 0xe0, value: KEY.subarray(1) }], KEY), undefined);
  assert.equal(listenerOf([{ type: 0xe1, value: KEY }], KEY), undefined);
});

Deno.test("a route to the edge says who comes by it", async () => {
  const routeOf = await routesFor();
  const hello = (alpn: string) =>
    clientHello({ serverName: "a.tunnel.example.com", alpns: [alpn] });
  assert.equal(routeOf(request("blog.tunnel.example.com")).hop, "visitor");
  assert.equal(routeOf(hello("h2")).hop, "visitor");
  assert.equal(routeOf(hello(ALPN)).hop, "agent");
  assert.equal(routeOf(request("example.com")).hop, undefined);
});
