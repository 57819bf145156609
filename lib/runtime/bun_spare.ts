/**
 * The last descriptor, which no socket is to take.
 *
 * @module
 */
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { NetError } from "./runtime.ts";

/**
 * Whether there is none left. Bun goes round and round when it cannot accept a connection for want of a descriptor, and
 * tells nobody; so whoever has opened a socket asks here, and closes it again if it took the last one.
 */
export function noDescriptorIsLeft(): boolean {
  try {
    closeSync(openSync(devNull, "r"));
    return false;
  } catch {
    return true;
  }
}

/** What is said then. */
export function exhausted(): NetError {
  return new NetError("exhausted", "Too many open files");
}
