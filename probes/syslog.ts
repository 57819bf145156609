/**
 * Syslog over TCP (RFC 6587) and UDP (RFC 5426, RFC 3164). Clients send, servers never answer:
 *
 * ```
 * "<" priority ">" "1" SP (timestamp / "-") SP …      RFC 5424 §6
 * "<" priority ">" "Oct 11 22:14:15" …                RFC 3164 §4.1
 * "<" priority ">" "2003-10-11T22:14:15" …            what relays make of the latter, to keep the year
 *
 * length SP message                                   octet counting, over TCP (RFC 6587 §3.4.1)
 * "<" priority ">" text                               over UDP, where others add the time (RFC 3164 §4.3.2)
 * ```
 *
 * @module
 */
import { ByteReader } from "./bytes.ts";
import { datagramProbe } from "./datagram.ts";
import { attempt, probe } from "./probe.ts";

/** Local use 7, debug (RFC 5424 §6.2.1). */
const MAX_PRIORITY = 191;
/** The shortest message is `<0>1 - - - - - -`. */
const MIN_MESSAGE_LENGTH = 16;
const MAX_MESSAGE_LENGTH = 1024 * 1024;
/** Of a message of RFC 3164 (§4.1). */
const MAX_TEXT_LENGTH = 1024;

const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;
const SP = 0x20;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Matches a message up to its time; gives `details.format` and `details.framing`. */
export const syslog = probe((head) => {
  const counted = head.peek() !== LESS_THAN;
  const length = counted ? number(head, SP, MAX_MESSAGE_LENGTH) : MIN_MESSAGE_LENGTH;
  if (length === undefined || length < MIN_MESSAGE_LENGTH) return undefined;
  const format = hasPriority(head) ? readFormat(head) : undefined;
  if (format === undefined) return undefined;
  const framing = counted ? "octet-counting" : "non-transparent";
  return { protocol: "syslog", details: { format, framing } };
});

/** Matches a message up to its time, or all of one that tells none; gives `details.format`. */
export const syslogDatagram = datagramProbe((message) => {
  if (!hasPriority(message)) return undefined;
  const rest = message.rest();
  const format = attempt(readFormat, rest, true);
  if (typeof format === "string") return { protocol: "syslog", details: { format } };
  return isText(rest) ? { protocol: "syslog", details: { format: "untimed" } } : undefined;
});

/** Whether it is all visible, as far as is looked at; some clients end it with NUL. */
function isText(message: Uint8Array): boolean {
  const text = new ByteReader(message, false).prefix(MAX_TEXT_LENGTH);
  return /^[\t\r\n -~\x80-\xff]+\0?$/.test(text);
}

/** Reads what every message begins with. */
function hasPriority(head: ByteReader): boolean {
  return head.starts("<") && number(head, GREATER_THAN, MAX_PRIORITY) !== undefined;
}

function readFormat(head: ByteReader): string | undefined {
  if (head.starts("1 ")) return head.starts("- ") || isTime(head) ? "rfc5424" : undefined;
  if (!MONTHS.some((month) => head.starts(month))) return isTime(head) ? "rfc3164" : undefined;
  if (!head.starts(" ")) return undefined;
  // The first digit of the day is a space if it would be 0.
  const day = head.starts(" ") || hasShape(head, "3");
  return day && hasShape(head, "9 29:59:59") ? "rfc3164" : undefined;
}

/** Whether it is a time of RFC 3339, as far as the seconds. */
function isTime(head: ByteReader): boolean {
  return hasShape(head, "9999-19-39T29:59:59");
}

/** Whether the next bytes, which are read, are those of `shape`; a digit of it stands for every lower one too. */
function hasShape(head: ByteReader, shape: string): boolean {
  for (const character of shape) {
    const highest = character.charCodeAt(0);
    const lowest = /\d/.test(character) ? 0x30 : highest;
    const byte = head.u8();
    if (byte < lowest || byte > highest) return false;
  }
  return true;
}

/** Reads a number without leading zeros, and `end`. */
function number(head: ByteReader, end: number, max: number): number | undefined {
  let digits = "";
  for (let byte = head.u8(); byte !== end; byte = head.u8()) {
    digits += String.fromCharCode(byte);
    if (!/^(?:0|[1-9]\d*)$/.test(digits) || Number(digits) > max) return undefined;
  }
  return digits === "" ? undefined : Number(digits);
}
