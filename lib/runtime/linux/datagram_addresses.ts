/**
 * Who sends datagrams and to which address of this machine: from the words of the kernel to the texts of sluice and
 * back. A text is made of who is not known yet, so that the next datagram of a client needs none.
 *
 * @module
 */
import { formatIp, parseIp } from "../../addr.ts";
import { asIpv6 } from "../../ip_bytes.ts";
import type { Peer } from "../runtime.ts";
import {
  addressInName,
  type Family,
  isLinkLocal,
  MAPPED,
  portInName,
  type RawAddress,
  SCOPE_IN_NAME,
} from "./datagram_layout.ts";
import { AF_INET } from "./layout.ts";

/** The way of datagrams to one other end. */
export interface Way {
  /** Datagrams from this length on, bytes, are not cut from a longer message: the way does not allow it. */
  uncut: number;
}

/** A client of a bound port. */
export class RawPeer implements Peer, RawAddress, Way {
  readonly hostname: string;
  readonly port: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly scope: number;
  uncut = Infinity;

  constructor({ a, b, c, d, scope }: RawAddress, port: number, hostname?: string) {
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
    this.scope = scope;
    this.port = port;
    this.hostname = hostname ?? addressText(this);
  }
}

/** Clients of one port that are known, at most; then all are forgotten, and known again as they come. */
export const MOST_PEERS = 65_536;

/** The clients of one port. */
export class Peers {
  readonly #family: Family;
  /** By a hash. Two that have the same one take turns, which costs a text each time: so rare that it is no matter. */
  readonly #known = new Map<number, RawPeer>();

  constructor(family: Family) {
    this.#family = family;
  }

  /** Whose name is at the word `at`. */
  find(words: Int32Array, at: number): RawPeer {
    const port = portInName(words[at]!);
    const address = at + addressInName(this.#family);
    if (this.#family === AF_INET) return this.#find(0, 0, MAPPED, words[address]!, 0, port);
    const a = words[address]!;
    const scope = isLinkLocal(a) ? words[at + SCOPE_IN_NAME]! : 0;
    return this.#find(
      a,
      words[address + 1]!,
      words[address + 2]!,
      words[address + 3]!,
      scope,
      port,
    );
  }

  #find(a: number, b: number, c: number, d: number, scope: number, port: number): RawPeer {
    const hash = hashOf(a, b, c, d, scope, port);
    const known = this.#known.get(hash);
    if (
      known !== undefined && known.d === d && known.port === port && known.c === c &&
      known.b === b && known.a === a && known.scope === scope
    ) return known;
    if (this.#known.size >= MOST_PEERS) this.#known.clear();
    const peer = new RawPeer({ a, b, c, d, scope }, port);
    this.#known.set(hash, peer);
    return peer;
  }
}

/** Small enough that the engine makes no object of it. */
function hashOf(a: number, b: number, c: number, d: number, scope: number, port: number): number {
  let hash = Math.imul(d ^ port << 16, 0x9e37_79b1);
  hash = Math.imul(hash ^ hash >>> 15 ^ c ^ scope, 0x85eb_ca6b);
  hash = Math.imul(hash ^ hash >>> 13 ^ b, 0xc2b2_ae35);
  hash = Math.imul(hash ^ hash >>> 16 ^ a, 0x27d4_eb2f);
  return (hash ^ hash >>> 15) >>> 2;
}

/** A peer that somebody else made; `undefined` if its host name is no IP address. */
export function rawPeer({ hostname, port }: Peer): RawPeer | undefined {
  const ip = parseIp(hostname);
  if (ip === undefined) return undefined;
  const { value } = asIpv6(ip);
  const word = (shift: bigint) => swapped(Number(value >> shift & 0xffff_ffffn));
  const raw = { a: word(96n), b: word(64n), c: word(32n), d: word(0n), scope: 0 };
  return new RawPeer(raw, port, hostname);
}

/** Whether it is one of IPv4. */
export function isMapped({ a, b, c }: RawAddress): boolean {
  return a === 0 && b === 0 && c === MAPPED;
}

/** The address in canonical form. The interface of a link-local one is not told. */
export function addressText(raw: RawAddress): string {
  const { a, b, c, d } = raw;
  if (isMapped(raw)) return `${d & 0xff}.${d >>> 8 & 0xff}.${d >>> 16 & 0xff}.${d >>> 24}`;
  let value = 0n;
  for (const word of [a, b, c, d]) value = value << 32n | BigInt(swapped(word) >>> 0);
  return formatIp({ family: 6, value });
}

/** From the order of the network to that of the machine, or back. */
function swapped(word: number): number {
  return word << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24;
}
