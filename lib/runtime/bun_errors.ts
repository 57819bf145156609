/**
 * What Bun throws, in the words of the seam.
 *
 * @module
 */
import { systemReason } from "../system_error.ts";
import { codeOfError } from "./error_codes.ts";
import { NetError } from "./runtime.ts";

/** What went wrong with a socket, and why in the words of other runtimes: Bun often tells what it tried instead. */
export function netError(error: unknown): NetError {
  const name = error instanceof Error && "code" in error ? String(error.code) : "";
  const code = codeOfError(name) ?? "other";
  return new NetError(code, REASONS[name] ?? systemReason(error), { cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNABORTED: "Software caused connection abort",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EHOSTUNREACH: "No route to host",
  EMFILE: "Too many open files",
  ENETUNREACH: "Network is unreachable",
  ENFILE: "Too many open files in system",
  ENOBUFS: "No buffer space available",
  EPIPE: "Broken pipe",
  ETIMEDOUT: "Connection timed out",
};
