/**
 * Whether a server is who it should be, judged by its certificate.
 *
 * @module
 */
import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from "node:tls";
import { nameOf } from "./node_errors.ts";
import type { Trust } from "./runtime.ts";

/**
 * Why the server at the other end of a handshake is not to be trusted; `undefined` if it is.
 * @param shown Its certificate.
 * @param host The name or IP address that it was asked for.
 * @param now ms since 1970.
 */
export function distrust(
  socket: TLSSocket,
  shown: PeerCertificate,
  trust: Trust,
  host: string,
  now: number,
): string | undefined {
  if (!(shown.raw instanceof Uint8Array)) return "the server shows no certificate";
  if (trust.kind === "pin") {
    const seen = sha256Of(shown.raw);
    if (seen.length === trust.sha256.length && timingSafeEqual(seen, trust.sha256)) {
      return undefined;
    }
    return `the certificate is another one: its pin is ${hex(seen)}, not ${hex(trust.sha256)}`;
  }
  const { valid_from: from, valid_to: to } = shown;
  if (!(now >= Date.parse(from))) return `the certificate is valid only from ${from}`;
  if (!(now <= Date.parse(to))) return `the certificate has expired, on ${to}`;
  if (!socket.authorized) return `${untrusted(socket.authorizationError)}, ${trusted(trust)}`;
  if (checkServerIdentity(host, shown) === undefined) return undefined;
  return `the certificate is not for ${host}, but for ${shown.subjectaltname ?? "no name"}`;
}

/** @param error Its text, or an error that has it as its code. */
function untrusted(error: unknown): string {
  return nameOf(error) === "DEPTH_ZERO_SELF_SIGNED_CERT" || error === "DEPTH_ZERO_SELF_SIGNED_CERT"
    ? "the certificate is signed by itself alone"
    : "the certificate is of an unknown authority";
}

function trusted({ kind }: Trust): string {
  return kind === "authorities"
    ? "and not among the trusted ones"
    : "so its pin or its authority has to be given";
}

/** The pin of the first certificate of `pem`: the SHA-256 of its DER. */
export function pinOf(pem: string): Uint8Array {
  return sha256Of(new X509Certificate(pem).raw);
}

export function sha256Of(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}
