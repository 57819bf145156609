/**
 * Ports of UDP, where there is no connection that would be refused.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Child } from "./child.ts";
import { freePort, until } from "./children.ts";

/** A port that nobody uses, for TCP or UDP; see {@linkcode freePort}. */
export function freePortOfBoth(): number {
  for (;;) {
    const port = freePort();
    if (!isBound(port, "self")) return port;
  }
}

/** Resolves when `server` has the port, in the network that it is in. */
export async function bound(port: number, server: Child): Promise<void> {
  let over = false;
  void server.code.then(() => over = true);
  await until(`${server.command} has port ${port}`, () => {
    assert.ok(!over, `${server.command} ended`);
    return isBound(port, server.pid);
  });
}

/** proc(5): in the second column, behind the address, the port as four hexadecimal digits. */
function isBound(port: number, pid: number | "self"): boolean {
  const digits = port.toString(16).toUpperCase().padStart(4, "0");
  const pattern = new RegExp(`^ *\\d+: [0-9A-F]+:${digits} `, "m");
  return ["udp", "udp6"].some((name) => {
    try {
      return pattern.test(Deno.readTextFileSync(`/proc/${pid}/net/${name}`));
    } catch {
      // The process is gone, or the system has no IPv6.
      return false;
    }
  });
}
