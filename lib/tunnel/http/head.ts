/**
 * The head of an HTTP/1.1 message (RFC 9112 §2.1):
 *
 * ```
 * method SP target SP HTTP/1.x CR LF      request line (§3)      HTTP/1.x SP status SP reason CR LF   status line (§4)
 * name: value CR LF                       fields (§5), any number
 * CR LF
 * ```
 *
 * A request is read by the letter. What a service might understand in another way than the agent does is refused: so
 * nobody can hide one request in another (§11.2). Of a service a bare LF for CR LF (§2.2) and a folded line (§5.2) are
 * taken, since what it sends is passed on as it is, whatever it means.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type Field, valuesOf } from "./fields.ts";

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** `1.0`, `1.1`; `2.0` is the beginning of an HTTP/2 connection (RFC 9113 §3.4). */
  readonly version: string;
  readonly fields: readonly Field[];
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly fields: readonly Field[];
}

/** A request head and the lines that it was made of, without their ends. */
export interface ParsedRequest {
  readonly head: RequestHead;
  /** Of the fields, in the same order. */
  readonly lines: readonly string[];
}

/** Longest head, bytes. */
export const LONGEST_HEAD = 65_536;
/** Most fields of a head. */
export const MOST_FIELDS = 1_000;

/** What cannot be understood, or not be believed. Thrown by the parsers, caught by the tap alone. It is no `Error`: nothing went wrong. */
export class BadMessage {
  /**
   * @param status What a visitor is answered who sent it.
   * @param why One sentence for people.
   */
  constructor(readonly status: RefusalStatus, readonly why: string) {}
}

export type RefusalStatus = 400 | 401 | 421 | 431 | 501 | 503 | 505;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Neither controls nor spaces; clients do send bytes over 0x7F as they are. */
const TARGET = /^[!-~\x80-\xff]+$/;

/**
 * Reads the head of a request, with the empty lines before it that are ignored (RFC 9112 §2.2).
 * @throws {BadMessage}
 */
export function parseRequestHead(bytes: Uint8Array): ParsedRequest {
  const text = latin1(bytes).replace(/^(?:\r\n)+/, "");
  const [first = "", ...lines] = text.split("\r\n").slice(0, -2);
  const isAmbiguous = !text.endsWith("\r\n\r\n") ||
    [first, ...lines].some((line) => /[\r\n]/.test(line));
  if (isAmbiguous) throw new BadMessage(400, "a line of the head does not end with CR LF");
  const [method = "", target = "", protocol = "", ...more] = first.split(" ");
  const version = /^HTTP\/(\d\.\d)$/.exec(protocol)?.[1];
  if (!TOKEN.test(method) || !TARGET.test(target) || version === undefined || more.length > 0) {
    throw new BadMessage(400, "the request line is malformed");
  }
  const isPreface = method === "PRI" && target === "*" && version === "2.0" && lines.length === 0;
  if (!version.startsWith("1.") && !isPreface) {
    throw new BadMessage(505, `HTTP/${version} is not spoken here`);
  }
  return {
    head: { method, target, version, fields: lines.length === 0 ? [] : parseFields(lines) },
    lines,
  };
}

/**
 * Reads the head of an answer.
 * @throws {BadMessage}
 */
export function parseResponseHead(bytes: Uint8Array): ResponseHead {
  const text = latin1(bytes).replace(/^[\r\n]+/, "").replace(/\r?\n[ \t]+/g, " ");
  const [first = "", ...lines] = text.split(/\r?\n/).slice(0, -2);
  const [, version, status, reason = ""] = /^HTTP\/(1\.\d) (\d{3})(?: (.*))?$/.exec(first) ?? [];
  if (version === undefined || status === undefined) {
    throw new BadMessage(400, "the status line is malformed");
  }
  return { status: Number(status), reason, version, fields: parseFields(lines) };
}

/** @throws {BadMessage} */
export function parseFields(lines: readonly string[]): Field[] {
  if (lines.length > MOST_FIELDS) throw new BadMessage(431, `more than ${MOST_FIELDS} fields`);
  return lines.map((line) => {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    if (!TOKEN.test(name) || /[\0\r\n]/.test(line)) {
      throw new BadMessage(400, "a field of the head is malformed");
    }
    return [name, trimmed(line, colon + 1)];
  });
}

/** `line` from `start` without the spaces and tabs at both ends; a pattern would take quadratic time. */
function trimmed(line: string, start: number): string {
  const isSpace = (at: number) => line[at] === " " || line[at] === "\t";
  let end = line.length;
  while (start < end && isSpace(start)) start++;
  while (start < end && isSpace(end - 1)) end--;
  return line.slice(start, end);
}

/** A name or an address, and perhaps a port (RFC 3986 §3.2). */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[\w.~!$&'()*+;=%-]*)(?::[0-9]{0,5})?$/i;

/**
 * Whom a request is for: its authority, as it says it.
 * @throws {BadMessage} If it says it not at all, twice, or in two ways (RFC 9112 §3.2).
 */
export function authorityOf({ method, target, version, fields }: RequestHead): string | undefined {
  const hosts = valuesOf(fields, "host");
  if (hosts.length > 1) throw new BadMessage(400, "more than one Host");
  const [host] = hosts;
  if (host === undefined && version !== "1.0") throw new BadMessage(400, "no Host");
  if (host !== undefined && !AUTHORITY.test(host)) {
    throw new BadMessage(400, "the Host is malformed");
  }
  if (method === "CONNECT") return host;
  const named = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];
  if (named !== undefined && host !== undefined && named.toLowerCase() !== host.toLowerCase()) {
    throw new BadMessage(400, "the target names another host than Host");
  }
  return named ?? host;
}

/** The name in an authority, in normal form; `undefined` if there is none. */
export function nameOf(authority: string): string | undefined {
  return AUTHORITY.exec(authority)?.[1]?.toLowerCase().replace(/\.$/, "") || undefined;
}

/** One character a byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** One byte a character. */
export function fromLatin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}
