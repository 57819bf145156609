/**
 * What the ends of a channel say to each other: everything but the bytes of visitors (PROTOCOL.md, "Control channel" and
 * "Data channel").
 *
 * @module
 */
import * as v from "valibot";
import { fromBase64url, INSTANCE_LENGTH, KEY_LENGTH, SECRET_LENGTH, toBase64url } from "./auth.ts";
import { encodeFrame, type Frame } from "./frames.ts";

export const PROTOCOL_VERSION = 1;
/** What both ends call the protocol in their handshake (RFC 7301). */
export const ALPN = "sluice-tunnel/1";
/** Most tickets that one message gives. */
export const MOST_TICKETS = 128;

/** Longest texts, characters: of what is read, and of what is a name. */
const LONGEST_TEXT = 1000;
const LONGEST_NAME = 255;
/** Most entries of an `allow`. */
const MOST_ALLOWED = 256;

const text = v.pipe(v.string(), v.maxLength(LONGEST_TEXT));
const name = v.pipe(v.string(), v.maxLength(LONGEST_NAME));
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const milliseconds = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3_600_000));
/** Whoever speaks another version has to be told so, whatever else it says. */
const version = v.pipe(v.number(), v.integer());

/** Binary values in JSON are base64url. */
function binary(length: number) {
  return v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const bytes = fromBase64url(dataset.value);
      if (bytes?.length === length) return bytes;
      addIssue({ message: `not ${length} bytes in base64url` });
      return NEVER;
    }),
  );
}

export const ENDPOINT_KINDS = ["http", "tls", "tcp", "udp"] as const;
export type EndpointKind = (typeof ENDPOINT_KINDS)[number];

/** Why an endpoint cannot be had. */
export const REJECTIONS = [
  "name_taken",
  "name_not_allowed",
  "name_invalid",
  "no_free_name",
  "port_taken",
  "port_not_allowed",
  "no_free_port",
  "limit",
  "not_served",
  "malformed",
] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** Why a control channel ends. */
export const FAREWELLS = [
  "version",
  "unauthorized",
  "too_many_attempts",
  "timeout",
  "malformed",
  "replaced",
  "revoked",
  "limit",
  "draining",
  "leaving",
] as const;
export type Farewell = (typeof FAREWELLS)[number];

const SCHEMAS = {
  hello: v.object({
    version,
    agent: name,
    instance: binary(INSTANCE_LENGTH),
    nonce: binary(SECRET_LENGTH),
    key: v.optional(binary(KEY_LENGTH)),
    software: v.optional(name),
  }),
  challenge: v.object({ nonce: binary(SECRET_LENGTH), proof: binary(SECRET_LENGTH) }),
  login: v.object({ proof: binary(SECRET_LENGTH) }),
  welcome: v.object({ domain: name, heartbeat: milliseconds, silence: milliseconds }),
  open: v.object({
    endpoint: port,
    kind: v.picklist(ENDPOINT_KINDS),
    name: v.optional(name),
    port: v.optional(port),
    generated: v.optional(v.boolean()),
    allow: v.optional(v.pipe(v.array(name), v.maxLength(MOST_ALLOWED))),
  }),
  opened: v.object({
    endpoint: port,
    address: text,
    name: v.optional(name),
    port: v.optional(port),
  }),
  rejected: v.object({ endpoint: port, code: v.picklist(REJECTIONS), message: text }),
  shut: v.object({ endpoint: port }),
  tickets: v.object({
    tickets: v.pipe(v.array(binary(SECRET_LENGTH)), v.maxLength(MOST_TICKETS)),
    lifetime: milliseconds,
  }),
  goodbye: v.object({ code: v.picklist(FAREWELLS), message: text }),
  visit: v.object({
    endpoint: port,
    visitor: name,
    destination: name,
    serverName: v.optional(name),
  }),
  unreachable: v.object({ message: text }),
} as const;

type Schemas = typeof SCHEMAS;
type Said = { [Type in keyof Schemas]: { readonly type: Type } & v.InferOutput<Schemas[Type]> };

/** What is said, with all that it says. */
export type Message =
  | Readonly<Said[keyof Said]>
  | { readonly type: "ping" | "pong" | "accept" | "end" }
  | { readonly type: "join"; readonly ticket: Uint8Array };

/** One kind of message. */
export type MessageOf<Type extends Message["type"]> = Extract<Message, { readonly type: Type }>;

/** What a frame says; `undefined` if it is malformed, or carries bytes of a visitor. Shares no memory with the frame. */
export function parseMessage({ type, payload }: Frame): Message | undefined {
  switch (type) {
    case "ping":
    case "pong":
    case "accept":
    case "end":
      return { type };
    case "join":
      return payload.length === SECRET_LENGTH ? { type, ticket: payload.slice() } : undefined;
    case "data":
    case "datagram":
      return undefined;
    default: {
      const parsed = v.safeParse(SCHEMAS[type], jsonOf(payload), { abortEarly: true });
      return parsed.success ? { type, ...parsed.output } as Message : undefined;
    }
  }
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
}

/**
 * The frame that says it. Texts for people are cut to what may be said.
 * @throws {RangeError} If it does not go into a frame.
 */
export function encodeMessage(message: Message): Uint8Array {
  if (message.type === "join") return encodeFrame("join", message.ticket);
  const { type, ...members } = message;
  if (Object.keys(members).length === 0) return encodeFrame(type);
  const spelt = Object.entries(members).map(([key, value]) => [key, spell(key, value)]);
  return encodeFrame(type, new TextEncoder().encode(JSON.stringify(Object.fromEntries(spelt))));
}

function spell(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return toBase64url(value);
  if (Array.isArray(value)) return value.map((each) => spell(key, each));
  return key === "message" ? String(value).slice(0, LONGEST_TEXT) : value;
}
