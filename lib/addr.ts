/**
 * IP addresses, networks and `host:port` as values.
 *
 * @module
 */

/** An IP address. IPv4-mapped IPv6 addresses (`::ffff:192.0.2.1`) are IPv4 ones: there is no other form of them here. */
export interface Ip {
  readonly family: 4 | 6;
  /** The address as a number: 32 or 128 bits. */
  readonly value: bigint;
}

/** The addresses that share the first `prefix` bits with `ip`; the bits of `ip` behind them are zero. */
export interface Cidr {
  readonly ip: Ip;
  readonly prefix: number;
}

/** One end of a connection. `address` is an IP address as {@linkcode formatIp} writes it. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** A host, by name or IP address, and a port. */
export interface HostPort {
  /** A name in lower case without a trailing dot, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

const MAPPED_PREFIX = 0xffffn;

/** Parses an IPv4 or IPv6 address (RFC 4291 §2.2), brackets and zone refused; `undefined` if it is neither. */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(":")) {
    const value = parseIpv4(text);
    return value === undefined ? undefined : { family: 4, value };
  }
  const value = parseIpv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === MAPPED_PREFIX
    ? { family: 4, value: value & 0xffff_ffffn }
    : { family: 6, value };
}

function parseIpv4(text: string): bigint | undefined {
  const octets = text.split(".");
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    // No leading zeros: some read them as octal.
    if (!/^(0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256 + Number(octet);
  }
  return BigInt(value);
}

function parseIpv6(text: string): bigint | undefined {
  const dotted = text.lastIndexOf(":") + 1;
  if (text.includes(".")) {
    const last = parseIpv4(text.slice(dotted));
    if (last === undefined) return undefined;
    text = `${text.slice(0, dotted)}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`;
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [front, back] = halves.map((half) => half === "" ? [] : half.split(":"));
  const groups = front!.length + (back?.length ?? 0);
  if (back === undefined ? groups !== 8 : groups > 7) return undefined;
  let value = 0n;
  for (const group of [...front!, ...Array<string>(8 - groups).fill("0"), ...back ?? []]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    value = value << 16n | BigInt(`0x${group}`);
  }
  return value;
}

/** Writes an address in its canonical form (RFC 5952 §4). */
export function formatIp(ip: Ip): string {
  if (ip.family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => ip.value >> shift & 0xffn).join(".");
  }
  const groups = Array.from({ length: 8 }, (_, i) => ip.value >> BigInt(112 - 16 * i) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(":");
  // The longest run of two or more zero groups, the first of equals, becomes "::" (§4.2).
  const longest = [...text.matchAll(/\b0(:0\b)+/g)]
    .reduce((best, run) => run[0].length > best.length ? run[0] : best, "");
  if (longest === "") return text;
  const at = text.search(new RegExp(`(^|:)${longest}(:|$)`));
  const front = text.slice(0, at);
  const back = text.slice(at === 0 ? longest.length + 1 : at + longest.length + 2);
  return `${front}::${back}`;
}

/** The canonical form of an address as a runtime writes it: mapped ones as IPv4, the rest unchanged. */
export function unmapped(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** Whom limits take for one client: an IPv4 address, or the /64 that an IPv6 address is in, of which one host has all. */
export function clientOf(address: string): string {
  const ip = parseIp(address);
  if (ip === undefined || ip.family === 4) return address;
  return formatIp({ family: 6, value: ip.value >> 64n << 64n });
}

/** Parses `192.0.2.0/24`, `2001:db8::/32`, or a bare address, which is a network of one; `undefined` if it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", length, ...more] = text.split("/");
  const ip = parseIp(address);
  if (ip === undefined || more.length > 0) return undefined;
  const bits = ip.family === 4 ? 32 : 128;
  if (length === undefined) return { ip, prefix: bits };
  if (!/^\d{1,3}$/.test(length)) return undefined;
  // A prefix of a mapped network counts the 96 bits before the IPv4 address.
  const prefix = Number(length) - (ip.family === 4 && address.includes(":") ? 96 : 0);
  if (prefix < 0 || prefix > bits) return undefined;
  const hostBits = BigInt(bits - prefix);
  return { ip: { family: ip.family, value: ip.value >> hostBits << hostBits }, prefix };
}

/** Writes a network so that {@linkcode parseCidr} reads it; a network of one as the address alone. */
export function formatCidr({ ip, prefix }: Cidr): string {
  return prefix === (ip.family === 4 ? 32 : 128) ? formatIp(ip) : `${formatIp(ip)}/${prefix}`;
}

/**
 * Parses `host:port`, `192.0.2.1:443` or `[2001:db8::1]:443`.
 * @throws {SyntaxError} Saying what was expected and what was found.
 */
export function parseHostPort(text: string): HostPort {
  const parts = text.match(/^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/);
  if (parts === null) {
    throw new SyntaxError(
      parseIp(text)?.family === 6
        ? `expected host:port, got "${text}"; an IPv6 address is written "[${text}]:443"`
        : `expected host:port, got "${text}"`,
    );
  }
  const [, bracketed, plain, digits = ""] = parts;
  const host = bracketed ?? plain!;
  const port = Number(digits);
  if (!/^\d+$/.test(digits) || port < 1 || port > 65535) {
    throw new SyntaxError(`expected a port from 1 to 65535, got "${digits}" in "${text}"`);
  }
  const ip = parseIp(host);
  if (bracketed !== undefined ? !ip || !bracketed.includes(":") : !ip && !isHostName(host)) {
    throw new SyntaxError(
      bracketed !== undefined
        ? `expected an IPv6 address in the brackets, got "${bracketed}"`
        : `expected a host name or an IP address, got "${host}"`,
    );
  }
  return { host: ip ? formatIp(ip) : normalName(host), port };
}

/** Writes a host and a port so that {@linkcode parseHostPort} reads them. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Writes one end of a connection, as {@linkcode formatHostPort} does. */
export function formatAddress({ address, port }: SocketAddress): string {
  return formatHostPort({ host: address, port });
}

/** Whether `name` is a host name (RFC 1123 §2.1); underscores and one trailing dot are accepted, as in DNS. */
export function isHostName(name: string): boolean {
  const labels = normalName(name).split(".");
  return name.length <= 254 &&
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) &&
    // A last label of digits is a mistyped IPv4 address, never a name (RFC 1123 §2.1).
    !/^\d+$/.test(labels.at(-1)!);
}

/** The form in which names are compared: lower case, without a trailing dot. */
export function normalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
