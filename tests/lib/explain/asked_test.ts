import assert from "node:assert/strict";
import { AddressSet } from "../../../lib/acl.ts";
import { connectionOf } from "../../../lib/explain/asked.ts";
import { parseProxyHeader } from "../../../lib/proxy_protocol.ts";
import { http } from "../../../probes/http.ts";
import { tls } from "../../../probes/tls.ts";
import { listenerWith } from "../../support/routes.ts";

const DIRECT = listenerWith({});
const PROXIED = listenerWith({ trustedProxies: new AddressSet([]) });
const CLIENT = { address: "192.0.2.1", port: 7 };

Deno.test("a server name and ALPN are said in a ClientHello, a host in a request", () => {
  const secure = tls(
    connectionOf({ serverName: "a.example", alpns: ["h2"] }, undefined, DIRECT).head,
    false,
  );
  assert(secure.kind === "match");
  assert.equal(secure.facts.serverName, "a.example");
  assert.deepEqual(secure.facts.alpns, ["h2"]);
  assert.equal(tls(connectionOf({ alpns: ["h2"] }, undefined, DIRECT).head, false).kind, "match");
  const plain = http(connectionOf({ host: "a.example:8080" }, undefined, DIRECT).head, false);
  assert.equal(plain.kind === "match" && plain.facts.host, "a.example");
});

Deno.test("who says nothing is a silent client", () => {
  assert.deepEqual(connectionOf({}, CLIENT, DIRECT), {
    head: new Uint8Array(),
    ended: false,
    peer: CLIENT,
  });
});

Deno.test("a host and a server name are not said at once", () => {
  for (const said of [{ host: "a", serverName: "a" }, { host: "a", alpns: ["h2"] }]) {
    assert.throws(() => connectionOf(said, undefined, DIRECT), {
      name: "SyntaxError",
      message: /a Host inside TLS is encrypted/,
    });
  }
});

Deno.test("where a PROXY header must come first, a proxy sends it for the client", () => {
  const { head, peer } = connectionOf({ host: "a.example" }, CLIENT, PROXIED);
  assert.equal(peer, undefined);
  const result = parseProxyHeader(head, false);
  assert(result.kind === "match");
  assert.deepEqual(result.header.source, CLIENT);
  assert.deepEqual(result.header.destination, { address: "127.0.0.1", port: 8443 });
  assert.equal(http(head.subarray(result.header.length), false).kind, "match");

  const unknown = parseProxyHeader(connectionOf({}, undefined, PROXIED).head, false);
  assert.equal(unknown.kind === "match" && unknown.header.source, undefined);
});
