/**
 * The Linux plane on the main thread, for tests: its poller is turned without blocking, over and over, so that the
 * runtime goes on beside it.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";
import type { Clock } from "../../lib/runtime/runtime.ts";
import type { NetUnderTest } from "./net_contract.ts";

/** The modules of the plane. */
export type LinuxModules = Awaited<ReturnType<typeof load>>;

async function load() {
  const parts = await Promise.all([
    import("../../lib/runtime/linux/kernel_pipes.ts"),
    import("../../lib/runtime/linux/loop.ts"),
    import("../../lib/runtime/linux/net.ts"),
    import("../../lib/runtime/linux/poller.ts"),
    import("../../lib/runtime/linux/relay.ts"),
    import("../../lib/runtime/linux/self_test.ts"),
  ]);
  const [{ KernelPipes }, { Loop, LoopClock }, { LinuxNet }, { Poller }, rest, tests] = parts;
  const libc = {
    ...await import("../../lib/runtime/linux/libc.ts"),
    ...await import("../../lib/runtime/linux/event_fd.ts"),
  };
  return { KernelPipes, libc, LinuxNet, Loop, LoopClock, Poller, ...rest, ...tests };
}

/** The modules, or why the plane cannot be tested here. */
export async function loadLinux(): Promise<LinuxModules | { readonly reason: string }> {
  try {
    return await load();
  } catch (error) {
    return { reason: String(error) };
  }
}

/** A Net of the plane. After `close()` nothing turns any more. */
export function linuxNet(modules: LinuxModules, clock: Clock): NetUnderTest {
  return linuxTurning(modules, clock);
}

/** A Net of the plane and its poller. */
export function linuxTurning({ LinuxNet, Poller }: LinuxModules, clock: Clock) {
  const poller = new Poller();
  const net = new LinuxNet(clock, poller, { sharesPorts: false });
  let next = setImmediate(turn);
  function turn() {
    poller.turn(0);
    next = setImmediate(turn);
  }
  return {
    net,
    poller,
    close() {
      clearImmediate(next);
      net.close();
      poller.end();
    },
  };
}

const linux = await loadLinux();

/** Registers a test of the plane; where there is none it is skipped, and its name says why. */
export function linuxTest(
  sentence: string,
  body: (modules: LinuxModules) => void | Promise<void>,
): void {
  if ("reason" in linux) Deno.test.ignore(`${sentence} [skipped: ${linux.reason}]`, () => {});
  else Deno.test(sentence, () => body(linux));
}
