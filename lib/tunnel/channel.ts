/**
 * Frames over a connection.
 *
 * @module
 */
import { type Conn, type Deadline, NetError } from "../runtime/runtime.ts";
import { encodeFrame, type End, type Frame, FrameReader, ProtocolError } from "./frames.ts";
import { encodeMessage, type Message, parseMessage } from "./messages.ts";

/** Most frames that wait to be sent. A peer that lets so many wait has stopped reading. */
const MOST_WAITING = 256;

/** A control channel or a data channel. Whoever holds it closes it. One receive at a time, and any number of sends. */
export class Channel {
  readonly conn: Conn;
  readonly #reader: FrameReader;
  #sending: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** @param peer Which end the other side is. */
  constructor(conn: Conn, peer: End) {
    this.conn = conn;
    this.#reader = new FrameReader(peer);
    // Both ends write whole frames, of which each is waited for.
    conn.setNoDelay();
  }

  /**
   * The next frame, whose payload holds until the next call. `data` may come in pieces.
   * @returns `null` at the end of the stream; `undefined` when `deadline` came first, and then nothing is lost.
   * @throws {ProtocolError} If it is none that may come, or the stream ends within it.
   * @throws {NetError} As {@linkcode Conn.read}.
   */
  async receive(deadline?: Deadline): Promise<Frame | null | undefined> {
    for (;;) {
      const frame = this.#reader.next();
      if (frame !== undefined) return frame;
      const length = await this.#read(deadline);
      if (length == null) return length;
    }
  }

  /**
   * Waits until something has come, and leaves it to the next call of {@linkcode receive}.
   * @returns Whether it has, or the stream has ended; `undefined` when `deadline` came first.
   * @throws As {@linkcode receive}.
   */
  async hasMore(deadline?: Deadline): Promise<boolean | undefined> {
    if (!this.#reader.isBetweenFrames) return true;
    const length = await this.#read(deadline);
    return length === undefined ? undefined : length !== null;
  }

  async #read(deadline: Deadline | undefined): Promise<number | null | undefined> {
    const length = await this.conn.read(this.#reader.room(), deadline);
    if (length != null) this.#reader.filled(length);
    else if (length === null && !this.#reader.isBetweenFrames) {
      throw new ProtocolError("the stream ends within a frame");
    }
    return length;
  }

  /** The next frame of those that have been read already. */
  get received(): Frame | undefined {
    return this.#reader.next();
  }

  /**
   * The next message.
   * @returns As {@linkcode receive}.
   * @throws As there, and {ProtocolError} if it is malformed, or no message.
   */
  async hear(deadline?: Deadline): Promise<Message | null | undefined> {
    const frame = await this.receive(deadline);
    if (frame == null) return frame;
    const message = parseMessage(frame);
    if (message === undefined) throw new ProtocolError(`malformed ${frame.type}`);
    return message;
  }

  /**
   * Sends a message behind those that wait.
   * @throws {NetError} As {@linkcode Conn.write}; `timeout` if too many wait already, because nobody reads them.
   */
  say(message: Message): Promise<void> {
    return this.write(encodeMessage(message));
  }

  /** As {@linkcode say}, for a datagram. */
  sendDatagram(datagram: Uint8Array): Promise<void> {
    return this.write(encodeFrame("datagram", datagram));
  }

  /** Writes frames that are encoded already, behind those that wait. The bytes are altered by nobody before it resolves. */
  write(frames: Uint8Array): Promise<void> {
    if (this.#waiting === MOST_WAITING) {
      return Promise.reject(new NetError("timeout", "the other end does not read"));
    }
    this.#waiting++;
    // What failed was told to who sent it; the next one gets an error of its own.
    const sent = this.#sending.then(() => this.conn.write(frames));
    this.#sending = sent.then(() => {}, () => {}).finally(() => this.#waiting--);
    return sent;
  }

  /** Closes at once. Safe to call twice. */
  close(): void {
    this.conn.close();
  }
}
