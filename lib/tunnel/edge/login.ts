/**
 * The edge's side of a login (PROTOCOL.md, "Login").
 *
 * @module
 */
import type { AgentConfig } from "../../config/config.ts";
import type { Deadline } from "../../runtime/runtime.ts";
import { decoyStored, edgeProof, isAgentProof, keyOf, transcriptOf, unguessable } from "../auth.ts";
import type { Channel } from "../channel.ts";
import { type Farewell, type MessageOf, PROTOCOL_VERSION } from "../messages.ts";

export interface LoginParts {
  readonly agents: readonly AgentConfig[];
  /** The SHA-256 of the edge's certificate, or what stands for it. */
  readonly certificate: Uint8Array;
  /** Of this process: what it takes for the secrets of agents that it does not know. */
  readonly ownSecret: Uint8Array;
}

export type LoginResult =
  | {
    readonly ok: true;
    readonly agent: AgentConfig;
    /** What is known of the token, as in the configuration. */
    readonly tokenHash: string;
  }
  | { readonly ok: false; readonly code: Farewell; readonly message: string };

/**
 * Answers `hello` and hears the proof. An id that nobody has takes the same way as a wrong secret.
 * @throws {NetError} As {@linkcode Channel.hear}.
 * @throws {ProtocolError} As there, and if something else comes than a proof.
 */
export async function logIn(
  channel: Channel,
  hello: MessageOf<"hello">,
  deadline: Deadline,
  { agents, certificate, ownSecret }: LoginParts,
): Promise<LoginResult> {
  if (hello.version !== PROTOCOL_VERSION) {
    const message =
      `this edge speaks version ${PROTOCOL_VERSION} of the protocol, the agent version ${hello.version}`;
    return { ok: false, code: "version", message };
  }
  const agent = agents.find(({ id }) => id === hello.agent);
  const stored = storedSecret(agent, hello) ?? decoyStored(hello.agent, ownSecret);
  const edgeNonce = unguessable();
  const { agent: id, instance, nonce: agentNonce } = hello;
  const transcript = transcriptOf({ certificate, agentNonce, edgeNonce, instance, id });
  await channel.say({
    type: "challenge",
    nonce: edgeNonce,
    proof: edgeProof(stored, transcript),
  });
  const said = await channel.hear(deadline);
  if (said === undefined) {
    return { ok: false, code: "timeout", message: "the login took too long" };
  }
  if (said?.type !== "login") {
    const message = said === null
      ? `who calls himself ${hello.agent} has left: his token is not the one that is known here`
      : `expected login, got ${said.type}`;
    return { ok: false, code: "malformed", message };
  }
  const isRight = isAgentProof(stored, transcript, said.proof);
  return isRight && agent !== undefined
    ? { ok: true, agent, tokenHash: stored.toHex() }
    : { ok: false, code: "unauthorized", message: "the agent's id or its token is wrong" };
}

/** What is known of the token that the agent means, where it may have several. */
function storedSecret(
  agent: AgentConfig | undefined,
  { key }: MessageOf<"hello">,
): Uint8Array | undefined {
  const known = agent?.tokenHashes.map((hash) => Uint8Array.fromHex(hash)) ?? [];
  const meant = key && known.find((stored) => keyOf(stored).toHex() === key.toHex());
  return meant ?? known[0];
}
