/**
 * sluice under Deno.
 *
 * @module
 */
import { main } from "./lib/cli.ts";
import { systemClock } from "./lib/runtime/clock.ts";
import { DenoNet } from "./lib/runtime/deno.ts";
import { denoProcess } from "./lib/runtime/deno_process.ts";
import { systemLookup } from "./lib/runtime/dns.ts";

if (import.meta.main) {
  Deno.exit(
    await main({
      process: denoProcess(),
      net: new DenoNet(systemClock),
      clock: systemClock,
      lookup: systemLookup(),
      // Loaded by who wants it alone.
      tls: async () => new (await import("./lib/runtime/node_tls.ts")).NodeTls(systemClock),
      startThread: async (...how) =>
        await (await import("./lib/runtime/linux/start_thread.ts")).startThread(...how),
      beginThread: async () => (await import("./lib/runtime/linux/start_thread.ts")).beginThread(),
    }),
  );
}
