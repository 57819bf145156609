/**
 * What a connection leaves behind: one record at its end, written as one line.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import type { Hop } from "./config/config.ts";
import { jsonWord, type LogFormat, quoted, word } from "./log_text.ts";

/** Why a connection or a flow ended: a closed list, the same in the log and in metrics. */
export type EndReason =
  /** Both sides ended it. */
  | "ended"
  | "client_reset"
  | "backend_reset"
  | "idle_timeout"
  /** The client left before its route was decided. */
  | "client_left"
  /** Undecided in time, and the configuration says to close. */
  | "probe_timeout"
  /** Its protocol has entries and none matches, or there is no default target. */
  | "no_route"
  /** An entry with `action = "reject"`. */
  | "rejected"
  | "acl_denied"
  | "limit_total"
  | "limit_listener"
  | "limit_client"
  /** No valid PROXY header from a peer that must send one, or a header's sender that is not trusted. */
  | "bad_proxy_header"
  /** An encrypted ClientHello that breaks its rules; the client got an alert. */
  | "bad_client_hello"
  /** No backend could be reached. */
  | "connect_failed"
  /** The agent of a tunnel's endpoint is not connected, or gives no data channel. */
  | "agent_away"
  /** An agent has as many visitors as it may. */
  | "limit_agent"
  /** The token of the agent is no longer good. */
  | "revoked"
  /** A flow that its client had left unanswered gave its place to a new one. */
  | "evicted"
  /** Closed because sluice ended. */
  | "drained"
  /** A fault of sluice itself; the log has it. */
  | "internal_error";

export interface ConnectionRecord {
  /** When it was accepted, ms since 1970. */
  readonly time: number;
  readonly id: number;
  readonly transport: "tcp" | "udp";
  readonly listener: string;
  /** The client's own address: of the PROXY header where one was read. */
  readonly client: SocketAddress;
  readonly protocol?: string;
  readonly serverName?: string;
  readonly host?: string;
  readonly alpns?: readonly string[];
  readonly dnsName?: string;
  readonly route?: string;
  readonly backend?: SocketAddress;
  /** Bytes from the client delivered to the backend, and back. */
  readonly up: number;
  readonly down: number;
  /** Of a flow: its datagrams, counted as its bytes. */
  readonly datagramsUp?: number;
  readonly datagramsDown?: number;
  /** ms */
  readonly duration: number;
  /** From accept until the route was decided, ms. */
  readonly timeToRoute?: number;
  /** From then until the backend was connected, ms. */
  readonly timeToConnect?: number;
  readonly reason: EndReason;
  /** Of the way to the tunnel's edge: who came there. The edge has lines of its own, this connection has none. */
  readonly hop?: Hop;
  /** Of a visitor of the tunnel: whose endpoint it came to, and its name or port. */
  readonly agent?: string;
  readonly endpoint?: string;
  /** More about it: what is wrong with a header, or which backends failed, and how. */
  readonly detail?: string;
}

/** A value that comes again and again, as text: what was made of the last ones is kept. */
function kept<Value>(textOf: (value: Value) => string): (value: Value) => string {
  const known = new Map<Value, string>();
  return (value) => {
    let text = known.get(value);
    if (text === undefined) {
      text = textOf(value);
      if (known.size === MOST_KEPT) known.clear();
      known.set(value, text);
    }
    return text;
  };
}

const MOST_KEPT = 1000;

const reasonColumn = kept((reason: string) => pad(` reason=${reason}`, 22));
const listenerColumn = kept((listener: string) => pad(` listener=${word(listener)}`, 18));
const protocolColumn = kept((protocol?: string) => pad(` protocol=${word(protocol)}`, 15));
const routeColumn = kept((route?: string) => pad(` route=${word(route)}`, 16));
const knownWord = kept(jsonWord);

/**
 * The record as a line of text: the time, then `key=value` in a fixed order, padded so that columns meet, `-` where
 * there is no value. What only some connections have comes last. No value holds a space but the quoted `detail`.
 */
