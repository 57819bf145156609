/**
 * sluice under Bun.
 *
 * @module
 */
import process from "node:process";
import { main } from "./lib/cli.ts";
import { BunNet } from "./lib/runtime/bun.ts";
import { bunProcess } from "./lib/runtime/bun_process.ts";
import { systemClock } from "./lib/runtime/clock.ts";
import { systemLookup } from "./lib/runtime/dns.ts";

if (import.meta.main) {
  process.exit(
    await main({
      process: bunProcess(),
      net: new BunNet(systemClock),
      clock: systemClock,
      lookup: systemLookup(),
      // Loaded by who wants it alone.
      tls: async () => new (await import("./lib/runtime/node_tls.ts")).NodeTls(systemClock),
    }),
  );
}
