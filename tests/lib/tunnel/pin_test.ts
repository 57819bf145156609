import assert from "node:assert/strict";
import { formatPin, parsePin } from "../../../lib/tunnel/pin.ts";

const PIN = Uint8Array.from({ length: 32 }, (_, i) => i * 8 + 7);
const PLAIN = PIN.toHex();
const COLONS = PLAIN.toUpperCase().match(/../g)!.join(":");

Deno.test("a pin is read as it is written, and as openssl writes it", () => {
  assert.equal(formatPin(PIN), PLAIN);
  for (
    const text of [
      PLAIN,
      PLAIN.toUpperCase(),
      ` ${PLAIN}\n`,
      COLONS,
      `sha256 Fingerprint=${COLONS}`,
      `SHA256 Fingerprint=${COLONS}\n`,
      `sha256:${PLAIN}`,
      `SHA-256:${PLAIN}`,
    ]
  ) {
    assert.deepEqual(parsePin(text), PIN, text);
  }
});

for (
  const text of [
    "",
    PLAIN.slice(2),
    `${PLAIN}00`,
    `${PLAIN.slice(1)}g`,
    `${COLONS}:00`,
    COLONS.replace(":", ""),
    `sha1 Fingerprint=${COLONS}`,
    `md5:${PLAIN}`,
  ]
) {
  Deno.test(`${JSON.stringify(text.slice(0, 30))} is no pin`, () => {
    assert.throws(() => parsePin(text), /expected the SHA-256 of a certificate/);
  });
}
