/**
 * Opening the ClientHellos that were sealed for this server (RFC 9849 §7.1). What was not sealed for it, as GREASE
 * and hellos sealed with a key that is no longer there, stays a ClientHelloOuter like any other.
 *
 * ```
 * encrypted_client_hello, outer   u8 0 | u16 kdf, u16 aead | u8 config_id | u16 n, enc | u16 n, payload
 * ```
 *
 * @module
 */
import { ByteReader } from "../../probes/bytes.ts";
import { attempt } from "../../probes/probe.ts";
import { CLIENT_HELLO, readMessage } from "../../probes/tls.ts";
import type { EchConfig } from "../config/config.ts";
import { type Refused, refused } from "./alert.ts";
import { type EchKey, keysOf, parseConfigList } from "./config_list.ts";
import { type HpkeReceiver, type HpkeSuite, setUpReceiver } from "./hpke.ts";
import {
  decodeInnerHello,
  ENCRYPTED_CLIENT_HELLO,
  type HelloParts,
  join,
  readHello,
} from "./inner_hello.ts";

/** The type of the extension in a ClientHelloOuter. */
const OUTER = 0;

const HANDSHAKE = 22;
const MAX_FRAGMENT_LENGTH = 2 ** 14;

const BAD_INNER = "the inner hello breaks the rules of RFC 9849 §5.1";
const NO_HELLO = refused("decode_error", "the hello, or its ECH, is malformed");

/** A first ClientHello. */
export type Opened =
  | OpenedHello & {
    readonly serverName?: string;
    readonly alpns?: readonly string[];
    /** For a second ClientHello of the same connection. */
    readonly context: EchContext;
  }
  /** Not sealed, or not for this server: to be treated as it is. */
  | { readonly kind: "outer" }
  | Refused;

/** What was sealed. */
export interface OpenedHello {
  readonly kind: "inner";
  /** The inner hello in records, and what followed the outer one. */
  readonly head: Uint8Array;
}

/** The keys of a route. */
export class EchOpener {
  readonly #keys: readonly EchKey[];

  /** @throws {SyntaxError} If the list is malformed, or a key is for none of its configurations. */
  constructor({ configList, privateKeys }: Pick<EchConfig, "configList" | "privateKeys">) {
    const configs = parseConfigList(configList);
    this.#keys = privateKeys.flatMap((key) => keysOf(configs, key));
  }

  /**
   * Opens a first ClientHello.
   * @param head Begins with it; left as it is.
   */
  open(head: Uint8Array): Opened {
    const outer = readOuter(head);
    if (outer.kind !== "sealed") return outer;
    const { suite, configId, enc } = outer;
    for (const { config, info, key } of this.#keys) {
      const fits = config.id === configId &&
        config.suites.some(({ kdf, aead }) => kdf === suite.kdf && aead === suite.aead);
      const receiver = fits ? setUpReceiver(suite, enc, key, info) : undefined;
      const encoded = receiver?.open(outer.aad, outer.payload);
      if (receiver === undefined || encoded === undefined) continue;
      const inner = decodeInnerHello(encoded, outer.parts);
      if (inner === undefined) return refused("illegal_parameter", BAD_INNER);
      const { body, ...names } = inner;
      const context = new EchContext(receiver, suite, configId, inner.serverName);
      return { kind: "inner", head: replaceHello(head, outer, body), ...names, context };
    }
    return { kind: "outer" };
  }
}

/** What the two hellos of a connection have in common, when the backend asks for a second one. */
export class EchContext {
  readonly #receiver: HpkeReceiver;
  readonly #suite: HpkeSuite;
  readonly #configId: number;
  readonly #serverName: string | undefined;

  constructor(
    receiver: HpkeReceiver,
    suite: HpkeSuite,
    configId: number,
    serverName: string | undefined,
  ) {
    this.#receiver = receiver;
    this.#suite = suite;
    this.#configId = configId;
    this.#serverName = serverName;
  }

