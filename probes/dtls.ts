/**
 * DTLS. The client sends a ClientHello first, a handshake message in fragments that are carried by records (RFC 6347
 * §4.1 and §4.2.2, RFC 9147 §4 and §5.2):
 *
 * ```
 * record     u8 22 (handshake) | u8 254, u8 253 or 255 | u16 epoch 0 | u48 sequence number
 *            u16 n, 1 ≤ n ≤ 2^14, { fragment }*
 * fragment   u8 1 (client_hello) | u24 length of the message | u16 message number | u24 offset | u24 n | n bytes
 * ```
 *
 * No fragment goes past its record and no record past its datagram; they arrive in any order, repeated, overlapping.
 * The message number is 0, or 1 when the hello is repeated with the cookie that the server asked for.
 *
 * @module
 */
import { ByteReader } from "./bytes.ts";
import { clientHello } from "./client_hello.ts";
import type { DatagramProbe, DatagramResult } from "./datagram.ts";
import { attempt } from "./probe.ts";

const HANDSHAKE = 22;
const MAJOR_VERSION = 254;
/** Of DTLS 1.2, which 1.3 keeps, and of 1.0, as which the first hello of any version may be sent. */
const MINOR_VERSIONS: readonly number[] = [253, 255];
const SEQUENCE_NUMBER_LENGTH = 6;
const RECORD_HEADER_LENGTH = 13;
const MAX_RECORD_LENGTH = 2 ** 14;

const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const MAX_MESSAGE_NUMBER = 1;
/** The longest that a ClientHello can be, every vector in it at its limit. */
const MAX_CLIENT_HELLO_LENGTH = 2 + 32 + 33 + 256 + (2 + 0xfffe) + (1 + 0xff) + (2 + 0xffff);
/** A hello with a post-quantum key takes two, or ten where datagrams are small; some may come twice. */
const MAX_FRAGMENTS = 32;

/** In a ServerHello, and behind its session ID. */
const VERSION_AND_RANDOM_LENGTH = 2 + 32;
const SUITE_AND_COMPRESSION_LENGTH = 2 + 1;
const CONNECTION_ID = 54;

const NO: DatagramResult = { kind: "no" };
const NEED: DatagramResult = { kind: "need" };

/**
 * Matches a whole ClientHello; gives `serverName`, `alpns`, `details.versions`, and where they are true
 * `details.retry` (a server asked for another hello), `details.connectionId` (it offers them) and `details.ech`.
 */
export const dtls: DatagramProbe = (datagrams, final) => {
  const fragments: Fragment[] = [];
  for (const datagram of datagrams) {
    const answer = attempt((records) => readRecords(records, fragments), datagram, true);
    if (answer.kind !== "need") return answer;
  }
  return final || datagrams.length === 0 ? NO : NEED;
};

/** Reads the records of a datagram up to the end of the hello; `fragments` gains what they carry. */
function readRecords(records: ByteReader, fragments: Fragment[]): DatagramResult {
  do {
    const record = readRecord(records);
    if (record === undefined) return NO;
    do {
      const fragment = readFragment(record);
      if (fragment === undefined || !isOfOneMessage(fragment, fragments)) return NO;
      fragments.push(fragment);
      const message = join(fragments);
      if (message !== undefined) return readHello(message, fragments);
    } while (record.remaining > 0);
  } while (records.remaining > 0);
  return NEED;
}

function readRecord(records: ByteReader): ByteReader | undefined {
  if (records.u8() !== HANDSHAKE || records.u8() !== MAJOR_VERSION) return undefined;
  if (!MINOR_VERSIONS.includes(records.u8())) return undefined;
  if (records.u16() !== 0) return undefined; // Later epochs are encrypted.
  records.skip(SEQUENCE_NUMBER_LENGTH);
  const length = records.u16();
  return length > MAX_RECORD_LENGTH ? undefined : records.take(length);
}

/** A piece of a hello. */
interface Fragment {
  /** Of all of it, without its header. */
  readonly messageLength: number;
  readonly messageNumber: number;
  readonly offset: number;
  /** A view of the datagram, not empty. */
  readonly bytes: Uint8Array;
}