function formatRecord(record: ConnectionRecord): string {
  const { backend } = record;
  let line = isoTime(record.time) +
    reasonColumn(record.reason) +
    " transport=" + record.transport +
    listenerColumn(record.listener) +
    pad(" client=" + formatAddress(record.client), 29) +
    protocolColumn(record.protocol) +
    routeColumn(record.route) +
    pad(" backend=" + (backend === undefined ? "-" : formatAddress(backend)), 30) +
    pad(" bytes_up=" + record.up, 16) +
    pad(" bytes_down=" + record.down, 19) +
    pad(" duration_ms=" + tenths(record.duration), 21) +
    pad(" route_ms=" + tenths(record.timeToRoute), 16) +
    pad(" connect_ms=" + tenths(record.timeToConnect), 18) +
    " id=" + record.id;
  if (record.serverName !== undefined) line += " server_name=" + word(record.serverName);
  if (record.host !== undefined) line += " host=" + word(record.host);
  if (record.alpns !== undefined) line += " alpns=" + listed(record.alpns, word);
  if (record.dnsName !== undefined) line += " dns_name=" + word(record.dnsName);
  if (record.datagramsUp !== undefined) line += " datagrams_up=" + record.datagramsUp;
  if (record.datagramsDown !== undefined) line += " datagrams_down=" + record.datagramsDown;
  if (record.agent !== undefined) line += " agent=" + word(record.agent);
  if (record.endpoint !== undefined) line += " endpoint=" + word(record.endpoint);
  if (record.detail !== undefined) line += " detail=" + quoted(record.detail);
  return line + "\n";
}

/** The record as a JSON object on one line, with the keys of {@linkcode formatRecord}; what is absent has no key. */
function formatRecordAsJson(record: ConnectionRecord): string {
  const { protocol, route, backend, timeToRoute, timeToConnect, serverName, host, alpns, detail } =
    record;
  const { dnsName, datagramsUp, datagramsDown, agent, endpoint } = record;
  let line = `{"time":"${isoTime(record.time)}","reason":"${record.reason}"` +
    `,"transport":"${record.transport}"` +
    `,"listener":${knownWord(record.listener)},"client":"${formatAddress(record.client)}"`;
  if (protocol !== undefined) line += `,"protocol":${knownWord(protocol)}`;
  if (route !== undefined) line += `,"route":${knownWord(route)}`;
  if (backend !== undefined) line += `,"backend":"${formatAddress(backend)}"`;
  line += `,"bytes_up":${record.up},"bytes_down":${record.down}` +
    `,"duration_ms":${tenths(record.duration)}`;
  if (timeToRoute !== undefined) line += `,"route_ms":${tenths(timeToRoute)}`;
  if (timeToConnect !== undefined) line += `,"connect_ms":${tenths(timeToConnect)}`;
  line += `,"id":${record.id}`;
  if (serverName !== undefined) line += `,"server_name":${jsonWord(serverName)}`;
  if (host !== undefined) line += `,"host":${jsonWord(host)}`;
  if (alpns !== undefined) line += `,"alpns":[${listed(alpns, jsonWord)}]`;
  if (dnsName !== undefined) line += `,"dns_name":${jsonWord(dnsName)}`;
  if (datagramsUp !== undefined) line += `,"datagrams_up":${datagramsUp}`;
  if (datagramsDown !== undefined) line += `,"datagrams_down":${datagramsDown}`;
  if (agent !== undefined) line += `,"agent":${jsonWord(agent)}`;
  if (endpoint !== undefined) line += `,"endpoint":${jsonWord(endpoint)}`;
  if (detail !== undefined) line += `,"detail":${jsonWord(detail)}`;
  return line + "}\n";
}

/** How records are written. */
export const RECORD_FORMATS: Readonly<Record<LogFormat, (record: ConnectionRecord) => string>> = {
  text: formatRecord,
  json: formatRecordAsJson,
};

/** A hello may offer thousands. */
const MOST_ALPNS = 16;

function listed(alpns: readonly string[], textOf: (alpn: string) => string): string {
  let text = "";
  for (let i = 0; i < alpns.length && i < MOST_ALPNS; i++) {
    text += (i === 0 ? "" : ",") + textOf(alpns[i]!);
  }
  return text;
}

/** The second that was written last, ms since 1970, and what all of its times begin with. */
const last = { second: NaN, text: "" };

function isoTime(time: number): string {
  const whole = Math.floor(time);
  const ms = whole % 1000;
  if (whole - ms !== last.second) {
    last.second = whole - ms;
    last.text = new Date(last.second).toISOString().slice(0, "2026-01-02T03:04:05.".length);
  }
  return last.text + (ms < 10 ? "00" : ms < 100 ? "0" : "") + ms + "Z";
}

/** Numbers with a fraction are dear to write; these are two whole ones. */
function tenths(ms: number | undefined): string {
  if (ms === undefined) return "-";
  const all = Math.round(ms * 10);
  const rest = all % 10;
  const whole = (all - rest) / 10;
  return rest === 0 ? String(whole) : whole + "." + rest;
}

const SPACES = Array.from({ length: 32 }, (_, i) => " ".repeat(i));

/** As `padEnd`, which takes three times as long. */
function pad(text: string, width: number): string {
  return text.length < width ? text + SPACES[width - text.length]! : text;
}
