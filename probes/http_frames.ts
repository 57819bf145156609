/**
 * What a client of HTTP/2 sends behind its preface, as far as its first request (RFC 9113):
 *
 * ```
 * length(24) type(8) flags(8) stream(32) payload     a frame (§4.1); the first one is SETTINGS (§3.4)
 *
 * [pad length(8)] [priority(40)] fragment padding    the payload of HEADERS (§6.2)
 * fragment                                           of CONTINUATION, which follows until END_HEADERS (§6.10)
 * ```
 *
 * The fragments are one block of packed fields.
 *
 * @module
 */
import { ByteReader } from "./bytes.ts";
import { FieldTable, unpackFields } from "./http_hpack.ts";

/** Longest payload before the server has allowed more (§4.2). */
const MAX_FRAME_LENGTH = 16_384;
/** Most frames, and where the request must have ended, counted from the first byte. */
const MAX_FRAMES = 32;
const MAX_LENGTH = 32 * 1024;
/** Most fields of a request that are looked at. */
const MAX_FIELDS = 128;

const HEADERS = 0x1;
const SETTINGS = 0x4;
const CONTINUATION = 0x9;

const END_HEADERS = 0x4;
const PADDED = 0x8;
const PRIORITY = 0x20;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: ByteReader;
}

/** Whom the first request is for: its `:authority`, or else its `host` (§8.3.1). `undefined` if that cannot be said. */
export function requestAuthority(head: ByteReader): string | undefined {
  const block = firstBlock(head);
  if (block === undefined) return undefined;
  let fields = 0;
  for (const [name, value] of unpackFields(block, new FieldTable())) {
    if (name === ":authority" || name === "host") return value;
    if (++fields === MAX_FIELDS) break;
  }
  return undefined;
}

function firstBlock(head: ByteReader): ByteReader | undefined {
  const fragments: Uint8Array[] = [];
  let stream: number | undefined;
  for (let frames = 0; frames < MAX_FRAMES; frames++) {
    const frame = nextFrame(head);
    if (frame === undefined || frames === 0 && frame.type !== SETTINGS) return undefined;
    const isContinuation = frame.type === CONTINUATION && frame.stream === stream;
    if (stream !== undefined && !isContinuation) return undefined;
    if (stream === undefined && frame.type !== HEADERS) continue;
    stream = frame.stream;
    const fragment = isContinuation ? frame.payload.rest() : fragmentOf(frame);
    if (fragment === undefined) return undefined;
    fragments.push(fragment);
    if ((frame.flags & END_HEADERS) !== 0) return joined(fragments);
  }
  return undefined;
}

function nextFrame(head: ByteReader): Frame | undefined {
  const length = head.u24();
  if (length > MAX_FRAME_LENGTH || head.offset + length > MAX_LENGTH) return undefined;
  const type = head.u8();
  const flags = head.u8();
  const stream = head.u32() % 2 ** 31;
  return { type, flags, stream, payload: head.take(length) };
}

function fragmentOf({ flags, payload }: Frame): Uint8Array | undefined {
  const padding = (flags & PADDED) === 0 ? 0 : payload.u8();
  if ((flags & PRIORITY) !== 0) payload.skip(5);
  return padding > payload.remaining ? undefined : payload.bytes(payload.remaining - padding);
}

function joined(fragments: readonly Uint8Array[]): ByteReader {
  const block = new Uint8Array(fragments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const fragment of fragments) {
    block.set(fragment, at);
    at += fragment.length;
  }
  return new ByteReader(block, false);
}