function readFragment(record: ByteReader): Fragment | undefined {
  if (record.u8() !== CLIENT_HELLO) return undefined;
  const messageLength = record.u24();
  const messageNumber = record.u16();
  const offset = record.u24();
  const bytes = record.bytes(record.u24());
  const plausible = messageLength <= MAX_CLIENT_HELLO_LENGTH &&
    messageNumber <= MAX_MESSAGE_NUMBER && bytes.length > 0 &&
    offset + bytes.length <= messageLength;
  return plausible ? { messageLength, messageNumber, offset, bytes } : undefined;
}

function isOfOneMessage(fragment: Fragment, others: readonly Fragment[]): boolean {
  const [first = fragment] = others;
  return fragment.messageLength === first.messageLength &&
    fragment.messageNumber === first.messageNumber && others.length < MAX_FRAGMENTS;
}

/** The message that the fragments make, a view if it is one; `undefined` while there is a gap in it. */
function join(fragments: readonly Fragment[]): Uint8Array | undefined {
  const [first] = fragments;
  if (first === undefined) return undefined;
  let end = 0;
  for (const { offset, bytes } of fragments.toSorted((a, b) => a.offset - b.offset)) {
    if (offset > end) return undefined;
    end = Math.max(end, offset + bytes.length);
  }
  if (end < first.messageLength) return undefined;
  if (fragments.length === 1) return first.bytes;
  // Not before: all of it has arrived, so its length takes no memory that was not sent.
  const message = new Uint8Array(first.messageLength);
  for (const { offset, bytes } of fragments) message.set(bytes, offset);
  return message;
}

function readHello(message: Uint8Array, fragments: readonly Fragment[]): DatagramResult {
  // Where two differ, nothing can say which of them the backend would believe.
  if (message[0] !== MAJOR_VERSION || !fragments.every((each) => agrees(each, message))) return NO;
  const hello = clientHello(new ByteReader(message, false), "dtls");
  if (hello === undefined) return NO;
  const { versions, ech, connectionId, ...names } = hello;
  const retry = fragments.some(({ messageNumber }) => messageNumber > 0);
  const details = {
    versions: versions.map(versionName).join(","),
    ...(retry && { retry }),
    ...(connectionId && { connectionId }),
    ...(ech && { ech }),
  };
  return { kind: "match", facts: { protocol: "dtls", ...names, details } };
}

function agrees({ offset, bytes }: Fragment, message: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== message[offset + i]) return false;
  }
  return true;
}

/** `1.2` for 0xfefd; the wire value for what has no name. */
function versionName(version: number): string {
  switch (version) {
    case 0xfeff:
      return "1.0";
    case 0xfefd:
      return "1.2";
    case 0xfefc:
      return "1.3";
    default:
      return `0x${version.toString(16).padStart(4, "0")}`;
  }
}

/**
 * Whether a ClientHello, or a piece of one, begins the datagram. As the protocol's probe says, but by the first bytes
 * alone: it is asked of every datagram of a flow.
 */
export function opensHandshake(datagram: Uint8Array): boolean {
  return datagram[0] === HANDSHAKE && datagram[1] === MAJOR_VERSION &&
    datagram[3] === 0 && datagram[4] === 0 && datagram[RECORD_HEADER_LENGTH] === CLIENT_HELLO;
}

/**
 * The connection ID by which a server wants to be addressed, which its ServerHello says (RFC 9146 §3), as a view of the
 * datagram.
 * @returns `undefined` if the datagram does not begin with a ServerHello, it says none, or says it in another fragment.
 */
export function serverConnectionId(datagram: Uint8Array): Uint8Array | undefined {
  if (datagram[0] !== HANDSHAKE) return undefined;
  const found = attempt(readServerConnectionId, datagram, true);
  return found instanceof Uint8Array ? found : undefined;
}

function readServerConnectionId(records: ByteReader): Uint8Array | undefined {
  const record = readRecord(records);
  if (record?.u8() !== SERVER_HELLO) return undefined;
  record.skip(3 + 2); // The length and the number of the message.
  if (record.u24() !== 0) return undefined; // The fragment is not the first one.
  const hello = record.take(record.u24());
  hello.skip(VERSION_AND_RANDOM_LENGTH);
  hello.skip(hello.u8());
  hello.skip(SUITE_AND_COMPRESSION_LENGTH);
  hello.skip(2); // The length of all extensions, more than are here where the message is in fragments.
  while (hello.remaining > 0) {
    const type = hello.u16();
    const data = hello.take(hello.u16());
    if (type === CONNECTION_ID) return data.bytes(data.u8());
  }
  return undefined;
}
