/**
 * The part of a handshake that a client-facing server has to watch (RFC 9849 §7.1): whether the backend answers the
 * opened hello with a HelloRetryRequest, for then the client seals a second one. It is over before the two sides
 * have keys.
 *
 * @module
 */
import { ByteReader } from "../../probes/bytes.ts";
import { attempt } from "../../probes/probe.ts";
import { CLIENT_HELLO, readMessage } from "../../probes/tls.ts";
import type { EndReason } from "../access_log.ts";
import { Head } from "../head.ts";
import { type ByteCounts, type Conn, type Deadline, NetError } from "../runtime/runtime.ts";
import type { Refused } from "./alert.ts";
import { join } from "./inner_hello.ts";
import type { EchContext } from "./opener.ts";

/** What is left to do: copy, with `first` in front of what the client sends; or end it. */
export type HandshakeResult =
  | { readonly kind: "pipe"; readonly first: Uint8Array }
  | Refused
  | {
    readonly kind: "failed";
    readonly reason: Extract<EndReason, "client_reset" | "backend_reset">;
    readonly detail: string;
  };

/** Most bytes held back of either side: early data that the client sends before its second hello is among them. */
const MAX_HELD = 65_536;

/** Types of records (RFC 8446 §5.1) and of messages (§4). */
const CHANGE_CIPHER_SPEC = 20;
const APPLICATION_DATA = 23;
const SERVER_HELLO = 2;

/** The random of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3): the SHA-256 of that word. */
const RETRY_RANDOM = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

const NOTHING = new Uint8Array(0);

/** What both directions have in common. */
export interface HandshakeParts {
  /** When what is not decided goes to the pipe as it is. */
  readonly deadline: Deadline;
  readonly counts: ByteCounts;
}

/**
 * Sends `hello` upstream, passes the answer on and, if that is a HelloRetryRequest, opens the client's second hello.
 * Whatever turns out to be something else goes to the pipe as it is.
 * @param hello What upstream gets first: an opened hello, and what goes before it.
 * @throws {NetError} If somebody closed a connection under it.
 */
export async function watchHandshake(
  downstream: Conn,
  upstream: Conn,
  hello: Uint8Array,
  context: EchContext,
  { deadline, counts }: HandshakeParts,
): Promise<HandshakeResult> {
  let reason: "client_reset" | "backend_reset" = "backend_reset";
  try {
    await upstream.write(hello);
    counts.up += hello.length;
    const answer = new Head(MAX_HELD);
    const request = await answer.parse(upstream, deadline, retryRequest);
    reason = "client_reset";
    await downstream.write(answer.bytes);
    counts.down += answer.bytes.length;
    if (request.kind === "no") return { kind: "pipe", first: NOTHING };

    const head = new Head(MAX_HELD);
    const second = await head.parse(downstream, deadline, secondHello);
    if (second.kind === "no") return { kind: "pipe", first: head.bytes };
    const opened = context.openSecond(head.bytes.subarray(second.at));
    if (opened.kind === "refused") return opened;
    return { kind: "pipe", first: join([head.bytes.subarray(0, second.at), opened.head]) };
  } catch (error) {
    if (!(error instanceof NetError) || error.code === "closed") throw error;
    return { kind: "failed", reason, detail: error.message };
  }
}

/** Whether it is there, and where. */
type Found = { readonly kind: "match"; readonly at: number } | { readonly kind: "no" };

const NO = { kind: "no" } as const;

const retryRequest = (bytes: Uint8Array, final: boolean) => attempt(findRetryRequest, bytes, final);
const secondHello = (bytes: Uint8Array, final: boolean) => attempt(findSecondHello, bytes, final);

/** A HelloRetryRequest is a ServerHello with a random of its own. */
function findRetryRequest(reader: ByteReader): Found {
  const message = readMessage(reader, SERVER_HELLO);
  if (message === undefined) return NO;
  const random = new ByteReader(message.body, false);
  random.skip(2);
  return random.bytes(32).toHex() === RETRY_RANDOM ? { kind: "match", at: 0 } : NO;
}

/** In front of it the client may send early data, and what middleboxes like to see (RFC 8446 §2.3, §D.4). */
function findSecondHello(reader: ByteReader): Found {
  while (reader.peek() === CHANGE_CIPHER_SPEC || reader.peek() === APPLICATION_DATA) {
    reader.skip(3);
    reader.skip(reader.u16());
  }
  const at = reader.offset;
  return readMessage(reader, CLIENT_HELLO) === undefined ? NO : { kind: "match", at };
}
