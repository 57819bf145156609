/**
 * Answers leave from the address that was asked, which clients check.
 */
import assert from "node:assert/strict";
import { testWithTools } from "../support/children.ts";
import { bound, freePortOfBoth } from "../support/udp_ports.ts";
import { startSluice } from "./sluice.ts";
import { Namespace, NAMESPACE_TOOLS } from "./udp_namespace.ts";

testWithTools(
  "dig gets its answer from the address that it asked, whichever it is of a machine with many",
  ["dig", "dnsmasq", ...NAMESPACE_TOOLS],
  async (scope) => {
    const network = await Namespace.make(scope);
    const addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"];
    for (const address of addresses) {
      await network.run("ip", "address", "add", address, "dev", "lo");
    }
    const dns = network.start("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file", ...[
      ...["--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces"],
      ...["--port=1053", "--address=/#/192.0.2.99"],
    ]);
    await bound(1053, dns);
    const port = freePortOfBoth();
    await startSluice(
      scope,
      `
      listen_port = ${port}
      listen_ipv6 = true
      udp_target = ["127.0.0.1:1053"]
      `,
      { under: network.entrance },
    );
    for (const address of ["127.0.0.1", "::1", ...addresses]) {
      const there = ["-p", `${port}`, "+short", "+time=2", "+tries=1", `@${address}`];
      assert.equal(await network.run("dig", ...there, "a.example"), "192.0.2.99", address);
    }
  },
);
