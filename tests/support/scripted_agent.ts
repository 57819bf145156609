import assert from "node:assert/strict";
import type { SocketAddress } from "../../lib/addr.ts";
import type { Net, SecureConn, Tls } from "../../lib/runtime/runtime.ts";
import {
  agentProof,
  isEdgeProof,
  keyOf,
  NO_CERTIFICATE,
  storedOf,
  type Token,
  transcriptOf,
  unguessable,
} from "../../lib/tunnel/auth.ts";
import { Channel } from "../../lib/tunnel/channel.ts";
import { ALPN, type Message, type MessageOf } from "../../lib/tunnel/messages.ts";

/** The other end of an edge, of which the test says every word. */
export class ScriptedAgent {
  readonly control: Channel;
  readonly tickets: Uint8Array[] = [];
  /** Of the process. */
  readonly instance: Uint8Array;
  readonly #tls: Tls;
  readonly #edge: SocketAddress;

  private constructor(tls: Tls, edge: SocketAddress, control: Channel, instance: Uint8Array) {
    this.instance = instance;
    this.#tls = tls;
    this.#edge = edge;
    this.control = control;
  }

  /** A channel that has said nothing yet. */
  static async connect(
    tls: Tls,
    edge: SocketAddress,
    instance = unguessable(16),
  ): Promise<ScriptedAgent> {
    return new ScriptedAgent(tls, edge, await connect(tls, edge), instance);
  }

  /** A control channel that has logged in. */
  static async logIn(
    tls: Tls,
    edge: SocketAddress,
    token: Token,
    instance?: Uint8Array,
  ): Promise<ScriptedAgent> {
    const agent = await this.connect(tls, edge, instance);
    try {
      await agent.sayProof(token);
      await agent.hear("welcome");
    } catch (error) {
      agent.close();
      throw error;
    }
    return agent;
  }

  /**
   * The login up to the proof; what comes then is the edge's word.
   * @param expected Whether the edge has to have the right proof.
   * @param certificate What stands for the one that the connection has shown.
   */
  async sayProof(
    { id, secret }: Token,
    expected: "right" | "any" = "right",
    certificate = (this.control.conn as SecureConn).certificate,
  ): Promise<void> {
    const { instance } = this;
    const nonce = unguessable();
    const stored = storedOf(secret);
    const hello = { type: "hello", version: 1, agent: id, instance, nonce, key: keyOf(stored) };
    await this.control.say(hello as Message);
    const challenge = await this.hear("challenge");
    const transcript = transcriptOf({
      certificate,
      agentNonce: nonce,
      edgeNonce: challenge.nonce,
      instance,
      id,
    });
    const isRight = isEdgeProof(stored, transcript, challenge.proof);
    assert.ok(isRight || expected === "any", "the edge's proof is wrong");
    await this.control.say({ type: "login", proof: agentProof(secret, transcript) });
  }

  /** What the edge says next, but for pings, which are answered, and tickets, which are kept. */
  async next(): Promise<Message | null> {
    for (;;) {
      const message = await this.control.hear();
      if (message?.type === "ping") await this.control.say({ type: "pong" });
      else if (message?.type === "tickets") this.tickets.push(...message.tickets);
      else return message ?? null;
    }
  }

  /** The next message, which has to be of this type. */
  async hear<Type extends Message["type"]>(type: Type): Promise<MessageOf<Type>> {
    const message = await this.next();
    assert.equal(message?.type, type, JSON.stringify(message));
    return message as MessageOf<Type>;
  }

  /** Asks for an endpoint; gives the answer. */
  async open(wanted: Omit<MessageOf<"open">, "type">): Promise<Message | null> {
    await this.control.say({ type: "open", ...wanted });
    return await this.next();
  }

  /** A data channel that has joined with one of the tickets. */
  async join(ticket = this.tickets.shift()): Promise<Channel> {
    assert.ok(ticket, "no ticket is left");
    const channel = await connect(this.#tls, this.#edge);
    await channel.say({ type: "join", ticket });
    return channel;
  }

  close(): void {
    this.control.close();
  }
}

async function connect(tls: Tls, edge: SocketAddress): Promise<Channel> {
  const conn = await tls.connect(edge, { alpn: ALPN, trust: ANY, timeout: 5000 });
  return new Channel(conn, "edge");
}

/** Stands for TLS where there is none. */
export function withoutTls(net: Net): Tls {
  return {
    listen: () => Promise.reject(new TypeError("nobody listens here")),
    accept: () => Promise.reject(new TypeError("nobody listens here")),
    connect: async (to, options) =>
      Object.assign(await net.connect(to, options), { certificate: NO_CERTIFICATE }),
  };
}

/** Any certificate will do: these tests are about what comes after it. */
const ANY = { kind: "system" } as const;
