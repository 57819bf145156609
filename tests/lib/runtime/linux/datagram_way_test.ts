/** What datagrams of the Linux plane do on a way that is narrow or slow: the kernel's own, in a network namespace. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Namespace, NAMESPACE_TOOLS, works } from "../../../e2e/udp_namespace.ts";
import { testWithTools } from "../../../support/children.ts";
import { loadLinux } from "../../../support/linux_net.ts";

const DEVICE = ["link", "add", "way", "type", "veth", "peer", "name", "end"];
const SLOW = "tbf rate 5mbit burst 4kb limit 4mb".split(" ");

const missing = [
  ...NAMESPACE_TOOLS,
  "tc",
  ..."reason" in await loadLinux() ? ["the Linux plane"] : [],
  ...await works("ip", ...DEVICE) ? [] : ["a virtual network device"],
];

testWithTools(
  "Linux: what is cut fits the way, and what a slow way does not take waits",
  missing,
  async (scope) => {
    const namespace = await Namespace.make(scope);
    await namespace.run("ip", ...DEVICE);
    await namespace.run("ip", "link", "set", "end", "up");
    await namespace.run("ip", "link", "set", "way", "mtu", "1500", "addrgenmode", "none", "up");
    await namespace.run("ip", "address", "add", "198.51.100.1/24", "dev", "way");
    // Somebody who need not be asked for, and drops all that comes.
    const nobody = ["198.51.100.2", "lladdr", "02:00:00:00:00:02", "dev", "way"];
    await namespace.run("ip", "neighbour", "add", ...nobody);
    const program = fileURLToPath(new URL("datagram_way.ts", import.meta.url));
    const child = namespace.start(Deno.execPath(), "run", "-A", program, "way", nobody[0]!);
    const step = async () => JSON.parse(await child.stdout.next(/^\{/));

    assert.deepEqual(await step(), { cut: 1, failures: [] });
    // Each in two fragments; and the shorter ones are cut as before.
    assert.deepEqual(await step(), { whole: 20, again: 1, failures: [] });
    await namespace.run("tc", "qdisc", "add", "dev", "way", "root", ...SLOW);
    await child.say("\n");
    const { full, waiting } = await step();
    assert.ok(waiting > 100, `${waiting} of ${full}`);
    assert.deepEqual(await step(), { sent: full, isFull: false, failures: [] });
  },
);
