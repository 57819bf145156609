/**
 * The Linux plane on the main thread, for tests: its poller is turned without blocking, over and over, so that the
 * runtime goes on beside it.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";
import type { Clock } from "../../lib/runtime/runtime.ts";
import type { NetUnderTest } from "./net_contract.ts";

/** The modules of the plane, or why there is none here. */
export type LinuxModules = Awaited<ReturnType<typeof load>>;

async function load() {
  const [{ LinuxNet }, { Poller }] = await Promise.all([
    import("../../lib/runtime/linux/net.ts"),
    import("../../lib/runtime/linux/poller.ts"),
  ]);
  return { LinuxNet, Poller };
}

/** Why the plane cannot be tested here; `undefined` if it can. */
export async function loadLinux(): Promise<LinuxModules | { readonly reason: string }> {
  try {
    return await load();
  } catch (error) {
    return { reason: String(error) };
  }
}

/** A Net of the plane. After `close()` nothing turns any more. */
export function linuxNet({ LinuxNet, Poller }: LinuxModules, clock: Clock): NetUnderTest {
  const poller = new Poller();
  const net = new LinuxNet(clock, poller, { sharesPorts: false });
  let next = setImmediate(turn);
  function turn() {
    poller.turn(0);
    next = setImmediate(turn);
  }
  return {
    net,
    close() {
      clearImmediate(next);
      net.close();
      poller.end();
    },
  };
}
