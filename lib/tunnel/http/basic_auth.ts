/**
 * Basic authentication (RFC 7617).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { type Field, valuesOf } from "./fields.ts";

/**
 * Whether a request carries one of `credentials`, each `user:password`. How long that takes says nothing about them.
 */
export function isAuthorized(fields: readonly Field[], credentials: readonly string[]): boolean {
  const values = valuesOf(fields, "authorization");
  const [, encoded = ""] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(values[0] ?? "") ?? [];
  const given = sha256(Buffer.from(encoded, "base64"));
  let isKnown = false;
  for (const each of credentials) {
    if (timingSafeEqual(sha256(Buffer.from(each)), given)) isKnown = true;
  }
  return isKnown && values.length === 1;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
