import { Channel } from "../../lib/tunnel/channel.ts";
import { Timeouts } from "../../lib/timeouts.ts";
import { ManualClock } from "./clock.ts";
import { type MemoryConn, MemoryNet } from "./memory_net.ts";

/** A data channel in memory, with its two ends, and connections on either side of it. */
export class Channels {
  readonly clock = new ManualClock();
  readonly net = new MemoryNet(this.clock);
  readonly timeouts = new Timeouts(this.clock);

  /** Two ends of a connection. */
  async pair(): Promise<[MemoryConn, MemoryConn]> {
    const listener = this.net.listen({ address: "127.0.0.1", port: 0, backlog: 1 });
    const [a, b] = await Promise.all([
      this.net.connect(listener.address, { timeout: 1 }),
      listener.accept() as Promise<MemoryConn>,
    ]);
    await listener.close();
    return [a, b];
  }

  /** The channel's end at the agent, and that at the edge. */
  async channel() {
    const [agentConn, edgeConn] = await this.pair();
    return {
      agentConn,
      edgeConn,
      agent: new Channel(agentConn, "edge"),
      edge: new Channel(edgeConn, "agent"),
    };
  }
}

/** Lets everything happen that can, without time passing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}
