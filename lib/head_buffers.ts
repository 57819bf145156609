/**
 * The memory of heads. A pipe that has sent a head may give it back: to make 4 kB anew for every connection costs more
 * than what is done with them.
 *
 * @module
 */

/** Bytes that a head has room for at first; a post-quantum ClientHello fits. */
export const HEAD_SIZE = 4096;
/** As many as connections that begin within one turn of a busy data thread; further ones go back to the system. */
const MOST_SPARE = 64;

const spare: ArrayBuffer[] = [];

/** A buffer of {@linkcode HEAD_SIZE}, in which there may be anything. */
export function takeHeadBuffer(): Uint8Array<ArrayBuffer> {
  const buffer = spare.pop();
  return buffer === undefined ? new Uint8Array(HEAD_SIZE) : new Uint8Array(buffer);
}

/** Lets go of the memory behind `head`, which nobody may look at any more. */
export function giveHeadBuffer({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (buffer.byteLength === HEAD_SIZE && spare.length < MOST_SPARE) spare.push(buffer);
  else buffer.transfer(0);
}
