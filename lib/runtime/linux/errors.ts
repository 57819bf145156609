/**
 * Error numbers of Linux in the words of the seam.
 *
 * @module
 */
import { codeOfError } from "../error_codes.ts";
import { NetError, type NetErrorCode } from "../runtime.ts";
import { ERRNO } from "./layout.ts";
import { errorText } from "./libc.ts";

const CODES = new Map<number, NetErrorCode>(
  Object.entries(ERRNO).flatMap(([name, number]) => {
    const code = codeOfError(name);
    return code === undefined ? [] : [[number, code]];
  }),
);

/** @param result What a call returned: a negative error number. */
export function netErrorOf(result: number): NetError {
  return new NetError(CODES.get(-result) ?? "other", errorText(-result));
}
