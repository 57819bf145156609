/**
 * A QUIC client of a test: Deno's own.
 *
 * @module
 */
import { within } from "../support/child.ts";
import { concat } from "../support/bytes.ts";
import type { Scope } from "../support/children.ts";

/** How long an answer may take, ms. */
const PATIENCE = 20_000;
/** Written at once; a transfer takes many. */
const CHUNK = 16_384;

export interface QuicClientOptions {
  readonly port: number;
  /** The name that it asks for and that the certificate must be for (SNI). */
  readonly serverName: string;
  readonly alpn: string;
  /** PEM of the one certificate that it believes. */
  readonly cert: string;
  /** How long it waits for a server that says nothing, ms. */
  readonly maxIdleTimeout?: number;
}

/** A connection to 127.0.0.1, closed at the end of the test at the latest. */
export class QuicClient {
  readonly #conn: Deno.QuicConn;

  private constructor(conn: Deno.QuicConn) {
    this.#conn = conn;
  }

  /** Rejects if the server has another certificate, or none of the protocol. */
  static async connect(
    scope: Scope,
    { port, serverName, alpn, cert, maxIdleTimeout = PATIENCE }: QuicClientOptions,
  ): Promise<QuicClient> {
    const endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
    scope.atEnd(() => endpoint.close({ closeCode: 0, reason: "the test is over" }));
    const conn = await Deno.connectQuic({
      endpoint,
      hostname: "127.0.0.1",
      port,
      serverName,
      alpnProtocols: [alpn],
      caCerts: [cert],
      maxIdleTimeout,
    });
    return new QuicClient(conn);
  }

  /** Says `text` on a stream; returns the name of the server and what came back. */
  async ask(text: string): Promise<{ readonly name: string; readonly text: string }> {
    const { name, bytes } = await this.echo(concat(text));
    return { name, text: new TextDecoder().decode(bytes) };
  }

  /** Sends `bytes` on a stream, bit by bit, while it reads what comes back. */
  async echo(bytes: Uint8Array): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
    const { readable, writable } = await this.#conn.createBidirectionalStream();
    const [, answer] = await within(
      PATIENCE,
      "answer of the QUIC server",
      Promise.all([writeAll(writable, bytes), new Response(readable).bytes()]),
    );
    const end = answer.indexOf(NEWLINE);
    const name = new TextDecoder().decode(answer.subarray(0, end));
    return { name, bytes: answer.subarray(end + 1) };
  }

  close(): void {
    this.#conn.close({ closeCode: 0, reason: "" });
  }
}

const NEWLINE = 0x0a;

async function writeAll(stream: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = stream.getWriter();
  for (let at = 0; at < bytes.length; at += CHUNK) {
    await writer.write(bytes.subarray(at, at + CHUNK));
  }
  await writer.close();
}
