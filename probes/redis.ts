/**
 * Redis. The client sends first, a command, as an array of texts with their lengths (RESP) or as a line, which
 * is for people and scripts (Redis, "Redis serialization protocol specification"):
 *
 * ```
 * "*" count CR LF   { "$" length CR LF text CR LF }*
 * name { SP argument }* [ CR ] LF                       inline
 * ```
 *
 * Many text protocols begin with a word and a line end, so inline only a closed list of commands is Redis.
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { type Facts, probe } from "./probe.ts";

/** Most arguments and the longest command in RESP; the servers' own limit of arguments is this. */
const MAX_COUNT = 1024 * 1024;
const MAX_NAME_LENGTH = 64;
const MAX_LINE_LENGTH = 1024;

const ASTERISK = 0x2a;
const CR = 0x0d;
const LF = 0x0a;

/**
 * What is typed, or sent by scripts, as a first line, and how many arguments it has: that tells it from commands
 * of the same name in other protocols (memcached's `set k 0 0 5`). What is an English word, as ECHO, is left out.
 */
const INLINE: Readonly<Record<string, readonly [least: number, most: number]>> = {
  AUTH: [1, 2],
  CLUSTER: [1, 2],
  CONFIG: [2, 3],
  DBSIZE: [0, 0],
  DECR: [1, 1],
  DEL: [1, 16],
  EXISTS: [1, 16],
  EXPIRE: [2, 2],
  FLUSHALL: [0, 1],
  FLUSHDB: [0, 1],
  GET: [1, 1],
  HELLO: [1, 6],
  HGET: [2, 2],
  HGETALL: [1, 1],
  HSET: [3, 16],
  INCR: [1, 1],
  INFO: [0, 1],
  KEYS: [1, 1],
  LLEN: [1, 1],
  LPUSH: [2, 16],
  LRANGE: [3, 3],
  MONITOR: [0, 0],
  PING: [0, 1],
  PSYNC: [2, 2],
  PUBLISH: [2, 2],
  REPLCONF: [2, 2],
  RPUSH: [2, 16],
  SADD: [2, 16],
  SCAN: [1, 5],
  SELECT: [1, 1],
  SET: [2, 2],
  SLOWLOG: [1, 2],
  SMEMBERS: [1, 1],
  SUBSCRIBE: [1, 16],
  SYNC: [0, 0],
  TTL: [1, 1],
};
const INLINE_NAMES = Object.keys(INLINE);

/** Matches a command; gives `details.command`, in upper case, and whether it is `inline`. */
export const redis = probe((head) => head.peek() === ASTERISK ? array(head) : line(head));

/** An array, as far as the command's name. */
function array(head: ByteReader): Facts | undefined {
  head.skip(1);
  if (number(head, MAX_COUNT) === undefined || !head.starts("$")) return undefined;
  const length = number(head, MAX_NAME_LENGTH);
  if (length === undefined) return undefined;
  let name = "";
  while (name.length < length) {
    name += head.text(1);
    // The commands of modules have names like `FT.SEARCH`.
    if (!/^[a-z][\w.-]*$/i.test(name)) return undefined;
  }
  return head.starts("\r\n") ? facts(name.toUpperCase(), false) : undefined;
}

/** Reads a number of 1 to `max` without leading zeros, CR and LF. */
function number(head: ByteReader, max: number): number | undefined {
  let value = 0;
  for (let byte = head.u8(); byte !== CR; byte = head.u8()) {
    if (byte < 0x30 || byte > 0x39) return undefined;
    value = value * 10 + byte - 0x30;
    if (value < 1 || value > max) return undefined;
  }
  return value > 0 && head.u8() === LF ? value : undefined;
}

/** An inline command, the whole line. */
function line(head: ByteReader): Facts | undefined {
  let name = "";
  while (!" \r\n".includes(String.fromCharCode(head.peek()))) {
    name += head.text(1).toUpperCase();
    if (!INLINE_NAMES.some((known) => known.startsWith(name))) return undefined;
  }
  const [least, most] = INLINE[name] ?? [];
  if (least === undefined || most === undefined) return undefined;
  const rest = head.until(LF, MAX_LINE_LENGTH);
  if (rest === undefined) return undefined;
  // No control characters, and not the request line of HTTP, RTSP or SIP.
  if (!/^[ -~\x80-\xff]*\r?$/.test(rest) || / [A-Z]+\/\d\.\d\r?$/i.test(rest)) return undefined;
  const words = rest.split(/[ \r]+/).filter((word) => word !== "");
  if (words.length < least || words.length > most) return undefined;
  // `GET /` is HTTP/0.9; `HELLO world` is a greeting, a version of the protocol is a number.
  if (words[0]?.startsWith("/") || name === "HELLO" && !/^\d$/.test(words[0] ?? "")) {
    return undefined;
  }
  return facts(name, true);
}

function facts(command: string, inline: boolean): Facts {
  return { protocol: "redis", details: { command, inline } };
}
