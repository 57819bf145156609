/**
 * Bound ports: datagrams of clients come in here, and their answers leave.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import { reportFault } from "../faults.ts";
import type { DatagramListener, DatagramReceiver, Peer, ReplySocket, Sending } from "../runtime.ts";
import { addressText, isMapped, Peers, RawPeer, rawPeer } from "./datagram_addresses.ts";
import { INTERFACE_BEHIND, isLinkLocal, MAPPED, type RawAddress } from "./datagram_layout.ts";
import { boundSocket, familyOf, isWildcard } from "./datagram_options.ts";
import { DatagramSocket } from "./datagram_socket.ts";
import { AF_INET, SO_ERROR, SOL_SOCKET } from "./layout.ts";
import { getOption } from "./libc.ts";
import { localOf } from "./streams.ts";
import type { Transit } from "./transit.ts";

/** Datagrams of a port whose bytes may be in use at once; then it receives no more until one is done with. */
const MOST_HELD = 64;

/**
 * Addresses behind a wildcard that answers leave from, at most. A machine has few, but may take whole networks for its
 * own, as it does 127.0.0.0/8; for what is beyond, the system chooses.
 */
const MOST_ADDRESSES = 1024;

/** A port at one address, or at all of them. */
export class LinuxDatagramListener extends DatagramSocket implements DatagramListener {
  readonly address: SocketAddress;
  readonly #receiver: DatagramReceiver;
  readonly #peers: Peers;
  /** Where answers leave from, one for each address that somebody sent to; without a source it is all others'. */
  readonly #sockets: LinuxReplySocket[];
  readonly #isWildcard: boolean;
  /** The one that the last datagram came to. */
  #last: LinuxReplySocket;
  #held = 0;

  /** @throws {NetError} */
  constructor(
    at: SocketAddress,
    receiver: DatagramReceiver,
    sharesPort: boolean,
    transit: Transit,
  ) {
    const family = familyOf(at);
    super(boundSocket(at, sharesPort, transit.notices), family, transit);
    this.address = localOf(this.fd);
    this.#receiver = receiver;
    this.#peers = new Peers(family);
    this.#isWildcard = isWildcard(at);
    this.#last = new LinuxReplySocket(this, this.address, undefined);
    this.#sockets = [this.#last];
  }

  /** Sends an answer. */
  answer(datagram: Uint8Array, to: Peer, source: RawAddress | undefined): void {
    const peer = to instanceof RawPeer ? to : rawPeer(to);
    if (peer === undefined || this.family === AF_INET && !isMapped(peer)) return;
    this.dispatch(datagram, peer, source);
  }

  /** That a client cannot be reached is nobody's business: it may be gone, or never have been there. */
  notSent(): void {}

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  /**
   * Resolves no promise, so the loop may block again: who waits for a name is woken by the message that brings it, and
   * who waits for time by the clock.
   */
  protected override onReadable(): void {
    const { received } = this.transit;
    const count = this.receive(true);
    const before = this.#held;
    for (let i = 0; i < count && !this.isClosed; i++) {
      const from = this.#peers.find(received.words, received.nameAt(i));
      const at = this.#isWildcard ? this.#socketOf(i) : this.#last;
      const sending = this.#deliver(received.datagram(i), from, at);
      if (sending !== undefined) this.#hold(sending);
    }
    if (this.#held > before) this.transit.leaveMemory();
  }

  /** Errors come to sockets with one other end; whatever it is, it is over. */
  protected override onFailure(): void {
    getOption(this.fd, SOL_SOCKET, SO_ERROR);
  }

  #deliver(datagram: Uint8Array, from: Peer, at: ReplySocket): Sending {
    try {
      return this.#receiver.received(datagram, from, at);
    } catch (fault) {
      reportFault(fault);
      return undefined;
    }
  }

  #hold(sending: Promise<void>): void {
    this.#held++;
    if (this.#held === MOST_HELD) this.isPaused = true;
    sending.then(() => {
      if (this.#held-- === MOST_HELD) this.isPaused = false;
    });
  }

  /** Where a datagram of those that were received came to. */
  #socketOf(i: number): LinuxReplySocket {
    const { received: { words }, received } = this.transit;
    const at = received.destinationAt(i, this.family);
    if (at < 0) return this.#sockets[0]!;
    if (this.family === AF_INET) return this.#find(0, 0, MAPPED, words[at]!, 0);
    const scope = isLinkLocal(words[at]!) ? words[at + INTERFACE_BEHIND]! : 0;
    return this.#find(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!, scope);
  }

  #find(a: number, b: number, c: number, d: number, scope: number): LinuxReplySocket {
    if (this.#last.isFrom(a, b, c, d, scope)) return this.#last;
    const known = this.#sockets.find((socket) => socket.isFrom(a, b, c, d, scope));
    return this.#last = known ?? this.#add({ a, b, c, d, scope });
  }

  #add(source: RawAddress): LinuxReplySocket {
    if (this.#sockets.length > MOST_ADDRESSES) return this.#sockets[0]!;
    const local = { address: addressText(source), port: this.address.port };
    const socket = new LinuxReplySocket(this, local, source);
    this.#sockets.push(socket);
    return socket;
  }
}

/** An address that answers leave from. */
class LinuxReplySocket implements ReplySocket {
  readonly local: SocketAddress;
  readonly #listener: LinuxDatagramListener;
  readonly #source: RawAddress | undefined;

  constructor(
    listener: LinuxDatagramListener,
    local: SocketAddress,
    source: RawAddress | undefined,
  ) {
    this.#listener = listener;
    this.local = local;
    this.#source = source;
  }

  get isFull(): boolean {
    return this.#listener.isFull;
  }

  isFrom(a: number, b: number, c: number, d: number, scope: number): boolean {
    const source = this.#source;
    return source !== undefined && source.d === d && source.a === a && source.b === b &&
      source.c === c && source.scope === scope;
  }

  send(datagram: Uint8Array, to: Peer): Sending {
    this.#listener.answer(datagram, to, this.#source);
    return undefined;
  }
}
