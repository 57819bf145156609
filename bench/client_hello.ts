/**
 * A ClientHello as browsers send it today: 1.7 kB, because it offers a post-quantum key share.
 *
 * @module
 */

/** Its length with the record's header, bytes: padded to this whatever the name. */
export const CLIENT_HELLO_LENGTH = 1700;

/** Wire values: RFC 8446 §4.1.2 and §4.2, RFC 6066 §3 (name), RFC 7301 §3 (ALPN), RFC 7685 (padding). */
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const TLS_1_0 = [0x03, 0x01];
const TLS_1_2 = [0x03, 0x03];
const TLS_1_3 = [0x03, 0x04];
const X25519 = [0x00, 0x1d];
const X25519MLKEM768 = [0x11, 0xec];
const CIPHER_SUITES = [
  0x13,
  0x01,
  0x13,
  0x02,
  0x13,
  0x03,
  0xc0,
  0x2b,
  0xc0,
  0x2f,
  0xc0,
  0x2c,
  0xc0,
  0x30,
];
const SIGNATURES = [
  0x04,
  0x03,
  0x08,
  0x04,
  0x04,
  0x01,
  0x05,
  0x03,
  0x08,
  0x05,
  0x05,
  0x01,
  0x08,
  0x06,
];

/** The hello that asks for `serverName`. */
export function clientHello(serverName: string): Uint8Array<ArrayBuffer> {
  const name = [...new TextEncoder().encode(serverName)];
  const extensions = [
    extension(0, vector(2, [0, ...vector(2, name)])),
    extension(10, vector(2, [...X25519MLKEM768, ...X25519])),
    extension(13, vector(2, SIGNATURES)),
    extension(16, vector(2, ["h2", "http/1.1"].flatMap((alpn) => vector(1, ascii(alpn))))),
    extension(43, vector(1, [...TLS_1_3, ...TLS_1_2])),
    extension(
      51,
      vector(2, [
        ...[...X25519MLKEM768, ...vector(2, noise(1216))],
        ...[...X25519, ...vector(2, noise(32))],
      ]),
    ),
  ].flat();
  const padding = CLIENT_HELLO_LENGTH - record(extensions).length;
  return new Uint8Array(record([...extensions, ...extension(21, Array(padding - 4).fill(0))]));
}

function record(extensions: readonly number[]): number[] {
  const hello = [
    ...[...TLS_1_2, ...noise(32), ...vector(1, noise(32))],
    ...[...vector(2, CIPHER_SUITES), ...vector(1, [0]), ...vector(2, extensions)],
  ];
  return [HANDSHAKE_RECORD, ...TLS_1_0, ...vector(2, [CLIENT_HELLO, ...vector(3, hello)])];
}

function extension(type: number, body: readonly number[]): number[] {
  return [type >> 8, type & 0xff, ...vector(2, body)];
}

/** `bytes` behind their length, which takes `width` bytes. */
function vector(width: number, bytes: readonly number[]): number[] {
  const length = Array.from(
    { length: width },
    (_, i) => bytes.length >> 8 * (width - 1 - i) & 0xff,
  );
  return [...length, ...bytes];
}

function ascii(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

/** Bytes in place of random ones: the same in each run. */
function noise(length: number): number[] {
  return Array.from({ length }, (_, i) => (i * 167 + 13) & 0xff);
}
