/**
 * sluice under Deno.
 *
 * @module
 */
import { main } from "./lib/cli.ts";
import type { Platform } from "./lib/run.ts";
import { systemClock } from "./lib/runtime/clock.ts";
import { DenoNet } from "./lib/runtime/deno.ts";
import { denoProcess } from "./lib/runtime/deno_process.ts";
import { systemLookup } from "./lib/runtime/dns.ts";

if (import.meta.main) {
  const platform: Platform = {
    process: denoProcess(),
    net: new DenoNet(systemClock),
    clock: systemClock,
    lookup: systemLookup(),
    // Loaded by who wants it alone.
    tls: async () => new (await import("./lib/runtime/node_tls.ts")).NodeTls(systemClock),
    startThread: async (...how) =>
      await (await import("./lib/runtime/linux/start_thread.ts")).startThread(...how),
    beginThread: async () => (await import("./lib/runtime/linux/start_thread.ts")).beginThread(),
  };
  // Named in a way that Deno does not see: what an import names it reads at the start, and all that leads to.
  Deno.exit(await main(platform, () => import(import.meta.resolve("./lib/cli_program.ts"))));
}
