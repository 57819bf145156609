/**
 * A visit that does not come about.
 *
 * @module
 */
import type { Timeouts } from "../timeouts.ts";
import type { Channel } from "./channel.ts";

/** How long the other end may take to say where the visit is over, ms. */
const PATIENCE = 5000;

/**
 * The agent's other answer to `visit`: the service cannot be reached. What is still sent for the visit is thrown away.
 * @returns Whether the channel is free for another visit; if not, the caller closes it. Never rejects.
 */
export async function decline(
  channel: Channel,
  message: string,
  timeouts: Timeouts,
): Promise<boolean> {
  const deadline = timeouts.start(PATIENCE);
  try {
    await channel.say({ type: "unreachable", message });
    for (;;) {
      const frame = await channel.receive(deadline);
      if (frame?.type === "end") return true;
      if (frame?.type !== "data" && frame?.type !== "datagram") return false;
    }
  } catch {
    return false;
  } finally {
    deadline.cancel();
  }
}
