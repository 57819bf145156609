/**
 * The packets of a capture file. Classic pcap (draft-ietf-opsawg-pcap §4, §5), in the byte order that its magic number shows:
 *
 * ```
 * magic 4, version 2+2, reserved 8, snap length 4, FCS and link type 4
 * any number of: time 4+4, captured length 4, original length 4, packet
 * ```
 *
 * and pcapng (draft-ietf-opsawg-pcapng §3, §4), a chain of blocks:
 *
 * ```
 * type 4, total length 4, body, total length 4
 *   Section Header           byte-order magic 4, …           later blocks are in its byte order
 *   Interface Description    link type 2, reserved 2, snap length 4, …
 *   Simple Packet            original length 4, packet         of the first interface
 *   Enhanced Packet          interface 4, time 4+4, captured length 4, original length 4, packet, …
 * ```
 *
 * @module
 */
import type { ByteReader } from "../../probes/bytes.ts";
import { attempt } from "../../probes/probe.ts";

/** A packet as it was captured: its end may be missing. */
export interface Packet {
  /** What its first bytes are: a `LINKTYPE_` value of the tcpdump registry. */
  readonly linkType: number;
  /** A view of the file. */
  readonly bytes: Uint8Array;
}

/** What a capture file holds. */
export interface CaptureFile {
  readonly packets: readonly Packet[];
  /** Whether it ends before its last packet does, as while it is being written: that one is left out. */
  readonly isCutOff: boolean;
}

interface Interface {
  readonly linkType: number;
  /** Most bytes kept of a packet; 0: all. */
  readonly snapLength: number;
}

/** The magic numbers of pcap, as they stand in the file: times in µs and in ns, each in both byte orders. */
const PCAP_LITTLE = [0xd4c3b2a1, 0x4d3cb2a1];
const PCAP_BIG = [0xa1b2c3d4, 0xa1b23c4d];

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
/** The first byte of a section's byte-order magic 0x1a2b3c4d when the section is little-endian. */
const LITTLE_MAGIC = 0x4d;
/** The type of a block and its length, twice. */
const BLOCK_FRAME = 12;

/**
 * Reads a capture file.
 * @throws {SyntaxError} If it is no capture file, or a damaged one.
 */
export function readCaptureFile(bytes: Uint8Array): CaptureFile {
  const packets: Packet[] = [];
  const outcome = attempt(
    (file) => {
      readPackets(file, packets);
      return "whole" as const;
    },
    bytes,
    false,
  );
  if (outcome !== "whole" && outcome.kind === "no") {
    throw new SyntaxError(`damaged capture: what follows packet ${packets.length} does not fit`);
  }
  return { packets, isCutOff: outcome !== "whole" };
}

function readPackets(file: ByteReader, packets: Packet[]): void {
  const magic = file.remaining < 4 ? 0 : file.u32();
  if (PCAP_LITTLE.includes(magic)) readPcapPackets(file, true, packets);
  else if (PCAP_BIG.includes(magic)) readPcapPackets(file, false, packets);
  else if (magic === SECTION_HEADER) readPcapngPackets(file, packets);
  else throw new SyntaxError("no capture file: it begins neither as pcap nor as pcapng does");
}

/** The file behind its magic number. */
function readPcapPackets(file: ByteReader, little: boolean, packets: Packet[]): void {
  file.skip(2 + 2 + 8 + 4);
  const linkType = u32(file, little) & 0xffff;
  while (file.remaining > 0) {
    file.skip(4 + 4);
    const length = u32(file, little);
    file.skip(4);
    packets.push({ linkType, bytes: file.bytes(length) });
  }
}

/** The file behind the type of its first block, a Section Header. */
function readPcapngPackets(file: ByteReader, packets: Packet[]): void {
  let little = false;
  let interfaces: Interface[] = [];
  let type = SECTION_HEADER;
  for (;;) {
    if (type === SECTION_HEADER) {
      little = file.peek(4) === LITTLE_MAGIC;
      interfaces = [];
    }
    const length = u32(file, little);
    if (length < BLOCK_FRAME) {
      throw new SyntaxError(
        `damaged capture: a block of ${length} bytes after packet ${packets.length}`,
      );
    }
    const body = file.take(length - BLOCK_FRAME);
    file.skip(4);
    if (type === INTERFACE_DESCRIPTION) interfaces.push(readInterface(body, little));
    if (type === SIMPLE_PACKET) packets.push(readSimplePacket(body, little, interfaces));
    if (type === ENHANCED_PACKET) packets.push(readEnhancedPacket(body, little, interfaces));
    if (file.remaining === 0) return;
    type = u32(file, little);
  }
}

function readInterface(body: ByteReader, little: boolean): Interface {
  const linkType = little ? body.u16le() : body.u16();
  body.skip(2);
  return { linkType, snapLength: u32(body, little) };
}

function readSimplePacket(body: ByteReader, little: boolean, interfaces: Interface[]): Packet {
  const { linkType, snapLength } = described(interfaces, 0);
  // The captured length is not stated: what the interface keeps, without the padding to four bytes.
  const length = Math.min(u32(body, little), snapLength || Infinity, body.remaining);
  return { linkType, bytes: body.bytes(length) };
}

function readEnhancedPacket(body: ByteReader, little: boolean, interfaces: Interface[]): Packet {
  const { linkType } = described(interfaces, u32(body, little));
  body.skip(4 + 4);
  const length = u32(body, little);
  body.skip(4);
  return { linkType, bytes: body.bytes(length) };
}

/** @throws {SyntaxError} If the file has not described it. */
function described(interfaces: readonly Interface[], index: number): Interface {
  const found = interfaces[index];
  if (found === undefined) {
    throw new SyntaxError(
      `damaged capture: a packet of interface ${index}, which it does not describe`,
    );
  }
  return found;
}

function u32(reader: ByteReader, little: boolean): number {
  return little ? reader.u32le() : reader.u32();
}
