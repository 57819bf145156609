/**
 * The system's names of errors in the words of the seam: they are the same on every runtime.
 *
 * @module
 */
import type { NetErrorCode } from "./runtime.ts";

/** @param name Such as `ECONNREFUSED`. */
export function codeOfError(name: string): NetErrorCode | undefined {
  return CODES[name];
}

const CODES: Readonly<Record<string, NetErrorCode>> = {
  EACCES: "denied",
  EADDRINUSE: "in_use",
  EADDRNOTAVAIL: "unavailable",
  EAFNOSUPPORT: "unavailable",
  ECONNABORTED: "reset",
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  EHOSTUNREACH: "unreachable",
  EMFILE: "exhausted",
  ENETUNREACH: "unreachable",
  ENFILE: "exhausted",
  ENOBUFS: "exhausted",
  ENOMEM: "exhausted",
  ENOTCONN: "reset",
  EPERM: "denied",
  EPIPE: "reset",
  ETIMEDOUT: "timeout",
};
