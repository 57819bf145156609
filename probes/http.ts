/**
 * HTTP/1.x, and HTTP/2 without TLS. The client sends first:
 *
 * ```
 * method SP target SP HTTP/1.x CR LF      request line (RFC 9112 §3); empty lines before it are ignored (§2.2)
 * name: value CR LF                       header fields (§5), read as far as Host
 * CR LF
 *
 * PRI * HTTP/2.0 CR LF CR LF SM CR LF CR LF      HTTP/2 with prior knowledge (RFC 9113 §3.4)
 * ```
 *
 * A bare LF ends a line too. The names of HTTP/2 come in its first request, packed, and a client may wait for the
 * server's first frame before it sends one. So the preface alone says that it is HTTP, and {@linkcode httpByHost} reads
 * on, for whom the name decides.
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { requestAuthority } from "./http_frames.ts";
import { attempt, type Facts, type Probe, probe, type ProbeResult } from "./probe.ts";

/** Longest method; the longest registered one has 17 characters. */
const MAX_METHOD_LENGTH = 64;
/** Where the header section, up to Host, must have ended, counted from the first byte: what servers accept. */
const MAX_HEAD_LENGTH = 16 * 1024;
/** Most fields before Host, so that asking again costs little. */
const MAX_FIELDS = 128;

/** What follows `PRI * HTTP/`. */
const PREFACE_END = "2.0\r\n\r\nSM\r\n\r\n";

const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const DEL = 0x7f;

/** Matches a request line and the fields up to Host, or the HTTP/2 preface; gives `host` and `details.version`. */
export const http: Probe = probe((head) => {
  if (!skipEmptyLines(head)) return undefined;
  const method = word(head, isTokenByte, MAX_METHOD_LENGTH);
  const target = method && word(head, isTargetByte, MAX_HEAD_LENGTH);
  if (method === undefined || target === undefined || !head.starts("HTTP/")) return undefined;
  if (method === "PRI" && target === "*") {
    return head.starts(PREFACE_END) ? facts("2") : undefined;
  }
  if (!head.starts("1.")) return undefined;
  const minor = head.u8() - 0x30;
  if (minor < 0 || minor > 9 || !endOfLine(head)) return undefined;

  // Where the target names the host, the Host field is to be ignored (RFC 9112 §3.2.2).
  const authority = method === "CONNECT"
    ? target
    : /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target)?.[1];
  const field = authority ?? hostField(head);
  return field === undefined ? undefined : facts(`1.${minor}`, hostName(field));
});

/**
 * The same, but for HTTP/2 it goes on to the first request and gives its `host`. Without one, because the client waits for
 * the server or says something else, it is HTTP nevertheless.
 */
export const httpByHost: Probe = (head, final) => {
  const result = http(head, final);
  if (result.kind !== "match" || result.facts.details?.["version"] !== "2") return result;
  const named = attempt(firstRequest, head, final);
  return named.kind === "no" ? result : named;
};

function firstRequest(head: ByteReader): ProbeResult {
  skipEmptyLines(head);
  head.skip(`PRI * HTTP/${PREFACE_END}`.length);
  const authority = requestAuthority(head);
  if (authority === undefined) return { kind: "no" };
  return { kind: "match", facts: facts("2", hostName(authority)) };
}

/** Whether there are few enough of them. */
function skipEmptyLines(head: ByteReader): boolean {
  while (head.peek() === CR || head.peek() === LF) {
    if (!endOfLine(head) || head.offset > MAX_METHOD_LENGTH) return false;
  }
  return true;
}

function facts(version: string, host?: string): Facts {
  return { protocol: "http", ...(host !== undefined && { host }), details: { version } };
}

/** Reads CR LF or a bare LF. */
function endOfLine(head: ByteReader): boolean {
  const first = head.u8();
  return first === LF || first === CR && head.u8() === LF;
}

/** Reads at least one byte that is accepted, and a space; the first byte that is neither says no. */
function word(
  head: ByteReader,
  accepts: (byte: number) => boolean,
  limit: number,
): string | undefined {
  let length = 0;
  for (let byte = head.peek(); byte !== SP; byte = head.peek(length)) {
    if (!accepts(byte) || ++length > limit) return undefined;
  }
  if (length === 0) return undefined;
  const text = head.text(length);
  head.skip(1);
  return text;
}

/** A byte of a token (RFC 9110 §5.6.2). */
function isTokenByte(byte: number): boolean {
  return tokenBytes[byte] === true;
}

const tokenBytes = Array.from(
  { length: 256 },
  (_, byte) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)),
);

/** A byte of a target: no control, no space. Clients do send bytes over 0x7F unescaped. */
function isTargetByte(byte: number): boolean {
  return byte > SP && byte !== DEL;
}

/**
 * The value of the first Host field; empty if the section ends without one, `undefined` if it goes on too long.
 *
 * A second Host is an error that the backend must answer (RFC 9112 §3.2). It is not waited for: whoever may
 * send the first may send the rest of the connection to the same backend anyway, whatever it names.
 */
function hostField(head: ByteReader): string | undefined {
  for (let fields = 0; fields < MAX_FIELDS; fields++) {
    const line = head.until(LF, MAX_HEAD_LENGTH - head.offset);
    if (line === undefined) return undefined;
    if (line === "" || line === "\r") return "";
    if (/^host:/i.test(line)) return line.slice("host:".length);
  }
  return undefined;
}

/**
 * `host`, `host:port` or `[address]:port` (RFC 3986 §3.2) with white space around, as a name in normal form.
 * What is not of this form, credentials before the name for one, names no host.
 */
function hostName(authority: string): string | undefined {
  const [, address, name] = HOST.exec(authority) ?? [];
  return (address ?? name)?.toLowerCase();
}

/** No byte but a last dot can belong to two of the parts in turn, so matching takes linear time. */
const HOST =
  /^[ \t]*(?:\[([0-9a-f:.]{2,45})\]|(?!\.)([\w.~!$&'()*+,;=%-]{1,254}?)\.?)(?::[0-9]{0,5})?[ \t]*\r?$/i;
