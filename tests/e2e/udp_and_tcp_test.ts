/**
 * Both transports on one port.
 */
import assert from "node:assert/strict";
import { testWithTools } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { getByHttp3, HTTP3_TOOLS, identity, startHttp3 } from "./quic_servers.ts";
import { startNginx } from "./servers.ts";
import { startSluice } from "./sluice.ts";

testWithTools(
  "a site is on one port by HTTPS and by HTTP/3, with one name",
  ["curl", ...HTTP3_TOOLS, "nginx"],
  async (scope) => {
    const name = "site.example";
    const { folder } = await identity(scope, name);
    const certificate = { key: `${folder}/key.pem`, cert: `${folder}/cert.pem` };
    const { site } = await startNginx(scope, { site: { says: "by TCP", certificate } });
    const files = await scope.folder();
    await Deno.writeTextFile(`${files}/index.html`, "by UDP");
    const http3 = await startHttp3(scope, { folder }, files);
    const port = freePortOfBoth();
    const sluice = await startSluice(
      scope,
      `
      listen_address_v4 = "127.0.0.1"
      listen_port = ${port}
      udp_idle_lifetime = "1s"
      [protocols.site]
      protocol = "tls"
      server_names = ["${name}"]
      target = ["127.0.0.1:${site}"]
      [protocols.site_http3]
      protocol = "quic"
      server_names = ["${name}"]
      target = ["127.0.0.1:${http3.port}"]
      `,
    );
    const { stdout, stderr } = await scope.run("curl", [
      ...["-sS", "--max-time", "20", "--noproxy", "*", "--cacert", certificate.cert],
      ...["--resolve", `${name}:${port}:127.0.0.1`, `https://${name}:${port}/`],
    ]);
    assert.equal(stdout, "by TCP\n", stderr);
    const answer = await getByHttp3(scope, port, name, "index.html");
    assert.equal(new TextDecoder().decode(answer.body), "by UDP", answer.stderr);
    for (const [transport, route] of [["tcp", "site"], ["udp", "site_http3"]]) {
      const line = await sluice.accessLine(new RegExp(`"transport":"${transport}"`));
      assert.deepEqual([line.route, line.server_name], [route, name]);
    }
  },
);