  /**
   * Opens the ClientHello that answers a HelloRetryRequest (§7.1.1). To be called once.
   * @param head Begins with it; left as it is.
   */
  openSecond(head: Uint8Array): OpenedHello | Refused {
    const outer = readOuter(head);
    if (outer.kind === "outer") return refused("missing_extension", "the second hello has no ECH");
    if (outer.kind === "refused") return outer;
    const { suite, configId, enc, aad, payload } = outer;
    const same = suite.kdf === this.#suite.kdf && suite.aead === this.#suite.aead &&
      configId === this.#configId && enc.length === 0;
    if (!same) {
      return refused("illegal_parameter", "the second hello has another ECH than the first");
    }
    const encoded = this.#receiver.open(aad, payload);
    if (encoded === undefined) return refused("decrypt_error", "the second hello cannot be opened");
    const inner = decodeInnerHello(encoded, outer.parts);
    if (inner === undefined) return refused("illegal_parameter", BAD_INNER);
    // The route was chosen by the name: another one now would come past that choice.
    if (inner.serverName !== this.#serverName) {
      return refused("illegal_parameter", "the second hello has another name than the first");
    }
    return { kind: "inner", head: replaceHello(head, outer, inner.body) };
  }
}

/** A ClientHelloOuter, and what is sealed in it. */
interface Outer {
  readonly kind: "sealed";
  readonly parts: HelloParts;
  readonly suite: HpkeSuite;
  readonly configId: number;
  readonly enc: Uint8Array;
  readonly payload: Uint8Array;
  /** ClientHelloOuterAAD (§5.2). */
  readonly aad: Uint8Array;
  /** Where its records end in the head. */
  readonly end: number;
}

function readOuter(head: Uint8Array): Outer | { readonly kind: "outer" } | Refused {
  const result = attempt(readHead, head, true);
  return result.kind === "no" || result.kind === "need" ? NO_HELLO : result;
}

/** @throws {Shortage} If a length inside does not fit. */
function readHead(reader: ByteReader): Outer | { readonly kind: "outer" } | Refused {
  const message = readMessage(reader, CLIENT_HELLO);
  if (message === undefined) return NO_HELLO;
  const { body, excess } = message;
  const bodyReader = new ByteReader(body, false);
  const parts = readHello(bodyReader);
  if (bodyReader.remaining > 0) return NO_HELLO;
  const sealed = parts.extensions.find(({ type }) => type === ENCRYPTED_CLIENT_HELLO);
  if (sealed === undefined) return { kind: "outer" };
  // A message in front of a change of keys ends with its record (RFC 8446 §5.1).
  if (excess > 0) return refused("unexpected_message", "there is more in the record of the hello");

  const data = new ByteReader(sealed.data, false);
  // The form that an inner hello has never comes from the network (§7).
  if (data.u8() !== OUTER) {
    return refused("illegal_parameter", "the ECH of the hello is not of the outer form");
  }
  const suite = { kdf: data.u16(), aead: data.u16() };
  const configId = data.u8();
  const enc = data.bytes(data.u16());
  const payload = data.bytes(data.u16());
  if (payload.length === 0 || data.remaining > 0) return NO_HELLO;

  const aad = body.slice();
  const at = payload.byteOffset - body.byteOffset;
  aad.fill(0, at, at + payload.length);
  return { kind: "sealed", parts, suite, configId, enc, payload, aad, end: reader.offset };
}

/** The head with the hello `body` in place of the outer one, in records of the same version. */
function replaceHello(head: Uint8Array, { end }: Outer, body: Uint8Array): Uint8Array {
  const { length } = body;
  const header = Uint8Array.of(CLIENT_HELLO, length >> 16, length >> 8 & 0xff, length & 0xff);
  const message = join([header, body]);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += MAX_FRAGMENT_LENGTH) {
    const fragment = message.subarray(at, at + MAX_FRAGMENT_LENGTH);
    parts.push(
      Uint8Array.of(HANDSHAKE, head[1]!, head[2]!, fragment.length >> 8, fragment.length & 0xff),
    );
    parts.push(fragment);
  }
  return join([...parts, head.subarray(end)]);
}
