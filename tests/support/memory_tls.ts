import { createHash } from "node:crypto";
import type { SocketAddress } from "../../lib/addr.ts";
import {
  type AcceptOptions,
  type Awaitable,
  type Conn,
  type Deadline,
  type Listener,
  type ListenOptions,
  NetError,
  type SecureConn,
  type SecureConnectOptions,
  type Tls,
} from "../../lib/runtime/runtime.ts";
import { Timeouts } from "../../lib/timeouts.ts";
import type { ManualClock } from "./clock.ts";
import type { MemoryNet } from "./memory_net.ts";

/** What {@linkcode MemoryTls} takes for the pin of a certificate, which may be any text. */
export function memoryPin(certificate: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(certificate).digest());
}

/**
 * Secured connections in memory: nothing is secret, but a handshake takes a round trip, both ends have to speak the same
 * protocol, and of trust it knows pins; every other kind trusts everybody.
 */
export class MemoryTls implements Tls {
  readonly #net: MemoryNet;
  readonly #timeouts: Timeouts;

  constructor(net: MemoryNet, clock: ManualClock) {
    this.#net = net;
    this.#timeouts = new Timeouts(clock);
  }

  listen(options: ListenOptions): Promise<Listener> {
    return Promise.resolve(this.#net.listen(options));
  }

  async accept(conn: Conn, options: AcceptOptions): Promise<SecureConn> {
    const { certificate, alpn, timeout, first = new Uint8Array(0) } = options;
    return await this.#closing(conn, timeout, async (deadline) => {
      const hello = await readExactly(conn, HELLO_LENGTH, deadline, first);
      if (new TextDecoder().decode(hello).trimEnd() !== alpn) {
        throw new NetError("other", `the client does not speak ${alpn}`);
      }
      const pin = memoryPin(certificate);
      await conn.write(pin);
      return new MemorySecureConn(conn, pin);
    });
  }

  async connect(to: SocketAddress, options: SecureConnectOptions): Promise<SecureConn> {
    const { alpn, timeout, trust } = options;
    const conn = await this.#net.connect(to, { timeout });
    return await this.#closing(conn, timeout, async (deadline) => {
      await conn.write(new TextEncoder().encode(alpn.padEnd(HELLO_LENGTH)));
      const pin = await readExactly(conn, 32, deadline);
      if (trust.kind === "pin" && trust.sha256.toHex() !== pin.toHex()) {
        const wanted = trust.sha256.toHex();
        throw new NetError(
          "untrusted",
          `the certificate is another one: its pin is ${pin.toHex()}, not ${wanted}`,
        );
      }
      return new MemorySecureConn(conn, pin);
    });
  }

  async #closing<T>(
    conn: Conn,
    timeout: number,
    body: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    const deadline = this.#timeouts.start(timeout);
    try {
      return await body(deadline);
    } catch (error) {
      conn.close();
      throw error;
    } finally {
      deadline.cancel();
    }
  }
}

const HELLO_LENGTH = 64;

async function readExactly(
  conn: Conn,
  length: number,
  deadline: Deadline,
  first: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  bytes.set(first);
  for (let at = first.length; at < length;) {
    const read = await conn.read(bytes.subarray(at), deadline);
    if (read === undefined) throw new NetError("timeout", "no handshake in time");
    if (read === null) throw new NetError("reset", "Connection reset by peer");
    at += read;
  }
  return bytes;
}

class MemorySecureConn implements SecureConn {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;

  constructor(private readonly conn: Conn, readonly certificate: Uint8Array) {
    this.local = conn.local;
    this.remote = conn.remote;
  }

  read(into: Uint8Array, deadline?: Deadline): Awaitable<number | null | undefined> {
    return this.conn.read(into, deadline);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.conn.closeWrite();
  }

  setNoDelay(): void {
    this.conn.setNoDelay();
  }

  setKeepAlive(idle: number): void {
    this.conn.setKeepAlive(idle);
  }

  close(): void {
    this.conn.close();
  }
}
