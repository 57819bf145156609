import assert from "node:assert/strict";
import type { Listener } from "../../lib/runtime/runtime.ts";
import {
  edgeProof,
  isAgentProof,
  storedOf,
  type Token,
  transcriptOf,
  unguessable,
} from "../../lib/tunnel/auth.ts";
import { Channel } from "../../lib/tunnel/channel.ts";
import { ALPN, type Message, type MessageOf } from "../../lib/tunnel/messages.ts";
import type { MemoryNet } from "./memory_net.ts";
import { memoryPin, type MemoryTls } from "./memory_tls.ts";

const AT = { address: "127.0.0.1", port: 7835, backlog: 16 };

/** The other end of an agent, of which the test says every word. */
export class ScriptedEdge {
  /** What stands for its certificate. */
  certificate = "c";
  readonly #net: MemoryNet;
  readonly #tls: MemoryTls;
  readonly #channels: Channel[] = [];
  #listener: Listener;

  constructor(net: MemoryNet, tls: MemoryTls) {
    this.#net = net;
    this.#tls = tls;
    this.#listener = net.listen(AT);
  }

  /** The next connection, as far as a channel. */
  async channel(): Promise<Channel> {
    const conn = await this.#tls.accept(await this.#listener.accept(), {
      certificate: this.certificate,
      privateKey: "k",
      alpn: ALPN,
      timeout: 5000,
    });
    const channel = new Channel(conn, "agent");
    this.#channels.push(channel);
    return channel;
  }

  /** The next connection, whose handshake fails on the agent's side. */
  async refusedByAgent(): Promise<void> {
    const channel = await this.channel();
    await assert.rejects(async () => assert.notEqual(await channel.receive(), null));
  }

  /** The next connection, which has to be a control channel, up to `hello`. */
  async hello(): Promise<{ readonly channel: Channel; readonly hello: MessageOf<"hello"> }> {
    const channel = await this.channel();
    const hello = await hear(channel, "hello");
    return { channel, hello };
  }

  /** The next connection, which logs in with this token; the edge's proof is that of `known`. */
  async login(token: Token, known = token): Promise<Control> {
    const { channel, hello } = await this.hello();
    const { agent: id, instance, nonce: agentNonce } = hello;
    assert.equal(id, token.id);
    const edgeNonce = unguessable();
    const certificate = memoryPin(this.certificate);
    const transcript = transcriptOf({ certificate, agentNonce, edgeNonce, instance, id });
    const stored = storedOf(known.secret);
    await channel.say({
      type: "challenge",
      nonce: edgeNonce,
      proof: edgeProof(stored, transcript),
    });
    const { proof } = await hear(channel, "login");
    assert.ok(isAgentProof(storedOf(token.secret), transcript, proof));
    return new Control(channel, instance);
  }

  /** The next control channel, which is let in. */
  async welcome(token: Token, heartbeat = 10_000): Promise<Control> {
    const control = await this.login(token);
    await control.say({ type: "welcome", domain: "t.example", heartbeat, silence: 15_000 });
    return control;
  }

  /** The next connection, which has to join with this ticket. */
  async joined(ticket: Uint8Array): Promise<Channel> {
    const channel = await this.channel();
    assert.deepEqual((await hear(channel, "join")).ticket, ticket);
    return channel;
  }

  /** Is not there any more. */
  async close(): Promise<void> {
    await this.#listener.close();
    for (const channel of this.#channels.splice(0)) channel.close();
  }

  /** Is there again. */
  open(): void {
    this.#listener = this.#net.listen(AT);
  }
}

/** A control channel, as the edge sees it. */
export class Control {
  constructor(readonly channel: Channel, readonly instance: Uint8Array) {}

  say(message: Message): Promise<void> {
    return this.channel.say(message);
  }

  /** The next message but for pings and pongs, which has to be of this type. */
  async hear<Type extends Message["type"]>(type: Type): Promise<MessageOf<Type>> {
    return await hear(this.channel, type);
  }

  /** Gives the next endpoint that is asked for. */
  async opens(place: { readonly name?: string; readonly port?: number } = { port: 20_000 }) {
    const asked = await this.hear("open");
    const address = place.name === undefined
      ? `${asked.kind}://t.example:${place.port}`
      : `${asked.kind}://${place.name}.t.example`;
    await this.say({ type: "opened", endpoint: asked.endpoint, address, ...place });
    return asked;
  }

  /** Hears the agent's goodbye, and closes as edges do. */
  async goodbye(): Promise<MessageOf<"goodbye">> {
    const goodbye = await this.hear("goodbye");
    this.channel.close();
    return goodbye;
  }

  /** Gives a ticket. */
  async ticket(): Promise<Uint8Array> {
    const ticket = unguessable();
    await this.say({ type: "tickets", tickets: [ticket], lifetime: 30_000 });
    return ticket;
  }
}

/** The next message but for pings and pongs, which has to be of this type. */
export async function hear<Type extends Message["type"]>(
  channel: Channel,
  type: Type,
): Promise<MessageOf<Type>> {
  for (;;) {
    const message = await channel.hear();
    if (message?.type === "ping" && type !== "ping") continue;
    if (message?.type === "pong" && type !== "pong") continue;
    assert.equal(message?.type, type, JSON.stringify(message));
    return message as MessageOf<Type>;
  }
}
