/**
 * What the texts of a configuration mean: each reader takes one and returns its value.
 * They throw a `SyntaxError` that says what was expected and what was found.
 *
 * @module
 */
import {
  type Cidr,
  formatIp,
  isHostName,
  normalName,
  parseCidr,
  parseHostPort,
  parseIp,
  type SocketAddress,
} from "../addr.ts";
import type { ProxyVersion } from "./config.ts";
import { didYouMean } from "./suggest.ts";

/** An IPv4 address, in canonical form. */
export function parseListenAddressV4(text: string): string {
  if (text.includes(":") || parseIp(text) === undefined) {
    throw new SyntaxError(`expected an IPv4 address such as "192.0.2.1", got "${text}"`);
  }
  return text;
}

/** An IPv6 address, bare or in brackets, in canonical form. */
export function parseListenAddressV6(text: string): string {
  const ip = parseIp(text.replace(/^\[(.*)\]$/, "$1"));
  if (ip?.family !== 6) {
    throw new SyntaxError(`expected an IPv6 address such as "::1", got "${text}"`);
  }
  return formatIp(ip);
}

/** An IP address and a port. */
export function parseSocketAddress(text: string): SocketAddress {
  const { host: address, port } = parseHostPort(text);
  if (parseIp(address) === undefined) {
    throw new SyntaxError(
      `expected an IP address and a port such as "0.0.0.0:8080", got "${text}"`,
    );
  }
  return { address, port };
}

/** A network, or an address, which is a network of one. */
export function parseNetwork(text: string): Cidr {
  const network = parseCidr(text);
  if (network === undefined) {
    throw new SyntaxError(
      `expected an address or a network such as "192.0.2.0/24" or "2001:db8::/32", got "${text}"`,
    );
  }
  return network;
}

/** A name, `*.` and a name for all names below it, or an IP address; in normal form. */
export function parseNamePattern(text: string): string {
  if (text === "*") {
    throw new SyntaxError('"*" would be every name: leave this key out for that');
  }
  const ip = parseIp(text.replace(/^\[(.*)\]$/, "$1"));
  if (ip !== undefined) return formatIp(ip);
  const pattern = normalName(text);
  const name = pattern.startsWith("*.") ? pattern.slice(2) : pattern;
  if (!isHostName(name)) {
    throw new SyntaxError(
      `expected a name such as "example.com" or "*.example.com", got "${text}"${asciiHint(text)}`,
    );
  }
  return pattern;
}

/** Names travel in their ASCII form (RFC 5890 §2.3.2.1). */
function asciiHint(text: string): string {
  const plain = [...text].every((character) => character.charCodeAt(0) < 0x80);
  if (plain || !URL.canParse(`http://${text}`)) return "";
  return `; write it as "${new URL(`http://${text}`).hostname}"`;
}

/** An application protocol's name (RFC 7301 §3.1), case kept. */
export function parseAlpn(text: string): string {
  if (text.trim() === "" || text.length > 255) {
    throw new SyntaxError(`expected 1 to 255 characters such as "h2", got "${text}"`);
  }
  return text;
}

/** A regular expression of JavaScript, without flags. */
export function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: \/.*\/: /s, "");
    throw new SyntaxError(`expected a regular expression, got "${text}": ${why}`);
  }
}

/** The version of the PROXY protocol to send. */
export function parseProxyVersion(text: string): ProxyVersion | "none" {
  switch (text.toLowerCase()) {
    case "none":
      return "none";
    case "v1":
    case "1":
      return "v1";
    case "v2":
    case "2":
      return "v2";
    default:
      throw notOneOf(["none", "v1", "v2"], text);
  }
}

/** What to throw when `text` is none of a closed list. */
export function notOneOf(known: readonly string[], text: string): SyntaxError {
  const list = known.map((each) => `"${each}"`).join(", ");
  return new SyntaxError(`expected one of ${list}, got "${text}"${didYouMean(text, known)}`);
}

/** Bytes in base64 (RFC 4648 §4), padded or not. They may be secret, so the message does not repeat them. */
export function parseBase64(text: string): Uint8Array {
  const digits = text.replace(/={1,2}$/, "");
  if (!/^[A-Za-z0-9+/]+$/.test(digits) || digits.length % 4 === 1) {
    throw new SyntaxError("expected bytes in base64");
  }
  return Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
}

/** A host name, with or without a port. */
export function parsePrivateServerName(text: string): { host: string; port?: number } {
  const name = text.includes(":") ? parseHostPort(text) : { host: normalName(text) };
  if (!isHostName(name.host)) {
    throw new SyntaxError(
      `expected a name such as "example.com" or "example.com:443", got "${text}"`,
    );
  }
  return name;
}

/** A name that other names can be under, in normal form. */
export function parseDomain(text: string): string {
  const name = normalName(text);
  if (!isHostName(name) || parseIp(name) !== undefined || name.length > 253 - 64) {
    throw new SyntaxError(
      `expected a name such as "tunnel.example.com", got "${text}"${asciiHint(text)}`,
    );
  }
  return name;
}

/** A label of DNS in lower case, in which `*` stands for any characters. */
export function parseEndpointName(text: string): string {
  const name = text.toLowerCase();
  if (!/^[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?$/.test(name)) {
    throw new SyntaxError(`expected a name such as "blog" or "dev-*", got "${text}"`);
  }
  return name;
}

/** What an agent is called: a part of its token. */
export function parseAgentId(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)) {
    throw new SyntaxError(
      `expected a letter or a digit, then at most 62 more, ".", "_" or "-", got "${text}"`,
    );
  }
  return text;
}

/** The SHA-256 of a token's secret, in lower case. */
export function parseTokenHash(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new SyntaxError(
      "expected 64 hexadecimal digits, as `sluice edge token` prints them; the token itself belongs to the agent",
    );
  }
  return text.toLowerCase();
}

/** What a value is, in the words of error messages. */
export function describe(value: unknown): string {
  if (typeof value === "string") return `the text "${value}"`;
  if (typeof value === "number" || typeof value === "bigint") return `the number ${value}`;
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  return typeof value === "object" && value !== null ? "a table" : String(value);
}
