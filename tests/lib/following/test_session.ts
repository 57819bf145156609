/**
 * Sessions of which nothing matters but the IDs in their datagrams: of QUIC, since its can be of any length.
 *
 * @module
 */
import { type Ids, type Owner, Trail } from "../../../lib/following/ids.ts";
import { concat, prefixed } from "../../support/bytes.ts";

/** A session at its client's address. */
export class TestSession implements Owner {
  readonly trail: Trail<TestSession>;
  constructor(readonly client: string, ids: Ids<TestSession>) {
    this.trail = new Trail(this, ids);
  }

  /** The backend issues an ID, in a packet of its handshake. */
  issue(id: string | Uint8Array): void {
    this.trail.reply(concat(0xe0, 0, 0, 0, 1, 0, prefixed(1, concat(id)), 0x40, 20));
  }

  /** The client addresses an ID, in a packet of its handshake. */
  name(id: string | Uint8Array): void {
    this.trail.request(handshake(id));
  }
}

/** A packet of a client's handshake. */
export const handshake = (id: string | Uint8Array) =>
  concat(0xe0, 0, 0, 0, 1, prefixed(1, concat(id)), 0, 0x40, 20);
/** A packet that comes after it. */
export const data = (id: string | Uint8Array) => concat(0x40, id, new Uint8Array(20));
