/**
 * What `node:net` and `node:tls` say went wrong, in the words of the seam.
 *
 * @module
 */
import { systemReason } from "../system_error.ts";
import { codeOfError } from "./error_codes.ts";
import { NetError } from "./runtime.ts";

/** What went wrong with a socket, and why. */
export function netError(error: unknown): NetError {
  const name = nameOf(error);
  const reason = REASONS[name] ?? systemReason(error);
  return new NetError(codeOfError(name) ?? "other", reason, { cause: error });
}

/** Node's name of an error, such as `ECONNRESET` or `ERR_SSL_…`. */
export function nameOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "Address already in use",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EHOSTUNREACH: "No route to host",
  EMFILE: "Too many open files",
  ENETUNREACH: "Network is unreachable",
  EPIPE: "Broken pipe",
  ETIMEDOUT: "Connection timed out",
};
