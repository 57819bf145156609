/**
 * What `explain` says of a capture that is still being written is what the clients in it came to.
 */
import assert from "node:assert/strict";
import { testWithTools, until } from "../support/children.ts";
import { sluiceCommand } from "./command.ts";
import { startSluice } from "./sluice.ts";
import { Namespace, NAMESPACE_TOOLS } from "./udp_namespace.ts";

const PORT = 8642;

const CONFIG = `
listen_port = ${PORT}
listen_address_v4 = "127.0.0.1"
tcp_target = ["127.0.0.1:1"]
udp_target = ["127.0.0.1:1"]
udp_idle_lifetime = "1s"

[protocols.web]
protocol = "http"
target = ["127.0.0.1:2"]

[protocols.ours]
protocol = "dns"
transport = "udp"
dns_names = ["*.example"]
target = ["127.0.0.1:3"]

[protocols.others]
protocol = "dns"
transport = "udp"
target = ["127.0.0.1:4"]
`;

testWithTools(
  "explain says of the clients in a capture of tcpdump where they went",
  ["tcpdump", "dig", "curl", ...NAMESPACE_TOOLS],
  async (scope) => {
    const network = await Namespace.make(scope);
    const sluice = await startSluice(scope, CONFIG, { under: network.entrance });
    const capture = `${await scope.folder()}/capture.pcap`;
    const options = ["-i", "lo", "-Z", "root", "--immediate-mode", "-U", "-w", capture];
    const tcpdump = network.start("tcpdump", ...options, `dst port ${PORT}`);
    await tcpdump.stderr.next(/listening on lo/);

    // Nobody answers: where they were sent is what counts.
    const dig = ["dig", "@127.0.0.1", "-p", String(PORT), "+tries=1", "+time=1"];
    const clients = [
      [...dig, "a.example"],
      ["curl", "--silent", `http://127.0.0.1:${PORT}/`],
      [...dig, "b.test"],
    ];
    for (const [tool = "", ...args] of clients) {
      await network.start(tool, ...args).code;
    }
    const happened: string[] = [];
    for (const _ of clients) {
      const { client, route } = await sluice.accessLine();
      happened.push(`${client} ${route}`);
    }

    const explain = ["explain", "-c", sluice.file, "--file", capture, "--json"];
    const [program, ...args] = sluiceCommand(explain);
    let foretold: readonly Explained[] = [];
    await until("the capture has every client", async () => {
      const { code, stdout } = await scope.run(program, args);
      if (code === 0) foretold = JSON.parse(stdout);
      return foretold.length === clients.length;
    });
    assert.deepEqual(foretold.map(({ outcome }) => outcome.route), ["ours", "web", "others"]);
    const texts = foretold.map(({ client: { address, port }, outcome: { route } }) =>
      `${address}:${port} ${route}`
    );
    assert.deepEqual(texts.sort(), happened.sort());
  },
);

interface Explained {
  readonly client: { readonly address: string; readonly port: number };
  readonly outcome: { readonly route: string };
}
