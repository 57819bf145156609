/**
 * The way between the two ends of a tunnel: none at all, or one that takes a while.
 *
 * @module
 */
import { compile, type Process, type Processes } from "./processes.ts";

/** Where the agent and its backend are, and where they find the edge. */
export interface Link {
  /** What is put before a command so that it runs there. */
  readonly beside: readonly string[];
  /** The edge's address as seen from there. */
  readonly edge: string;
  /** ms there and back, beside what it takes anyway. */
  readonly roundTrip: number;
  end(): Promise<void>;
}

/** Everything at one place. */
export const NEAR: Link = {
  beside: [],
  edge: "127.0.0.1",
  roundTrip: 0,
  end: () => Promise.resolve(),
};

const DEVICE = "way0";
const EDGE = "10.99.0.1";
const AGENT = "10.99.0.2";
/** Larger than on the Internet, so that it is the tunnel that is measured and not the way. */
const MTU = 9000;

/**
 * Makes a network namespace for the agent, and a way to it on which every packet takes half of `roundTrip`, ms. To be
 * called in a namespace of the run's own, by root or somebody who is taken for him there.
 */
export async function longWay(
  roundTrip: number,
  directory: string,
  processes: Processes,
): Promise<Link> {
  const program = `${directory}/delay`;
  await compile("delay.c", program, processes);
  // It only holds the namespace.
  const holder = await processes.start(["unshare", "--net", "sh", "-c", "echo ready >&2; cat"], {
    line: /^ready$/,
  });
  const namespace = `/proc/${holder.child.pid}/ns/net`;
  const beside = ["nsenter", `--net=${namespace}`];
  const sides = [{ at: [], own: EDGE, other: AGENT }, { at: beside, own: AGENT, other: EDGE }];
  for (const { at, own, other } of sides) {
    const ip = (text: string) => processes.run([...at, "ip", ...text.split(" ")]);
    await ip("link set lo up");
    await ip(`tuntap add dev ${DEVICE} mode tun`);
    await ip(`addr add ${own} peer ${other} dev ${DEVICE}`);
    await ip(`link set ${DEVICE} mtu ${MTU} up`);
  }
  const way: Process = await processes.start([program, DEVICE, namespace, `${roundTrip / 2}`], {
    line: /^ready$/,
  });
  return {
    beside,
    edge: EDGE,
    roundTrip,
    async end() {
      await processes.end(way);
      await processes.end(holder);
      await processes.run(["ip", "link", "del", DEVICE]);
    },
  };
}
