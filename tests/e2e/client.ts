/**
 * A client of a test, where a real one would do too little or too much.
 *
 * @module
 */
import { within } from "../support/child.ts";
import type { Scope } from "../support/children.ts";

/** How long an answer may take, ms. */
const PATIENCE = 20_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A TCP connection to 127.0.0.1, closed at the end of the test at the latest. */
export class Client {
  readonly #conn: Deno.TcpConn;
  readonly #buffer = new Uint8Array(65_536);
  #unread = "";
  #closed = false;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async connect(scope: Scope, port: number): Promise<Client> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    const client = new Client(conn);
    scope.atEnd(() => client.close());
    return client;
  }

  /** Its own address, as in the access log. */
  get address(): string {
    const { hostname, port } = this.#conn.localAddr;
    return `${hostname}:${port}`;
  }

  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#unread.indexOf("\n");
      if (end >= 0) {
        const line = this.#unread.slice(0, end);
        this.#unread = this.#unread.slice(end + 1);
        return line;
      }
      if (!await this.#read()) throw new Error(`the stream ended within a line: ${this.#unread}`);
    }
  }

  /** Says `text` in a line and returns the line that comes back. */
  async ask(text: string): Promise<string> {
    await this.send(`${text}\n`);
    return await this.line();
  }

  /** Reads to the end of the stream; returns what came and how it ended. */
  async rest(): Promise<{ readonly text: string; readonly end: "closed" | "reset" }> {
    let end: "closed" | "reset" = "closed";
    try {
      while (await this.#read());
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      end = "reset";
    }
    const text = this.#unread;
    this.#unread = "";
    return { text, end };
  }

  async closeWrite(): Promise<void> {
    await this.#conn.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  async #read(): Promise<boolean> {
    const length = await within(PATIENCE, "answer", this.#conn.read(this.#buffer));
    if (length === null) return false;
    this.#unread += decoder.decode(this.#buffer.subarray(0, length));
    return true;
  }
}
