/**
 * Writing bytes in tests.
 *
 * @module
 */

/** One byte a character: `\x16` is the byte 0x16. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** All `parts` in a row; a number is a byte, a text is {@linkcode bytes}. */
export function concat(
  ...parts: readonly (Uint8Array | number | string)[]
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => {
    if (typeof part === "number") return [part];
    return [...(typeof part === "string" ? bytes(part) : part)];
  }));
}

/** `content` behind its length, a big-endian integer of `width` bytes. */
export function prefixed(width: 1 | 2 | 3, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = [content.length >> 16, content.length >> 8 & 0xff, content.length & 0xff];
  return concat(...length.slice(3 - width), content);
}
