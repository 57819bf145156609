/**
 * DNS over UDP. A client sends a message that asks (RFC 1035 §4.1):
 *
 * ```
 * header     u16 ID | 1 bit QR 0 | 4 opcode | AA TC RD RA Z AD CD | 4 RCODE 0
 *            u16 questions 1 | u16 answers | u16 authorities | u16 additional
 * question   name | u16 type | u16 class
 * record     name | u16 type | u16 class | u32 TTL | u16 n, data
 * name       { u8 n < 64, n bytes }* | u8 0; in records, two bytes from 0xC000 on may point back to the rest
 * ```
 *
 * A query has records only for what it says of itself (EDNS, TSIG), and for what IXFR starts from (RFC 1995 §3).
 * NOTIFY (RFC 1996 §3) and UPDATE (RFC 2136 §2) are of the same form and name a zone instead of asking.
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { datagramProbe } from "./datagram.ts";

type Operation = "query" | "notify" | "update";

/** By opcode. */
const OPERATIONS: ReadonlyMap<number, Operation> = new Map([
  [0, "query"],
  [4, "notify"],
  [5, "update"],
]);

/** All flags and the RCODE, without QR and opcode. */
const FLAGS = 0x07ff;
const AUTHORITATIVE = 0x0400;
/** Recursion desired, authentic data, checking disabled (RFC 4035 §3.1.6, RFC 6840 §5.7). */
const FLAGS_OF_CLIENTS = 0x0100 | 0x0020 | 0x0010;

/** IN, CH, HS and ANY. */
const CLASSES: readonly number[] = [1, 3, 4, 255];
const SOA = 6;
const IXFR = 251;
/** An EDNS record and a signature. */
const MAX_ADDITIONAL = 2;

const MAX_LABEL_LENGTH = 63;
/** With the lengths of its labels (RFC 1035 §2.3.4). */
const MAX_NAME_LENGTH = 255;
const POINTER = 0xc000;

/** Of the registry of IANA, those that are asked for. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [1, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [SOA, "SOA"],
  [12, "PTR"],
  [15, "MX"],
  [16, "TXT"],
  [28, "AAAA"],
  [33, "SRV"],
  [35, "NAPTR"],
  [43, "DS"],
  [44, "SSHFP"],
  [48, "DNSKEY"],
  [52, "TLSA"],
  [64, "SVCB"],
  [65, "HTTPS"],
  [IXFR, "IXFR"],
  [255, "ANY"],
  [257, "CAA"],
]);

/**
 * Matches a whole message; gives `dnsName`, `details.operation`, `details.name` (as the client wrote it) and
 * `details.type`, the latter two of the zone if it does not ask.
 */
export const dns = datagramProbe((message) => {
  message.skip(2);
  const operation = readOperation(message.u16());
  if (operation === undefined || message.u16() !== 1) return undefined;
  const counts = { answers: message.u16(), authorities: message.u16(), additional: message.u16() };

  const name = readName(message);
  const type = message.u16();
  if (name === undefined || type === 0 || !CLASSES.includes(message.u16())) return undefined;
  if (!arePlausible(counts, operation, type)) return undefined;
  for (let i = counts.answers + counts.authorities + counts.additional; i > 0; i--) {
    if (!skipRecord(message)) return undefined;
  }
  if (message.remaining > 0) return undefined;
  return {
    protocol: "dns",
    dnsName: name.toLowerCase(),
    details: { operation, name, type: TYPES.get(type) ?? `TYPE${type}` },
  };
});

/** What the second word of the header says, with the flags that a client can have set. */
function readOperation(word: number): Operation | undefined {
  const operation = OPERATIONS.get(word >> 11);
  const allowed = FLAGS_OF_CLIENTS | (operation === "notify" ? AUTHORITATIVE : 0);
  return (word & FLAGS & ~allowed) === 0 ? operation : undefined;
}

/** The question's name as text, the root as `.`, others without a dot at the end (RFC 1035 §5.1, RFC 4343 §2.1). */
function readName(message: ByteReader): string | undefined {
  const start = message.offset;
  const labels: string[] = [];
  for (let length = message.u8(); length > 0; length = message.u8()) {
    const longest = Math.min(MAX_LABEL_LENGTH, MAX_NAME_LENGTH - 1 - (message.offset - start));
    if (length > longest) return undefined;
    labels.push(escaped(message.text(length)));
  }
  return labels.length === 0 ? "." : labels.join(".");
}

/** With what is no visible ASCII as three decimal digits, so that no label holds a dot or a space. */
function escaped(label: string): string {
  return label.replaceAll(/[.\\]/g, "\\$&").replaceAll(
    /[^!-~]/g,
    (character) => `\\${String(character.charCodeAt(0)).padStart(3, "0")}`,
  );
}

/** Whether a client's message can have so many records. */
function arePlausible(
  { answers, authorities, additional }: {
    answers: number;
    authorities: number;
    additional: number;
  },
  operation: Operation,
  type: number,
): boolean {
  switch (operation) {
    case "query":
      return answers === 0 && authorities === (type === IXFR ? 1 : 0) &&
        additional <= MAX_ADDITIONAL;
    case "notify":
      return answers <= 1 && authorities === 0 && additional <= MAX_ADDITIONAL;
    case "update":
      return type === SOA;
    default:
      return operation satisfies never;
  }
}

/** Reads a record; whether its name can be one. What else it says is for the backend alone. */
function skipRecord(message: ByteReader): boolean {
  const start = message.offset;
  let length = message.u8();
  for (; length > 0 && length <= MAX_LABEL_LENGTH; length = message.u8()) message.skip(length);
  const target = length === 0 ? 0 : (length << 8 | message.u8()) - POINTER;
  message.skip(2 + 2 + 4);
  message.skip(message.u16());
  return target >= 0 && target < start;
}
