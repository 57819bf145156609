/**
 * Weighted rendezvous hashing (highest random weight). Every backend gets a score from a hash of the client and
 * itself, and the highest wins. A backend's score does not depend on the others, so taking one away moves only
 * the clients that were on it, and nobody needs to agree on anything: the same client gets the same backend
 * after a restart, a reload, and on every replica, whatever the order of the list.
 *
 * The score is `weight / -ln(h)` with `h` uniform in (0, 1): then `-ln(h) / weight` is exponentially distributed
 * at the rate `weight`, and the smallest of such numbers belongs to each backend as often as its share says.
 *
 * @module
 */
import type { Candidate } from "./backend.ts";

/** Where every hash starts. Another number, or another hash, would move every client to another backend. */
const SEED = 0x736c7563;

/** Chooses for the client at `address`; pass its port to tell its connections apart, else 0. */
export function rendezvous(
  candidates: readonly Candidate[],
  address: string,
  port: number,
): Candidate {
  const client = hash(SEED, address, port);
  let chosen = candidates[0]!;
  let highest = 0;
  for (const candidate of candidates) {
    const { backend, weight } = candidate;
    const score = weight / -Math.log(uniform(hash(client, backend.address, backend.port)));
    // Equal scores, one in some four thousand million, go to the first in the list.
    if (score > highest) {
      chosen = candidate;
      highest = score;
    }
  }
  return chosen;
}

/** Hashes an address and a port into a hash that came before; 32 bits. */
function hash(before: number, address: string, port: number): number {
  let state = before;
  for (let i = 0; i < address.length; i++) state = mix(state ^ address.charCodeAt(i));
  return mix(state ^ port);
}

/** A change of any bit of `x` changes each bit of the result about half of the time: the finaliser of MurmurHash3. */
function mix(x: number): number {
  x = Math.imul(x ^ x >>> 16, 0x85ebca6b);
  x = Math.imul(x ^ x >>> 13, 0xc2b2ae35);
  return x ^ x >>> 16;
}

/** A hash as a number in (0, 1), both ends excluded. */
function uniform(hash: number): number {
  return ((hash >>> 0) + 0.5) / 2 ** 32;
}
