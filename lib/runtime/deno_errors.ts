/**
 * What Deno throws, in the words of the seam.
 *
 * @module
 */
import { systemReason } from "../system_error.ts";
import { codeOfError } from "./error_codes.ts";
import { NetError, type NetErrorCode } from "./runtime.ts";

/** What went wrong with a socket, and in the system's words why. */
export function netError(error: unknown): NetError {
  return new NetError(netErrorCode(error), systemReason(error), { cause: error });
}

/** The system's error codes come first: Deno folds several of them into one class. */
export function netErrorCode(error: unknown): NetErrorCode {
  const code = error instanceof Error && "code" in error
    ? codeOfError(String(error.code))
    : undefined;
  if (code !== undefined) return code;
  if (error instanceof Deno.errors.ConnectionReset) return "reset";
  if (error instanceof Deno.errors.BrokenPipe) return "reset";
  if (error instanceof Deno.errors.ConnectionAborted) return "reset";
  if (error instanceof Deno.errors.BadResource) return "closed";
  if (error instanceof Deno.errors.Interrupted) return "closed";
  if (error instanceof Deno.errors.NotCapable) return "denied";
  return "other";
}
