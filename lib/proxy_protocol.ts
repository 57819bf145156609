/**
 * The PROXY protocol, by which a proxy tells the next one who the client is (HAProxy's "The PROXY protocol,
 * versions 1 & 2", section numbers below are its own). Version 1 is a line of text (§2.1), at most 107 bytes:
 *
 * ```
 * PROXY TCP4|TCP6 source destination source-port destination-port CR LF
 * PROXY UNKNOWN anything CR LF
 * ```
 *
 * Version 2 is binary (§2.2):
 *
 * ```
 * signature "\r\n\r\n\0\r\nQUIT\n"      12
 * version (4 bits), command (4 bits)    1     2; LOCAL 0, PROXY 1
 * family (4 bits), transport (4 bits)   1     UNSPEC 0, IPv4 1, IPv6 2, unix 3; UNSPEC 0, STREAM 1, DGRAM 2
 * length of the rest                    2
 *   source, destination                 2 × 4, 2 × 16, 2 × 108
 *   source port, destination port       2 × 2, not with unix
 *   any number of: type 1, length 2, value
 * ```
 *
 * @module
 */
import type { ByteReader } from "../probes/bytes.ts";
import { attempt } from "../probes/probe.ts";
import { formatIp, type Ip, parseIp, type SocketAddress } from "./addr.ts";
import type { ProxyVersion } from "./config/config.ts";
import { asIpv6, ipBytes, readIp } from "./ip_bytes.ts";

/** What a header says. Without `source` and `destination` the connection's own addresses stand. */
export interface ProxyHeader {
  readonly version: ProxyVersion;
  readonly source?: SocketAddress;
  readonly destination?: SocketAddress;
  /** Bytes of the head that the header takes. */
  readonly length: number;
  /** Version 2's further fields, in their order, uninterpreted. */
  readonly tlvs: readonly Tlv[];
}

/** A field of version 2: its type (§2.2, `PP2_TYPE_…`) and its value, a view of the head. */
export interface Tlv {
  readonly type: number;
  readonly value: Uint8Array;
}

export type ProxyHeaderResult =
  | { readonly kind: "match"; readonly header: ProxyHeader }
  /** No header, or an invalid one: the specification wants the connection closed. */
  | { readonly kind: "no" }
  /** Ask again once the head has this many bytes. */
  | { readonly kind: "need"; readonly bytes: number };

/** Longest version 1 line, CR LF included (§2.1). */
const MAX_LINE = 107;
/** Most bytes that version 2 may announce behind its first 16. Addresses take 216 at most; fields beyond a few kB are no header. */
const MAX_V2_LENGTH = 4096;

const LINE_START = "PROXY ";
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const LF = 0x0a;

const LOCAL = 0;
const PROXY = 1;
const STREAM = 1;
const DGRAM = 2;
const IPV4 = 1;
const IPV6 = 2;
const UNIX = 3;
/** Both addresses of two unix sockets. */
const UNIX_ADDRESSES = 2 * 108;
const CRC32C = 0x03;

/**
 * Reads the header at the start of a connection.
 * @param head The first bytes of the connection.
 * @param final Whether no more will come. Then the answer is never `need`.
 */
export function parseProxyHeader(head: Uint8Array, final: boolean): ProxyHeaderResult {
  return attempt(
    (reader): ProxyHeaderResult => {
      const header = reader.starts(LINE_START)
        ? parseLine(reader)
        : reader.starts(SIGNATURE)
        ? parseBinary(reader, head)
        : undefined;
      return header === undefined ? { kind: "no" } : { kind: "match", header };
    },
    head,
    final,
  );
}

/** §2.1, behind the first word and its space. */
function parseLine(reader: ByteReader): ProxyHeader | undefined {
  const line = reader.until(LF, MAX_LINE - LINE_START.length - 1);
  const found = { version: "v1", length: reader.offset, tlvs: [] } as const;
  if (line === undefined || !line.endsWith("\r")) return undefined;
  const [protocol, source, destination, sourcePort, destinationPort, ...more] = line
    .slice(0, -1).split(" ");
  if (protocol === "UNKNOWN") return found;
  const ends = [
    lineAddress(protocol, source, sourcePort),
    lineAddress(protocol, destination, destinationPort),
  ];
  if (more.length > 0 || ends[0] === undefined || ends[1] === undefined) return undefined;
  return { ...found, source: ends[0], destination: ends[1] };
}

function lineAddress(protocol = "", address = "", port = ""): SocketAddress | undefined {
  const ip = parseIp(address);
  if (ip === undefined || protocol !== (address.includes(":") ? "TCP6" : "TCP4")) return undefined;
  if (!/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65535) return undefined;
  return { address: formatIp(ip), port: Number(port) };
}

