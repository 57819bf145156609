/**
 * Whose an ID is: of the sessions of one protocol, each with the IDs that it has left in its datagrams.
 *
 * An ID decides where datagrams of unknown addresses go, so it must not be had for the asking:
 *
 * - What a backend issues is the session's whose backend it is, even if a client has named it before. Where two
 *   backends have issued the same one, it is nobody's: WireGuard has 32 bits, and each backend takes random ones.
 * - What a client names is its session's only if nobody has it yet, and leads datagrams of {@linkcode MOST_CLIENTS}
 *   addresses, its own among them. It may name anything, also the bytes that a stranger's protocol begins with: then
 *   everybody who speaks that would be led to the client's backend. Some servers take over the ID that the client has
 *   made up (as Envoy does); that is still what the client has named.
 * - The most that a session has are {@linkcode MOST_ISSUED} and {@linkcode MOST_NAMED}: the oldest is forgotten.
 * - An ID of fewer than {@linkcode MIN_LENGTH} bytes would fit too many strangers. It counts for nothing.
 *
 * Flows that exist are never moved. An attacker who sees an ID on its way can open a flow to its backend, no more.
 *
 * @module
 */
import { type Follower, lengthOf, NOWHERE, startOf } from "./follower.ts";

/** Several, because one client socket may carry several connections of QUIC, and a session of WireGuard three indices. */
export const MOST_ISSUED = 8;
/** A client gives up an ID when it takes another one; datagrams that are late may have the one before. */
export const MOST_NAMED = 4;
/** A client moves between few addresses; strangers have many. */
export const MOST_CLIENTS = 8;

const MIN_LENGTH = 4;
/** As in QUIC (RFC 9000 §17.2). */
const MAX_LENGTH = 20;

/** Whose IDs are. */
export interface Owner {
  /** The address of the client that began the session; for IPv6 its network. */
  readonly client: string;
}

/** What is known of an ID. */
interface Entry<Of extends Owner> {
  /** Whose it is; absent if it was issued twice. */
  trail: Trail<Of> | undefined;
  /** Addresses whose datagrams it may lead; absent if it was issued: then all. */
  clients: readonly string[] | undefined;
  /** Trails that hold it: several only if it was issued twice. */
  holders: number;
}

/** The IDs of one protocol. */
export class Ids<Of extends Owner> {
  readonly follower: Follower;
  readonly #entries = new Map<string, Entry<Of>>();
  /** How many trails expect IDs of a length; and the lengths that some do, the longest first. */
  readonly #expecting = new Uint32Array(MAX_LENGTH + 1);
  #lengths: readonly number[] = [];

