/**
 * Sockets of Linux: the Net of a data thread.
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import { Timeouts } from "../../timeouts.ts";
import type {
  Clock,
  Conn,
  ConnectOptions,
  DatagramListener,
  DatagramReceiver,
  Listener,
  ListenOptions,
  Net,
  PipeListener,
  PipeOptions,
  ReplyReceiver,
  UpstreamSocket,
} from "../runtime.ts";
import { connectTo } from "./connecting.ts";
import { LinuxDatagramListener } from "./datagram_listener.ts";
import { LinuxUpstreamSocket } from "./datagram_upstream.ts";
import { Transit } from "./transit.ts";
import { KernelPipes } from "./kernel_pipes.ts";
import { LinuxListener } from "./listener.ts";
import type { Poller } from "./poller.ts";
import { relay, relayBuffer, type RelayParts } from "./relay.ts";
import { LinuxConn } from "./streams.ts";

export interface LinuxNetOptions {
  /** Whether other threads of this process listen on the same addresses: each gets a part of the connections. */
  readonly sharesPorts: boolean;
}

/** A Net on the system's own calls. Somebody has to turn the poller: `Loop`, on a thread of its own. */
export class LinuxNet implements Net {
  readonly #poller: Poller;
  readonly #timeouts: Timeouts;
  readonly #relayParts: RelayParts;
  readonly #pipes = new KernelPipes();
  readonly #sharesPorts: boolean;
  /** There is none before the first datagram. */
  #datagrams: Transit | undefined;

  constructor(clock: Clock, poller: Poller, { sharesPorts }: LinuxNetOptions) {
    this.#poller = poller;
    this.#timeouts = new Timeouts(clock);
    this.#relayParts = {
      poller,
      timeouts: this.#timeouts,
      pipes: this.#pipes,
      buffer: relayBuffer(),
    };
    this.#sharesPorts = sharesPorts;
  }

  listen(options: ListenOptions): Listener {
    return new LinuxListener(options, this.#sharesPorts, this.#poller);
  }

  connect(to: SocketAddress, { timeout }: ConnectOptions): Promise<Conn> {
    return connectTo(to, timeout, this.#poller, this.#timeouts);
  }

  pipe(downstream: Conn, upstream: Conn, options: PipeOptions, listener: PipeListener): void {
    if (!(downstream instanceof LinuxConn && upstream instanceof LinuxConn)) {
      throw new TypeError("a pipe is for connections of its own Net");
    }
    relay(downstream, upstream, options, this.#relayParts, listener);
  }

  bind(at: SocketAddress, receiver: DatagramReceiver): DatagramListener {
    return new LinuxDatagramListener(at, receiver, this.#sharesPorts, this.#transit);
  }

  associate(to: SocketAddress, receiver: ReplyReceiver): UpstreamSocket {
    return new LinuxUpstreamSocket(to, receiver, this.#transit);
  }

  /** What who runs sluice should know of its ports for datagrams, in words. */
  get notices(): Iterable<string> {
    return this.#datagrams?.notices ?? [];
  }

  get #transit(): Transit {
    return this.#datagrams ??= new Transit(this.#poller);
  }

  /** Lets go of its timers and of what it keeps for later. Who opened sockets closes them. */
  close(): void {
    this.#timeouts.close();
    this.#pipes.close();
  }
}
