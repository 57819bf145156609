/**
 * A control channel that has logged in: the edge is asked for the endpoints, and gives tickets for its visitors.
 *
 * @module
 */
import { type Deadline, NetError } from "../../runtime/runtime.ts";
import type { Timeout, Timeouts } from "../../timeouts.ts";
import type { Channel } from "../channel.ts";
import { ProtocolError } from "../frames.ts";
import type { Farewell, Message, MessageOf } from "../messages.ts";
import type { DataChannels } from "./data_channels.ts";
import type { Exposed, Exposure } from "./exposure.ts";
import type { Journal } from "./journal.ts";

/** An endpoint that the edge has refused is asked for again after so long, ms: another agent may have given it up. */
const ASK_AGAIN = 60_000;
/** No edge is told more often that this side is there, ms. */
const SHORTEST_HEARTBEAT = 100;
/** How long a farewell may take, ms. */
const PATIENCE = 1_000;

export interface ControlParts {
  readonly timeouts: Timeouts;
  readonly exposure: Exposure;
  readonly channels: DataChannels;
  readonly journal: Journal;
}

/** Why a control channel has ended. */
export interface ControlEnd {
  readonly why: string;
  /** What the edge said. */
  readonly code?: Farewell;
  /** Whether the edge was silent, so that nothing of it is to be waited for. */
  readonly isSilent?: true;
}

/** Owns its channel. */
export class Control {
  readonly #channel: Channel;
  readonly #welcome: MessageOf<"welcome">;
  readonly #parts: ControlParts;
  #heartbeat: Timeout;
  #askingAgain: Timeout;
  #failure: string | undefined;
  /** Until the edge has heard a goodbye and closes. */
  #parting: Timeout | undefined;
  readonly #over = Promise.withResolvers<void>();

  constructor(channel: Channel, welcome: MessageOf<"welcome">, parts: ControlParts) {
    this.#channel = channel;
    this.#welcome = welcome;
    this.#parts = parts;
    const { timeouts } = parts;
    this.#heartbeat = timeouts.start(this.#interval, this.#beat);
    this.#askingAgain = timeouts.start(ASK_AGAIN, this.#askAgain);
  }

  /** Serves until the channel ends; never rejects. */
  async run(): Promise<ControlEnd> {
    const { exposure, channels } = this.#parts;
    for (const exposed of exposure.all) this.open(exposed);
    try {
      return await this.#listen();
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#part("malformed", error.message);
        await this.#untilClosed();
        return { why: `the edge does not speak the protocol: ${error.message}` };
      }
      if (!(error instanceof NetError)) throw error;
      return { why: `the connection to the edge is lost: ${this.#failure ?? error.message}` };
    } finally {
      for (const timer of [this.#heartbeat, this.#askingAgain, this.#parting]) timer?.cancel();
      channels.close();
      this.#channel.close();
      this.#over.resolve();
    }
  }

  /** Asks for an endpoint. */
  open(exposed: Exposed): void {
    exposed.isAsked = true;
    this.#say(exposed.request);
  }

  /** Gives an endpoint up. */
  shut({ number }: Exposed): void {
    this.#say({ type: "shut", endpoint: number });
  }

  /** Says goodbye; resolves when {@linkcode run} has ended, which is when the edge has heard it. */
  async leave(): Promise<void> {
    this.#part("leaving", "the agent has ended");
    await this.#over.promise;
  }

  /** Ends at once: then {@linkcode run} does, too. */
  close(): void {
    this.#channel.close();
  }

  #part(code: Farewell, message: string): void {
    this.#parting ??= this.#parts.timeouts.start(PATIENCE, () => this.#channel.close());
    this.#say({ type: "goodbye", code, message });
  }

  async #listen(): Promise<ControlEnd> {
    for (;;) {
      const message = await this.#hear();
      switch (message) {
        case undefined:
          return {
            why: `the edge was silent for ${this.#welcome.silence / 1000} s`,
            isSilent: true,
          };
        case null:
          return { why: "the edge has closed the connection" };
      }
      if (message.type === "goodbye") return { why: message.message, code: message.code };
      this.#take(message);
    }
  }

  /** Throws away what comes, so that the close is no reset, by which the other end might miss why. */
  async #untilClosed(): Promise<void> {
    const into = new Uint8Array(4096);
    try {
      while (await this.#channel.conn.read(into) != null);
    } catch {
      // It is closed.
    }
  }

  async #hear(): Promise<Message | null | undefined> {
    const silence: Timeout & Deadline = this.#parts.timeouts.start(this.#welcome.silence);
    try {
      return await this.#channel.hear(silence);
    } finally {
      silence.cancel();
    }
  }

  #take(message: Message): void {
    switch (message.type) {
      case "ping":
        return this.#say({ type: "pong" });
      case "pong":
        return;
      case "tickets":
        return this.#parts.channels.take(message.tickets, message.lifetime);
      case "opened":
        return this.#opened(message);
      case "rejected":
        return this.#rejected(message);
      default:
        throw new ProtocolError(`${message.type} may not come here`);
    }
  }

  #opened({ endpoint, address, name, port }: MessageOf<"opened">): void {
    const exposed = this.#answered(endpoint);
    // It was taken out of the configuration in the meantime.
    if (exposed === undefined) return this.#say({ type: "shut", endpoint });
    exposed.address = address;
    exposed.place = name ?? port;
    exposed.rejection = undefined;
    this.#tell();
  }

  #rejected({ endpoint, code, message }: MessageOf<"rejected">): void {
    const exposed = this.#answered(endpoint);
    if (exposed === undefined) return;
    const isNews = exposed.rejection !== code;
    exposed.rejection = code;
    if (isNews) this.#parts.journal.rejected(exposed.config.label, code, message);
    this.#tell();
  }

  /** The endpoint that an answer is about, if it was asked for and is still wanted. */
  #answered(number: number): Exposed | undefined {
    const exposed = this.#parts.exposure.get(number);
    if (exposed === undefined || !exposed.isAsked) return undefined;
    exposed.isAsked = false;
    return exposed;
  }

  /** Says what is served, when that is known of all. */
  #tell(): void {
    this.#parts.exposure.tell(this.#parts.journal);
  }

  get #interval(): number {
    return Math.max(this.#welcome.heartbeat, SHORTEST_HEARTBEAT);
  }

  readonly #beat = (): void => {
    this.#say({ type: "ping" });
    this.#heartbeat = this.#parts.timeouts.start(this.#interval, this.#beat);
  };

  readonly #askAgain = (): void => {
    for (const exposed of this.#parts.exposure.all) {
      if (exposed.rejection !== undefined && !exposed.isAsked) this.open(exposed);
    }
    this.#askingAgain = this.#parts.timeouts.start(ASK_AGAIN, this.#askAgain);
  };

  /** An edge that reads nothing any more is as good as gone: then the next read says why. */
  #say(message: Message): void {
    this.#channel.say(message).catch((error) => {
      this.#failure ??= error instanceof Error ? error.message : String(error);
      this.#channel.close();
    });
  }
}
