/**
 * What a probe is: a pure function of the first bytes of a connection, with three answers.
 *
 * @module
 */
import { ByteReader, Shortage } from "./bytes.ts";

/** What a probe learned about a connection. */
export interface Facts {
  /** The protocol's name, as in the configuration. */
  readonly protocol: string;
  /** The name that the client asks for (TLS SNI), in lower case, without a trailing dot. */
  readonly serverName?: string;
  /** The application protocols that the client offers (TLS ALPN), in its order, case kept. */
  readonly alpns?: readonly string[];
  /** The HTTP Host, in lower case, without the port and a trailing dot. */
  readonly host?: string;
  /** By which a QUIC client first addresses its server, in hexadecimal (RFC 9000 §7.2). */
  readonly quicCid?: string;
  /** The name that a DNS client asks for, in lower case, without a trailing dot; `.` is the root. */
  readonly dnsName?: string;
  /** What else there is to say, for `explain`; no decision is made on it. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * A probe's answer. `match` and `no` never change as more bytes arrive; `need` says how many bytes the head
 * must have, counted from its start, before asking again can change anything.
 */
export type ProbeResult =
  | { readonly kind: "match"; readonly facts: Facts }
  | { readonly kind: "no" }
  | { readonly kind: "need"; readonly bytes: number };

/**
 * A protocol's detector.
 * @param head The first bytes of the connection; kept and altered by nobody.
 * @param final Whether no more will come (end of stream, timeout, full buffer). Then it never answers `need`.
 */
export type Probe = (head: Uint8Array, final: boolean) => ProbeResult;

/**
 * Makes a probe of a parser.
 *
 * @example
 * ```ts
 * const gopher = probe((head) => head.starts("/") ? { protocol: "gopher" } : undefined);
 * ```
 * @param parse Reads as a specification does and returns what it learned, or `undefined` if this is not the
 *   protocol. When the reader runs out, the answer is `need` at the open end of the stream and `no` elsewhere.
 */
export function probe(parse: (head: ByteReader) => Facts | undefined): Probe {
  const match = (head: ByteReader): ProbeResult => {
    const facts = parse(head);
    return facts === undefined ? NO : { kind: "match", facts };
  };
  return (head, final) => attempt(match, head, final);
}

const NO = { kind: "no" } as const;

/**
 * Parses bytes that may not all be here: what `parse` answers, or, when the reader ran out, `need` at the open end
 * of the stream and `no` elsewhere. For parsers whose find is not {@linkcode Facts}; the rest use {@linkcode probe}.
 * @param final Whether no more will come. Then the answer is never `need`.
 */
export function attempt<Answer>(
  parse: (reader: ByteReader) => Answer,
  bytes: Uint8Array,
  final: boolean,
): Answer | Exclude<ProbeResult, { kind: "match" }> {
  try {
    return parse(new ByteReader(bytes, !final));
  } catch (thrown) {
    if (!(thrown instanceof Shortage)) throw thrown;
    return thrown.wanted === undefined ? NO : { kind: "need", bytes: thrown.wanted };
  }
}