  constructor(follower: Follower) {
    this.follower = follower;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Whose a datagram of an unknown address is. Where it does not say how long its ID is, each length that is in use is
   * tried. These are as many as backends have different ones: one or two, and no more than 17.
   * @param client The address, or network, that it comes from.
   */
  find(datagram: Uint8Array, client: string): Of | undefined {
    if (this.#entries.size === 0) return undefined;
    const place = this.follower.addressed(datagram);
    if (place === NOWHERE) return undefined;
    const start = startOf(place);
    const told = lengthOf(place);
    if (told > 0) return this.#ownerOf(datagram, start, told, client);
    for (const length of this.#lengths) {
      const owner = this.#ownerOf(datagram, start, length, client);
      if (owner !== undefined) return owner;
    }
    return undefined;
  }

  #ownerOf(datagram: Uint8Array, start: number, length: number, client: string): Of | undefined {
    if (!isUsable(length) || start + length > datagram.length) return undefined;
    const entry = this.#entries.get(datagram.subarray(start, start + length).toHex());
    if (entry === undefined) return undefined;
    const { clients, trail } = entry;
    if (clients !== undefined && !clients.includes(client)) {
      if (clients.length >= MOST_CLIENTS) return undefined;
      entry.clients = [...clients, client];
    }
    return trail?.owner;
  }

  /** Notes that a backend has issued `id`, which `trail` does not hold yet and does from now on. */
  issue(id: string, trail: Trail<Of>): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      this.#entries.set(id, { trail, clients: undefined, holders: 1 });
    } else if (entry.clients === undefined) {
      entry.trail = undefined;
      entry.holders++;
    } else {
      entry.trail?.giveUp(id);
      entry.trail = trail;
      entry.clients = undefined;
    }
  }

  /** Notes that a client has named `id`; says whether `trail` holds it from now on. */
  name(id: string, trail: Trail<Of>): boolean {
    if (this.#entries.has(id)) return false;
    this.#entries.set(id, { trail, clients: [trail.owner.client], holders: 1 });
    return true;
  }

  /** One trail less holds `id`. Where others do that had it issued too, it stays nobody's. */
  release(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined && --entry.holders === 0) this.#entries.delete(id);
  }

  /** A trail expects IDs of another length; 0: of none. */
  expect(length: number, before: number): void {
    this.#expecting[before]!--;
    this.#expecting[length]!++;
    if (this.#expecting[before] !== 0 && this.#expecting[length] !== 1) return;
    const lengths = Array.from(this.#expecting.keys()).filter((each) => this.#expecting[each]! > 0);
    this.#lengths = lengths.filter(isUsable).reverse();
  }
}

/** The IDs of one session. Both readers are called for every datagram of a flow: where it names no new ID, they look no further. */
export class Trail<Of extends Owner> {
  readonly owner: Of;
  readonly #ids: Ids<Of>;
  /** Those that the backend has issued, and those that only the client has named; the oldest first. */
  #issued: readonly string[] = NONE;
  #named: readonly string[] = NONE;
  /** The last one that the client has named, whosever it is. */
  #last = NO_BYTES;
  /** Of the IDs that the backend issues; 0 if none is known. */
  #length = 0;

  constructor(owner: Of, ids: Ids<Of>) {
    this.owner = owner;
    this.#ids = ids;
  }

  /** Reads what the client has sent; says whether a session begins with it. */
  request(datagram: Uint8Array): boolean {
    const { follower } = this.#ids;
    const place = follower.addressed(datagram);
    if (place !== NOWHERE) this.#readName(datagram, startOf(place), lengthOf(place));
    return follower.opens(datagram);
  }

  #readName(datagram: Uint8Array, start: number, told: number): void {
    const length = told > 0 ? told : this.#length;
    if (!isUsable(length) || start + length > datagram.length) return;
    if (isAt(this.#last, datagram, start, length)) return;
    this.#last = datagram.slice(start, start + length);
    const id = this.#last.toHex();
    if (this.#ids.name(id, this)) this.#named = this.#keep(this.#named, id, MOST_NAMED);
  }

  /** Reads what the backend has sent. */
  reply(datagram: Uint8Array): void {
    const issued = this.#ids.follower.issued(datagram);
    if (issued === undefined || !isUsable(issued.length)) return;
    this.#expect(issued.length);
    const id = issued.toHex();
    if (this.#issued.includes(id) || this.#hasNamed(id)) return;
    this.#ids.issue(id, this);
    this.#issued = this.#keep(this.#issued, id, MOST_ISSUED);
  }

  #hasNamed(id: string): boolean {
    return this.#named.includes(id) || this.#last.toHex() === id;
  }

  #expect(length: number): void {
    if (length === this.#length) return;
    this.#ids.expect(length, this.#length);
    this.#length = length;
  }

  /** Arrays that are pushed to have room for sixteen more. */
  #keep(ids: readonly string[], id: string, most: number): readonly string[] {
    const [oldest, ...rest] = ids;
    if (oldest === undefined || ids.length < most) return [...ids, id];
    this.#ids.release(oldest);
    return [...rest, id];
  }

  /** Lets go of an ID that a client has named, because a backend has issued it to another session. */
  giveUp(id: string): void {
    this.#named = this.#named.filter((each) => each !== id);
  }

  /** Lets go of every ID. */
  end(): void {
    for (const id of this.#issued) this.#ids.release(id);
    for (const id of this.#named) this.#ids.release(id);
    this.#issued = this.#named = NONE;
    this.#expect(0);
  }
}

const NONE: readonly string[] = [];
const NO_BYTES = new Uint8Array(0);

function isUsable(length: number): boolean {
  return length >= MIN_LENGTH && length <= MAX_LENGTH;
}

function isAt(id: Uint8Array, datagram: Uint8Array, start: number, length: number): boolean {
  if (id.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (id[i] !== datagram[start + i]) return false;
  }
  return true;
}
