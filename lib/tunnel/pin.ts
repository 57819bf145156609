/**
 * How people write down which certificate an edge has.
 *
 * @module
 */

/** The pin as `sluice` prints it: hexadecimal digits. */
export function formatPin(sha256: Uint8Array): string {
  return sha256.toHex();
}

/**
 * Reads a pin as {@linkcode formatPin} and `openssl x509 -fingerprint -sha256` write it.
 * @throws {SyntaxError} If it is none.
 */
export function parsePin(text: string): Uint8Array {
  const digits = text.trim().replace(/^(sha-?256)?( *fingerprint)?[=:]/i, "").trim();
  const plain = /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/i.test(digits)
    ? digits.replaceAll(":", "")
    : digits;
  if (!/^[0-9a-f]{64}$/i.test(plain)) {
    throw new SyntaxError(
      `expected the SHA-256 of a certificate, 64 hexadecimal digits, got "${text}"`,
    );
  }
  return Uint8Array.fromHex(plain);
}
