/**
 * Sockets of Bun.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { Timeouts } from "../timeouts.ts";
import { BunConn } from "./bun_conn.ts";
import { Connecting } from "./bun_connecting.ts";
import { bindDatagrams } from "./bun_datagrams.ts";
import { BunListener } from "./bun_listener.ts";
import { relay } from "./bun_relay.ts";
import { BunUpstreamSocket } from "./bun_upstream.ts";
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
} from "./runtime.ts";

/**
 * A Net on Bun.listen, Bun.connect and Bun.udpSocket. `close()` lets go of its timers once no connection is left.
 *
 * Bun gives every socket a turn in each round of its event loop, so there is no account of turns here.
 */
export class BunNet implements Net {
  readonly #timeouts: Timeouts;
  readonly #connecting: Connecting;

  constructor(clock: Clock) {
    this.#timeouts = new Timeouts(clock);
    this.#connecting = new Connecting(this.#timeouts);
  }

  listen(options: ListenOptions): Listener {
    return new BunListener(options);
  }

  connect(to: SocketAddress, { timeout }: ConnectOptions): Promise<Conn> {
    return this.#connecting.connect(to, timeout);
  }

  pipe(downstream: Conn, upstream: Conn, options: PipeOptions, listener: PipeListener): void {
    if (!(downstream instanceof BunConn && upstream instanceof BunConn)) {
      throw new TypeError("a pipe is for connections of its own Net");
    }
    relay(downstream, upstream, options, this.#timeouts, listener);
  }

  bind(at: SocketAddress, receiver: DatagramReceiver): DatagramListener {
    return bindDatagrams(at, receiver);
  }

  associate(to: SocketAddress, receiver: ReplyReceiver): UpstreamSocket {
    return new BunUpstreamSocket(to, receiver);
  }

  close(): void {
    this.#timeouts.close();
  }
}
