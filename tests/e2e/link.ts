/**
 * A way over TCP from one port of 127.0.0.1 to another, that can be cut and mended.
 *
 * @module
 */
import type { Scope } from "../support/children.ts";

export class Link {
  readonly port: number;
  readonly #to: number;
  readonly #listener: Deno.TcpListener;
  /** Both ends of each connection, in the order in which they were made. */
  readonly #pairs: Array<readonly [Deno.TcpConn, Deno.TcpConn]> = [];
  #mended: Promise<void> | undefined;
  #mend: () => void = () => {};

  constructor(scope: Scope, to: number) {
    this.#to = to;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    scope.atEnd(() => this.#close());
    void this.#accept();
  }

  /** From now on nothing gets through; connections stay, as those do whose cable was pulled. */
  cut(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#mended = promise;
    this.#mend = resolve;
  }

  /** What was held up gets through, and all that comes. */
  mend(): void {
    this.#mended = undefined;
    this.#mend();
  }

  /** Breaks the oldest connection that there is. */
  breakFirst(): void {
    for (const conn of this.#pairs.shift() ?? []) close(conn);
  }

  async #accept(): Promise<void> {
    for (;;) {
      let conn: Deno.TcpConn;
      try {
        conn = await this.#listener.accept();
      } catch {
        return;
      }
      await this.#mended;
      try {
        const other = await Deno.connect({ hostname: "127.0.0.1", port: this.#to });
        this.#pairs.push([conn, other]);
        void this.#pass(conn, other);
        void this.#pass(other, conn);
      } catch {
        close(conn);
      }
    }
  }

  async #pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let length; (length = await from.read(buffer)) !== null;) {
        await this.#mended;
        for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
      }
      await this.#mended;
      await to.closeWrite();
    } catch {
      close(from);
      close(to);
    }
  }

  #close(): void {
    this.mend();
    this.#listener.close();
    for (const conn of this.#pairs.flat()) close(conn);
  }
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}
