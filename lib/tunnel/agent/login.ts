/**
 * The agent's side of a login (PROTOCOL.md, "Login").
 *
 * @module
 */
import type { Deadline } from "../../runtime/runtime.ts";
import {
  agentProof,
  isEdgeProof,
  keyOf,
  storedOf,
  type Token,
  transcriptOf,
  unguessable,
} from "../auth.ts";
import type { Channel } from "../channel.ts";
import { type Farewell, type Message, type MessageOf, PROTOCOL_VERSION } from "../messages.ts";

export interface LoginParts {
  readonly token: Token;
  /** Of this process, for as long as it lives. */
  readonly instance: Uint8Array;
  /** The SHA-256 of the edge's certificate, or what stands for it. */
  readonly certificate: Uint8Array;
  /** What the edge's log says of this agent. */
  readonly software: string;
}

export type LoginResult =
  | { readonly ok: true; readonly welcome: MessageOf<"welcome"> }
  /** With the code that the edge said, or would have: an edge that does not know the token cannot prove itself. */
  | { readonly ok: false; readonly code?: Farewell; readonly message: string };

/**
 * Says who this is, once the edge has shown that it knows the token.
 * @throws {NetError} As {@linkcode Channel.hear}.
 * @throws {ProtocolError} As there.
 */
export async function logIn(
  channel: Channel,
  deadline: Deadline,
  { token: { id, secret }, instance, certificate, software }: LoginParts,
): Promise<LoginResult> {
  const stored = storedOf(secret);
  const agentNonce = unguessable();
  await channel.say({
    type: "hello",
    version: PROTOCOL_VERSION,
    agent: id,
    instance,
    nonce: agentNonce,
    key: keyOf(stored),
    software,
  });
  const challenge = await channel.hear(deadline);
  if (challenge?.type !== "challenge") return refusal(challenge, "a challenge");
  const { nonce: edgeNonce, proof } = challenge;
  const transcript = transcriptOf({ certificate, agentNonce, edgeNonce, instance, id });
  if (!isEdgeProof(stored, transcript, proof)) {
    const message = `the edge does not know the token of agent "${id}"`;
    return { ok: false, code: "unauthorized", message };
  }
  await channel.say({ type: "login", proof: agentProof(secret, transcript) });
  const welcome = await channel.hear(deadline);
  return welcome?.type === "welcome" ? { ok: true, welcome } : refusal(welcome, "a welcome");
}

function refusal(said: Message | null | undefined, awaited: string): LoginResult {
  if (said === undefined) {
    return { ok: false, message: "the edge did not answer the login in time" };
  }
  if (said === null) return { ok: false, message: "the edge closed the connection at the login" };
  return said.type === "goodbye"
    ? { ok: false, code: said.code, message: said.message }
    : { ok: false, message: `the edge said ${said.type} in place of ${awaited}` };
}
