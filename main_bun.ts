/**
 * sluice under Bun.
 *
 * @module
 */
import process from "node:process";
import { main } from "./lib/cli.ts";
import type { Platform } from "./lib/run.ts";
import { BunNet } from "./lib/runtime/bun.ts";
import { bunProcess } from "./lib/runtime/bun_process.ts";
import { systemClock } from "./lib/runtime/clock.ts";
import { systemLookup } from "./lib/runtime/dns.ts";

if (import.meta.main) {
  const platform: Platform = {
    process: bunProcess(),
    net: new BunNet(systemClock),
    clock: systemClock,
    lookup: systemLookup(),
    // Loaded by who wants it alone.
    tls: async () => new (await import("./lib/runtime/node_tls.ts")).NodeTls(systemClock),
  };
  process.exit(await main(platform, () => import("./lib/cli_program.ts")));
}
