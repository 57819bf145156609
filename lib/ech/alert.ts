/**
 * The alert that ends a handshake, as a record of its own (RFC 8446 §5.1, §6):
 *
 * ```
 * u8 21 (alert) | u8 3, u8 3 | u16 2 | u8 2 (fatal) | u8 description
 * ```
 *
 * @module
 */

/** What a client-facing server has to say (RFC 8446 §6.2). */
const DESCRIPTIONS = {
  unexpected_message: 10,
  illegal_parameter: 47,
  decode_error: 50,
  decrypt_error: 51,
  missing_extension: 109,
  unrecognized_name: 112,
} as const;

export type Alert = keyof typeof DESCRIPTIONS;

/** A hello that goes nowhere: the client is to be sent the alert, and the connection to be closed. */
export interface Refused {
  readonly kind: "refused";
  readonly alert: Alert;
  /** Why, for the operator. */
  readonly detail: string;
}

export function refused(alert: Alert, detail: string): Refused {
  return { kind: "refused", alert, detail };
}

/** Writes the record. */
export function alertRecord(alert: Alert): Uint8Array {
  return Uint8Array.of(21, 3, 3, 0, 2, 2, DESCRIPTIONS[alert]);
}
