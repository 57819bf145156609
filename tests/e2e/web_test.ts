/**
 * Clients of HTTP and TLS: curl and openssl against nginx, through one port.
 */
import assert from "node:assert/strict";
import { type Scope, testWithTools } from "../support/children.ts";
import { startOnePort } from "./one_port.ts";
import { makeCertificate, startNginx, startTlsServer } from "./servers.ts";

testWithTools(
  "curl reaches the site of its Host over HTTP/1.1, and that of another name over HTTP/2 in clear",
  ["curl", "nginx"],
  async (scope) => {
    const sites = await startNginx(scope, {
      web: { says: "the web site" },
      other: { says: "the HTTP/2 site", http2: true },
    });
    const { port, sluice } = await startOnePort(scope, { web: sites.web, other_web: sites.other });

    const plain = await scope.run("curl", curl(`http://web.example:${port}/page`));
    assert.equal(plain.stdout, "the web site\n", plain.stderr);
    const line = await sluice.accessLine();
    assert.deepEqual(
      [line.protocol, line.route, line.host, line.backend, line.reason],
      ["http", "web", "web.example", `127.0.0.1:${sites.web}`, "ended"],
    );
    assert.ok(line.bytes_up > "GET /page HTTP/1.1".length, `${line.bytes_up} bytes up`);
    assert.ok(line.bytes_down > "the web site\n".length, `${line.bytes_down} bytes down`);

    const [url, version] = [`http://other.example:${port}/`, ["-w", "%{http_version}"]];
    const h2c = await scope.run("curl", [...curl(url, "--http2-prior-knowledge"), ...version]);
    assert.equal(h2c.stdout, "the HTTP/2 site\n2", h2c.stderr);
    const second = await sluice.accessLine();
    assert.deepEqual([second.route, second.host], ["other_web", "other.example"]);
  },
);

testWithTools(
  "curl reaches the site of its name over TLS, with that site's own certificate",
  ["curl", "nginx", "openssl"],
  async (scope) => {
    const { a, b, sites } = await startTlsSites(scope);
    const { port, sluice } = await startOnePort(scope, { tls_a: sites.a, tls_b: sites.b });

    for (const [name, cert, says] of [["a", a.cert, "site a\n"], ["b", b.cert, "site b\n"]]) {
      const url = `https://${name}.example:${port}/`;
      const { stdout, stderr } = await scope.run("curl", curl(url, "--cacert", cert!));
      assert.equal(stdout, says, stderr);
      const line = await sluice.accessLine();
      assert.deepEqual([line.route, line.server_name], [`tls_${name}`, `${name}.example`]);
      assert.deepEqual(line.alpns, ["h2", "http/1.1"]);
    }
    // The certificates are really told apart: site b's is not one for a.
    const { code } = await scope.run(
      "curl",
      curl(`https://a.example:${port}/`, "--cacert", b.cert),
    );
    assert.equal(code, CURL.untrusted);
  },
);

testWithTools(
  "a name that no TLS entry has is closed, and not sent to the default target",
  ["curl", "nginx", "openssl"],
  async (scope) => {
    const { sites } = await startTlsSites(scope);
    const { port, sluice } = await startOnePort(scope, {
      tls_a: sites.a,
      tls_b: sites.b,
      default: sites.rest,
    });
    const { code } = await scope.run("curl", curl(`https://unknown.example:${port}/`, "-k"));
    assert.ok([CURL.handshakeFailed, CURL.reset].includes(code), `curl ended with ${code}`);
    const line = await sluice.accessLine();
    assert.deepEqual(
      [line.reason, line.protocol, line.server_name, line.route, line.backend],
      ["no_route", "tls", "unknown.example", undefined, undefined],
    );
  },
);

testWithTools(
  "a TLS entry without names takes the names that no other has",
  ["curl", "nginx", "openssl"],
  async (scope) => {
    const { a, rest, sites } = await startTlsSites(scope);
    const catchAll = `[protocols.tls_rest]\nprotocol = "tls"\ntarget = ["127.0.0.1:${sites.rest}"]`;
    const { port, sluice } = await startOnePort(scope, { tls_a: sites.a }, catchAll);
    for (
      const [name, cert, says, route] of [
        ["rest.example", rest.cert, "the rest\n", "tls_rest"],
        ["a.example", a.cert, "site a\n", "tls_a"],
      ]
    ) {
      const url = `https://${name}:${port}/`;
      const { stdout, stderr } = await scope.run("curl", curl(url, "--cacert", cert!));
      assert.equal(stdout, says, stderr);
      assert.equal((await sluice.accessLine()).route, route);
    }
  },
);

testWithTools(
  "openssl is routed by the ALPN that it offers, with hellos of every size",
  ["openssl"],
  async (scope) => {
    const certificate = await makeCertificate(scope, await scope.folder(), "dns.example");
    const server = await startTlsServer(scope, certificate, "dot");
    const { port, sluice } = await startOnePort(scope, { tls_dot: server.port });
    // As long as a post-quantum hello, and much longer than one record may be made here.
    const long = Array.from({ length: 20 }, (_, index) => `x-${index}-${"y".repeat(100)}`).join();
    for (
      const [what, alpns, options] of [
        ["a short hello", "dot", []],
        ["a hello longer than a segment of most networks", `${long},dot`, []],
        ["a hello in records of 512 bytes", `${long},dot`, ["-max_send_frag", "512"]],
        ["a hello of TLS 1.2", "dot", ["-tls1_2"]],
      ] as const
    ) {
      const { code, stdout, stderr } = await scope.run("openssl", [
        ...["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "dns.example"],
        ...["-alpn", alpns, "-CAfile", certificate.cert, "-verify_return_error", ...options],
      ]);
      assert.equal(code, 0, `${what}: ${stderr}`);
      assert.match(stdout, /subject=CN ?= ?dns\.example/, what);
      assert.match(stdout, /ALPN protocol: dot/, what);
      const line = await sluice.accessLine();
      assert.deepEqual([line.route, line.protocol], ["tls_dot", "tls"], what);
      assert.ok(line.bytes_up > alpns.length, `${what}: ${line.bytes_up} bytes up`);
    }
  },
);

/** Exit codes of curl (curl(1), EXIT CODES). */
const CURL = { handshakeFailed: 35, reset: 56, untrusted: 60 };

/** Arguments of curl for a URL whose name leads to this machine. */
function curl(url: string, ...options: readonly string[]): readonly string[] {
  const { hostname, port } = new URL(url);
  const resolve = ["--noproxy", "*", "--resolve", `${hostname}:${port}:127.0.0.1`];
  return ["-sS", "--max-time", "20", ...resolve, ...options, url];
}

/** nginx with three sites that speak TLS, and their certificates. */
async function startTlsSites(scope: Scope) {
  const folder = await scope.folder();
  const [a, b, rest] = await Promise.all([
    makeCertificate(scope, folder, "a.example"),
    makeCertificate(scope, folder, "b.example"),
    makeCertificate(scope, folder, "rest.example"),
  ]);
  const sites = await startNginx(scope, {
    a: { says: "site a", certificate: a },
    b: { says: "site b", certificate: b },
    rest: { says: "the rest", certificate: rest },
  });
  return { a, b, rest, sites };
}
