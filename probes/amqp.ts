/**
 * AMQP. The client sends first, and says no more than which protocol it wants to speak (AMQP 1.0 §2.2,
 * AMQP 0-9-1 §4.2.2); from 0-8 to 0-10 the bytes behind the name had other meanings:
 *
 * ```
 * "AMQP" | u8 layer: 0 AMQP, 2 TLS, 3 SASL | u8 major | u8 minor | u8 revision
 * ```
 *
 * @module
 */
import { type Facts, probe } from "./probe.ts";

/** Every header there is. */
const HEADERS: readonly (readonly [header: string, details: NonNullable<Facts["details"]>])[] = [
  ["AMQP\x00\x00\x09\x01", { version: "0-9-1" }],
  ["AMQP\x00\x01\x00\x00", { version: "1.0" }],
  ["AMQP\x02\x01\x00\x00", { version: "1.0", layer: "tls" }],
  ["AMQP\x03\x01\x00\x00", { version: "1.0", layer: "sasl" }],
  ["AMQP\x01\x01\x00\x0a", { version: "0-10" }],
  ["AMQP\x01\x01\x00\x09", { version: "0-9" }],
  ["AMQP\x01\x01\x09\x01", { version: "0-8" }],
  ["AMQP\x01\x01\x08\x00", { version: "0-8" }],
];

/** Matches a protocol header; gives `details.version`, and `details.layer` where it is not AMQP itself. */
export const amqp = probe((head) => {
  for (const [header, details] of HEADERS) {
    if (head.starts(header)) return { protocol: "amqp", details };
  }
  return undefined;
});
