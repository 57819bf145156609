/**
 * Tokens, and the proofs by which both ends of a login show that they know one (PROTOCOL.md, "Login").
 *
 * @module
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** What an agent logs in with. Its text is `id.secret`. */
export interface Token {
  readonly id: string;
  readonly secret: Uint8Array;
}

/** Length of secrets, nonces, proofs and tickets, bytes. */
export const SECRET_LENGTH = 32;
/** Length of what names one process of an agent, bytes. */
export const INSTANCE_LENGTH = 16;
/** Length of what says which of an agent's tokens is meant, bytes. */
export const KEY_LENGTH = 8;
/** What stands for the certificate where there is no TLS. */
export const NO_CERTIFICATE: Uint8Array = new Uint8Array(32);

/** Whether `text` can be the id of an agent. */
export function isAgentId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text);
}

/** Bytes that nobody can guess: a secret, a nonce, a ticket. */
export function unguessable(length = SECRET_LENGTH): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A new token. */
export function createToken(id: string): Token {
  return { id, secret: unguessable() };
}

export function formatToken({ id, secret }: Token): string {
  return `${id}.${toBase64url(secret)}`;
}

/** Reads the text of a token; space around it does not count. */
export function parseToken(text: string): Token | undefined {
  const [, id = "", encoded = ""] = /^\s*(.+)\.([A-Za-z0-9_-]{43})\s*$/.exec(text) ?? [];
  const secret = fromBase64url(encoded);
  return isAgentId(id) && secret?.length === SECRET_LENGTH ? { id, secret } : undefined;
}

/** What the edge keeps of a token; its `token_sha256` is this in hex. */
export function storedOf(secret: Uint8Array): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

/** Which of an agent's tokens it is, without a hint at the token itself. */
export function keyOf(stored: Uint8Array): Uint8Array {
  return createHash("sha256").update("sluice-tunnel/1 key").update(stored).digest()
    .subarray(0, KEY_LENGTH);
}

/** What the edge takes for the stored secret of an id that it does not know: nobody's, and the same every time. */
export function decoyStored(id: string, ownSecret: Uint8Array): Uint8Array {
  return hmac(ownSecret, "decoy", new TextEncoder().encode(id));
}

/** What a login is about. */
export interface Login {
  /** The SHA-256 of the edge's certificate in DER, or {@linkcode NO_CERTIFICATE}. */
  readonly certificate: Uint8Array;
  /** The nonce of `hello`. */
  readonly agentNonce: Uint8Array;
  /** The nonce of `challenge`. */
  readonly edgeNonce: Uint8Array;
  readonly instance: Uint8Array;
  readonly id: string;
}

/** The hash of all that both ends have to agree on. */
export function transcriptOf(
  { certificate, agentNonce, edgeNonce, instance, id }: Login,
): Uint8Array {
  const hash = createHash("sha256").update("sluice-tunnel/1 login");
  for (const part of [certificate, agentNonce, edgeNonce, instance]) hash.update(part);
  return hash.update(id).digest();
}

/** The proof of `challenge`: the edge knows what it keeps of the token. */
export function edgeProof(stored: Uint8Array, transcript: Uint8Array): Uint8Array {
  return hmac(stored, "edge", transcript);
}

/** The proof of `login`: the agent knows the secret itself, which only who has the stored one can take out again. */
export function agentProof(secret: Uint8Array, transcript: Uint8Array): Uint8Array {
  return xor(secret, hmac(storedOf(secret), "agent", transcript));
}

/** Whether the edge's proof is right. Takes the same time for every wrong one. */
export function isEdgeProof(
  stored: Uint8Array,
  transcript: Uint8Array,
  proof: Uint8Array,
): boolean {
  return areEqual(proof, edgeProof(stored, transcript));
}

/** Whether the agent's proof is right. Takes the same time for every wrong one. */
export function isAgentProof(
  stored: Uint8Array,
  transcript: Uint8Array,
  proof: Uint8Array,
): boolean {
  if (proof.length !== SECRET_LENGTH) return false;
  return areEqual(storedOf(xor(proof, hmac(stored, "agent", transcript))), stored);
}

/** Whether both have the same bytes, in a time that tells nothing of where they differ. */
export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** RFC 4648 §5, without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Reads what {@linkcode toBase64url} writes, and no other spelling of it. */
export function fromBase64url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const padded = text.padEnd(Math.ceil(text.length / 4) * 4, "=");
  try {
    return Uint8Array.fromBase64(padded, { alphabet: "base64url", lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}

function hmac(key: Uint8Array, label: string, message: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(label).update(message).digest();
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}
