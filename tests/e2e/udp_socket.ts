/**
 * A UDP socket of a test, on 127.0.0.1.
 *
 * @module
 */
import { within } from "../support/child.ts";
import { concat } from "../support/bytes.ts";
import type { Scope } from "../support/children.ts";

/** How long an answer may take, ms. */
const PATIENCE = 20_000;
/** After this time without an answer a client asks again, ms. */
const RESEND = 250;

/** Called for each datagram, with the port that sent it; the bytes are good until it returns. */
export type Received = (datagram: Uint8Array, from: number) => void;

/** A socket that hands over what it gets, closed at the end of the test at the latest. */
export class UdpSocket {
  readonly port: number;
  readonly #socket: Deno.DatagramConn;
  #sent: Promise<unknown> = Promise.resolve();

  constructor(scope: Scope, received: Received) {
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    this.port = (this.#socket.addr as Deno.NetAddr).port;
    scope.atEnd(() => this.close());
    void this.#read(received);
  }

  /** Its address, as in the access log. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Sends a copy, behind those before; whether it arrives nobody knows. */
  send(datagram: Uint8Array, port: number): void {
    const copy = datagram.slice();
    const to = { transport: "udp", hostname: "127.0.0.1", port } as const;
    // A closed socket sends no more, and loses what waits.
    this.#sent = this.#sent.then(() => this.#socket.send(copy, to)).catch(() => {});
  }

  close(): void {
    try {
      this.#socket.close();
    } catch {
      // The test has closed it.
    }
  }

  async #read(received: Received): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const [datagram, from] = await this.#socket.receive(buffer);
        received(datagram, (from as Deno.NetAddr).port);
      }
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      if (error instanceof Deno.errors.Interrupted) return;
      throw error;
    }
  }
}

/** A client that asks in text and waits for the answer. */
export class UdpClient {
  readonly socket: UdpSocket;
  readonly #port: number;
  readonly #answers: string[] = [];
  #news = Promise.withResolvers<void>();

  constructor(scope: Scope, port: number) {
    this.#port = port;
    this.socket = new UdpSocket(scope, (datagram) => {
      this.#answers.push(new TextDecoder().decode(datagram));
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    });
  }

  send(question: string): void {
    this.socket.send(concat(question), this.#port);
  }

  /** The next answer that has come or comes. */
  async answer(): Promise<string> {
    return await within(PATIENCE, "answer", this.#next());
  }

  /** Sends `question` once, and returns the next answer. */
  async ask(question: string): Promise<string> {
    this.send(question);
    return await this.answer();
  }

  /**
   * Sends `question` until an answer with it at its end comes, as clients do where datagrams get lost.
   * @returns The answer, and how often it took.
   */
  async insist(question: string): Promise<{ readonly answer: string; readonly attempts: number }> {
    return await within(PATIENCE, `answer to ${question}`, this.#insist(question));
  }

  async #insist(question: string): Promise<{ answer: string; attempts: number }> {
    let attempts = 0;
    const ask = () => {
      attempts++;
      this.send(question);
    };
    const timer = setInterval(ask, RESEND);
    try {
      ask();
      for (;;) {
        const answer = await this.#next();
        if (answer.endsWith(question)) return { answer, attempts };
      }
    } finally {
      clearInterval(timer);
    }
  }

  async #next(): Promise<string> {
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      await this.#news.promise;
    }
  }
}