/** §2.2, behind the signature. */
function parseBinary(reader: ByteReader, head: Uint8Array): ProxyHeader | undefined {
  const versionAndCommand = reader.u8();
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2 || command > PROXY) return undefined;
  const familyAndTransport = reader.u8();
  const family = familyAndTransport >> 4;
  const transport = familyAndTransport & 0x0f;
  // A LOCAL header's family means nothing, not even when it is wrong.
  if (command !== LOCAL && (family > UNIX || transport > DGRAM)) return undefined;
  const blockLength = reader.u16();
  if (blockLength > MAX_V2_LENGTH) return undefined;
  const block = reader.take(blockLength);
  const found = { version: "v2", length: reader.offset } as const;
  // Without family and transport nobody knows where addresses end, so the block is passed over as a whole.
  if (command === LOCAL || family === 0 || transport === 0) return { ...found, tlvs: [] };
  const ends = readEnds(block, family);
  const tlvs = readTlvs(block);
  if (
    !tlvs.every((tlv) => tlv.type !== CRC32C || checksumHolds(head.subarray(0, found.length), tlv))
  ) {
    return undefined;
  }
  // The addresses of datagrams and unix sockets cannot be those of this connection.
  return transport === STREAM ? { ...found, ...ends, tlvs } : { ...found, tlvs };
}

function readEnds(block: ByteReader, family: number): Pick<ProxyHeader, "source" | "destination"> {
  if (family === UNIX) {
    block.skip(UNIX_ADDRESSES);
    return {};
  }
  const ipFamily = family === IPV4 ? 4 : 6;
  const [source, destination] = [readIp(block, ipFamily), readIp(block, ipFamily)];
  return {
    source: { address: source, port: block.u16() },
    destination: { address: destination, port: block.u16() },
  };
}

/** Fields up to the first that does not fit: a receiver may pass over what it does not understand (§2.2). */
function readTlvs(block: ByteReader): readonly Tlv[] {
  const tlvs: Tlv[] = [];
  while (block.remaining >= 3) {
    const type = block.u8();
    const length = block.u16();
    if (length > block.remaining) break;
    tlvs.push({ type, value: block.bytes(length) });
  }
  return tlvs;
}

/** Whether the header has the CRC32C that it claims, reckoned with zeros in its place (§2.2.3). */
function checksumHolds(header: Uint8Array, { value }: Tlv): boolean {
  if (value.length !== 4) return false;
  const claimed = new DataView(value.buffer, value.byteOffset).getUint32(0);
  const zeroed = header.slice();
  zeroed.fill(0, value.byteOffset - header.byteOffset, value.byteOffset - header.byteOffset + 4);
  return crc32c(zeroed) === claimed;
}

/** The Castagnoli checksum (RFC 9260 Appendix A), bit by bit: it is wanted once a connection, of a few dozen bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/**
 * Writes the header that goes to a backend before the client's first byte.
 *
 * Of two families both ends are written as IPv6, the IPv4 one in its mapped form, as HAProxy does (`src/connection.c`,
 * `make_proxy_line_v1` and `_v2`): UNKNOWN would lose the client's address, and some receivers refuse it (§2.1).
 * @param client Who connected; `undefined`: nobody knows, and the header says so.
 * @param destination The address that the client connected to.
 * @param fields Further fields, of version 2 alone.
 */
export function encodeProxyHeader(
  version: ProxyVersion,
  client: SocketAddress | undefined,
  destination: SocketAddress,
  fields: readonly Tlv[] = [],
): Uint8Array {
  const ends = client && endsOf(client, destination);
  const ports = [client?.port ?? 0, destination.port] as const;
  switch (version) {
    case "v1":
      return encodeLine(ends, ports);
    case "v2":
      return encodeBinary(ends, ports, fields);
    default:
      return version satisfies never;
  }
}

interface Ends {
  readonly from: Ip;
  readonly to: Ip;
}

function endsOf(client: SocketAddress, destination: SocketAddress): Ends | undefined {
  const [from, to] = [parseIp(client.address), parseIp(destination.address)];
  if (from === undefined || to === undefined) return undefined;
  return from.family === to.family ? { from, to } : { from: asIpv6(from), to: asIpv6(to) };
}

function encodeLine(ends: Ends | undefined, ports: readonly [number, number]): Uint8Array {
  const said = ends === undefined
    ? "UNKNOWN"
    : `TCP${ends.from.family} ${formatIp(ends.from)} ${formatIp(ends.to)} ${ports.join(" ")}`;
  return new TextEncoder().encode(`${LINE_START}${said}\r\n`);
}

function encodeBinary(
  ends: Ends | undefined,
  ports: readonly [number, number],
  fields: readonly Tlv[],
): Uint8Array {
  const addresses = ends === undefined ? [] : [
    ...ipBytes(ends.from),
    ...ipBytes(ends.to),
    ...ports.flatMap((port) => [port >> 8, port & 0xff]),
  ];
  const block = addresses.concat(
    fields.flatMap(({ type, value }) => [type, value.length >> 8, value.length & 0xff, ...value]),
  );
  // A receiver must accept LOCAL; it may refuse PROXY without a family (§2.2), and HAProxy does.
  const command = ends === undefined ? LOCAL : PROXY;
  const family = ends === undefined ? 0 : (ends.from.family === 4 ? IPV4 : IPV6) << 4 | STREAM;
  return Uint8Array.from([
    ...Array.from(SIGNATURE, (character) => character.charCodeAt(0)),
    2 << 4 | command,
    family,
    block.length >> 8,
    block.length & 0xff,
    ...block,
  ]);
}
