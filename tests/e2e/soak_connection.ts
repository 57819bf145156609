/**
 * One connection of the soak test: it knows where it must arrive, and that what comes back is its own.
 *
 * @module
 */
import { bytes, concat } from "../support/bytes.ts";
import { PATIENCE, within } from "../support/child.ts";
import { hello } from "../support/client_hello.ts";

/** What connections open with: each is routed by something else. */
export const KINDS = {
  web: (id) => bytes(`GET /${id} HTTP/1.1\r\nHost: web.example\r\n\r\n`),
  shell: (id) => bytes(`SSH-2.0-${id}\r\n`),
  fixed: (id) => concat(hello({ serverName: "fixed.example" }), bytes(id)),
  moving: (id) => concat(hello({ serverName: "moving.example" }), bytes(id)),
  other: (id) => bytes(`\0 hello ${id}\n`),
} as const satisfies Record<string, (id: string) => Uint8Array>;

export type Kind = keyof typeof KINDS;

/** A backend that answers for another connection, or one that it should not have reached: the fault to be found. */
export class Misrouted extends Error {
  override readonly name = "Misrouted";
}

/** A connection to an echo backend. */
export class SoakConnection {
  /** Its own address, as in the access log. */
  readonly address: string;
  readonly #conn: Deno.TcpConn;
  readonly #id: string;
  readonly #buffer = new Uint8Array(4096);

  private constructor(conn: Deno.TcpConn, id: string) {
    this.#conn = conn;
    this.#id = id;
    this.address = `${conn.localAddr.hostname}:${conn.localAddr.port}`;
  }

  static async connect(port: number, id: string): Promise<SoakConnection> {
    return new SoakConnection(await Deno.connect({ hostname: "127.0.0.1", port }), id);
  }

  /**
   * Says what its kind says first.
   * @returns The name of the backend that answers.
   */
  async open(kind: Kind): Promise<string> {
    const opening = KINDS[kind](this.#id);
    await this.#write(opening);
    let name = "";
    for (;;) {
      const [byte = 0] = await this.#read(1);
      if (byte === 0x0a) break;
      name += String.fromCharCode(byte);
    }
    this.#compare(opening, await this.#read(opening.length));
    return name;
  }

  /** Says something that no other connection says, and gets it back. */
  async exchange(number: number): Promise<void> {
    const message = bytes(`${this.#id} ${number}\n`);
    await this.#write(message);
    this.#compare(message, await this.#read(message.length));
  }

  close(): void {
    this.#conn.close();
  }

  #compare(sent: Uint8Array, got: Uint8Array): void {
    if (sent.every((byte, index) => byte === got[index])) return;
    throw new Misrouted(`${this.#id} got ${new TextDecoder().decode(got)}`);
  }

  async #write(message: Uint8Array): Promise<void> {
    for (let at = 0; at < message.length;) at += await this.#conn.write(message.subarray(at));
  }

  async #read(length: number): Promise<Uint8Array> {
    const buffer = this.#buffer.subarray(0, length);
    for (let at = 0; at < length;) {
      const got = await within(PATIENCE, "answer", this.#conn.read(buffer.subarray(at)));
      if (got === null) throw new Deno.errors.UnexpectedEof("the backend has gone");
      at += got;
    }
    return buffer;
  }
}
