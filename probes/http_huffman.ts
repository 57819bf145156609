/**
 * The Huffman code of HPACK (RFC 7541 §5.2, appendix B). It is canonical: codes of one length follow each other in the
 * order of their symbols, so their lengths say all.
 *
 * @module
 */

/** The length of the code of each byte in turn, and of the end of a string at last, in bits: digits of base 36. */
const LENGTHS =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad677777777777777777777" +
  "77878djde6f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmo" +
  "lmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu";

const LONGEST = 30;
const END = 256;

const byLength = Array.from({ length: LONGEST + 1 }, (): number[] => []);
for (const [symbol, length] of [...LENGTHS].entries()) byLength[parseInt(length, 36)]!.push(symbol);
/** Symbols in the order of their codes, and how many have a code of each length. */
const symbols = byLength.flat();
const counts = byLength.map(({ length }) => length);

/** The text that was encoded, one character a byte; `undefined` if nothing gives these bytes. */
export function decodeHuffman(bytes: Uint8Array): string | undefined {
  let text = "";
  // Of a code that is not complete: its bits, their number, and the first code of that length and its symbol's place.
  let code = 0, length = 0, first = 0, index = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code << 1 | byte >> bit & 1;
      first <<= 1;
      length++;
      const count = counts[length]!;
      if (code - first >= count) {
        first += count;
        index += count;
        continue;
      }
      const symbol = symbols[index + code - first]!;
      if (symbol === END) return undefined;
      text += String.fromCharCode(symbol);
      code =
        length =
        first =
        index =
          0;
    }
  }
  // What is left fills the last byte, and is the beginning of the code of the end: ones.
  const isPadding = length < 8 && code === (1 << length) - 1;
  return isPadding ? text : undefined;
}
