/**
 * Sockets with one other end. The system tells when nobody listens there; that a host is out of reach it tells too seldom
 * and too late to count on (udp(7)): that shows by silence.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import { reportFault } from "../faults.ts";
import type { ReplyReceiver, Sending, UpstreamSocket } from "../runtime.ts";
import { connectedSocket, familyOf } from "./datagram_options.ts";
import { DatagramSocket } from "./datagram_socket.ts";
import { netErrorOf } from "./errors.ts";
import { ERRNO, SO_ERROR, SOL_SOCKET } from "./layout.ts";
import { getOption } from "./libc.ts";
import type { Transit } from "./transit.ts";

/** A flow's socket to its backend. There are as many as flows, so it has no memory of its own. */
export class LinuxUpstreamSocket extends DatagramSocket implements UpstreamSocket {
  readonly #receiver: ReplyReceiver;

  /** @throws {NetError} */
  constructor(to: SocketAddress, receiver: ReplyReceiver, transit: Transit) {
    super(connectedSocket(to), familyOf(to), transit);
    this.#receiver = receiver;
  }

  send(datagram: Uint8Array): Sending {
    this.dispatch(datagram);
    return undefined;
  }

  /** Tells of it later: who sends does not expect to hear of it meanwhile. */
  notSent(errno: number): void {
    this.transit.later(() => this.#fail(errno));
  }

  close(): void {
    this.end();
  }

  protected override onFailure(): void {
    this.#fail(getOption(this.fd, SOL_SOCKET, SO_ERROR));
  }

  protected override onReadable(): void {
    const result = this.#receive();
    if (result < 0 && result !== -ERRNO.EAGAIN) this.#fail(-result);
  }

  /**
   * Receives what has come, a bounded number of replies.
   * @returns How many; if there were none, the negative error number.
   */
  #receive(): number {
    const { received } = this.transit;
    const result = this.receive(false);
    for (let i = 0; i < result && !this.isClosed; i++) {
      const sending = this.#deliver(received.datagram(i));
      if (sending === undefined) continue;
      const rest = Array.from({ length: result - i - 1 }, (_, k) => received.datagram(i + 1 + k));
      this.#hold(sending, rest.map((datagram) => datagram.slice()));
      this.transit.leaveMemory();
      break;
    }
    return result;
  }

  #deliver(datagram: Uint8Array): Sending {
    try {
      return this.#receiver.received(datagram);
    } catch (fault) {
      reportFault(fault);
      return undefined;
    }
  }

  /** The next reply waits until this one is done with; what has been received of them already waits in `rest`. */
  #hold(sending: Promise<void>, rest: Uint8Array[]): void {
    this.isPaused = true;
    sending.then(() => {
      while (rest.length > 0 && !this.isClosed) {
        const next = this.#deliver(rest.shift()!);
        if (next !== undefined) return this.#hold(next, rest);
      }
      this.isPaused = false;
    });
  }

  /** Tells of an error, behind the replies that came before it. */
  #fail(errno: number): void {
    if (errno !== 0 && !this.isClosed && !this.isPaused) this.#receive();
    if (errno === 0 || this.isClosed) return;
    this.transit.poller.needsYield = true;
    try {
      this.#receiver.failed(netErrorOf(-errno));
    } catch (fault) {
      reportFault(fault);
    }
  }
}
