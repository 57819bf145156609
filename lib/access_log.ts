/**
 * What a connection leaves behind: one record at its end, written as one line. That there is one for each connection is
 * why a line makes no objects that can be done without.
 *
 * @module
 */
import type { SocketAddress } from "./addr.ts";
import type { Hop } from "./config/config.ts";
import type { LineBuffer } from "./line_buffer.ts";
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
  readonly protocol?: string | undefined;
  readonly serverName?: string | undefined;
  readonly host?: string | undefined;
  readonly alpns?: readonly string[] | undefined;
  readonly dnsName?: string;
  readonly route?: string | undefined;
  readonly backend?: SocketAddress | undefined;
  /** Bytes from the client delivered to the backend, and back. */
  readonly up: number;
  readonly down: number;
  /** Of a flow: its datagrams, counted as its bytes. */
  readonly datagramsUp?: number;
  readonly datagramsDown?: number;
  /** ms */
  readonly duration: number;
  /** From accept until the route was decided, ms. */
  readonly timeToRoute?: number | undefined;
  /** From then until the backend was connected, ms. */
  readonly timeToConnect?: number | undefined;
  readonly reason: EndReason;
  /** Of the way to the tunnel's edge: who came there. The edge has lines of its own, this connection has none. */
  readonly hop?: Hop | undefined;
  /** Of a visitor of the tunnel: whose endpoint it came to, and its name or port. */
  readonly agent?: string;
  readonly endpoint?: string;
  /** More about it: what is wrong with a header, or which backends failed, and how. */
  readonly detail?: string | undefined;
}

/** How records are written: each as a line at the end of `lines`. */
export const RECORD_FORMATS: Readonly<
  Record<LogFormat, (record: ConnectionRecord, lines: LineBuffer) => void>
> = { text: writeRecord, json: writeRecordAsJson };

/**
 * The record as a line of text: the time, then `key=value` in a fixed order, padded so that columns meet, `-` where
 * there is no value. What only some connections have comes last. No value holds a space but the quoted `detail`.
 */
function writeRecord(record: ConnectionRecord, lines: LineBuffer): void {
  const { serverName, host, alpns, dnsName, datagramsUp, datagramsDown, agent, endpoint, detail } =
    record;
  writeTime(lines, record.time);
  lines.text(reasonColumn(record.reason))
    .text(transportColumn(record.transport))
    .text(listenerColumn(record.listener));
  writeColumn(lines, " client=", 29, writeAddress, record.client);
  lines.text(protocolColumn(record.protocol)).text(routeColumn(record.route));
  writeColumn(lines, " backend=", 30, writeAddress, record.backend);
  writeColumn(lines, " bytes_up=", 16, writeNumber, record.up);
  writeColumn(lines, " bytes_down=", 19, writeNumber, record.down);
  writeColumn(lines, " duration_ms=", 21, writeTenths, record.duration);
  writeColumn(lines, " route_ms=", 16, writeTenths, record.timeToRoute);
  writeColumn(lines, " connect_ms=", 18, writeTenths, record.timeToConnect);
  lines.text(" id=").number(record.id);
  if (serverName !== undefined) lines.text(" server_name=").text(word(serverName));
  if (host !== undefined) lines.text(" host=").text(word(host));
  if (alpns !== undefined) writeList(lines.text(" alpns="), alpns, word);
  if (dnsName !== undefined) lines.text(" dns_name=").text(word(dnsName));
  if (datagramsUp !== undefined) lines.text(" datagrams_up=").number(datagramsUp);
  if (datagramsDown !== undefined) lines.text(" datagrams_down=").number(datagramsDown);
  if (agent !== undefined) lines.text(" agent=").text(word(agent));
  if (endpoint !== undefined) lines.text(" endpoint=").text(word(endpoint));
  if (detail !== undefined) lines.text(" detail=").text(quoted(detail));
  lines.end();
}

/** The record as a JSON object on one line, with the keys of {@linkcode writeRecord}; what is absent has no key. */
function writeRecordAsJson(record: ConnectionRecord, lines: LineBuffer): void {
  const { protocol, route, backend, timeToRoute, timeToConnect, serverName, host, alpns, detail } =
    record;
  const { dnsName, datagramsUp, datagramsDown, agent, endpoint } = record;
  writeTime(lines.text('{"time":"'), record.time);
  lines.text('","reason":"').text(record.reason)
    .text('","transport":"').text(record.transport)
    .text('","listener":').text(knownWord(record.listener))
    .text(',"client":"');
  writeAddress(lines, record.client);
  lines.text('"');
  if (protocol !== undefined) lines.text(',"protocol":').text(knownWord(protocol));
  if (route !== undefined) lines.text(',"route":').text(knownWord(route));
  if (backend !== undefined) {
    writeAddress(lines.text(',"backend":"'), backend);
    lines.text('"');
  }
  lines.text(',"bytes_up":').number(record.up)
    .text(',"bytes_down":').number(record.down);
  writeTenths(lines.text(',"duration_ms":'), record.duration);
  if (timeToRoute !== undefined) writeTenths(lines.text(',"route_ms":'), timeToRoute);
  if (timeToConnect !== undefined) writeTenths(lines.text(',"connect_ms":'), timeToConnect);
  lines.text(',"id":').number(record.id);
  if (serverName !== undefined) lines.text(',"server_name":').text(jsonWord(serverName));
  if (host !== undefined) lines.text(',"host":').text(jsonWord(host));
  if (alpns !== undefined) {
    writeList(lines.text(',"alpns":['), alpns, jsonWord);
    lines.text("]");
  }
  if (dnsName !== undefined) lines.text(',"dns_name":').text(jsonWord(dnsName));
  if (datagramsUp !== undefined) lines.text(',"datagrams_up":').number(datagramsUp);
  if (datagramsDown !== undefined) lines.text(',"datagrams_down":').number(datagramsDown);
  if (agent !== undefined) lines.text(',"agent":').text(jsonWord(agent));
  if (endpoint !== undefined) lines.text(',"endpoint":').text(jsonWord(endpoint));
  if (detail !== undefined) lines.text(',"detail":').text(jsonWord(detail));
  lines.text("}").end();
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

const reasonColumn = kept((reason: string) => ` reason=${reason}`.padEnd(22));
const transportColumn = kept((transport: string) => ` transport=${transport}`);
const listenerColumn = kept((listener: string) => ` listener=${word(listener)}`.padEnd(18));
const protocolColumn = kept((protocol?: string) => ` protocol=${word(protocol)}`.padEnd(15));
const routeColumn = kept((route?: string) => ` route=${word(route)}`.padEnd(16));
const knownWord = kept(jsonWord);

/** A column of values that are seldom the same twice. */
function writeColumn<Value>(
  lines: LineBuffer,
  key: string,
  width: number,
  write: (lines: LineBuffer, value: Value) => void,
  value: Value | undefined,
): void {
  const end = lines.length + width;
  lines.text(key);
  if (value === undefined) lines.text("-");
  else write(lines, value);
  lines.padTo(end);
}

/** As `formatAddress`. */
function writeAddress(lines: LineBuffer, { address, port }: SocketAddress): void {
  if (address.includes(":")) lines.text("[").text(address).text("]:").number(port);
  else lines.text(address).text(":").number(port);
}

function writeNumber(lines: LineBuffer, value: number): void {
  lines.number(value);
}

/** To a tenth. */
function writeTenths(lines: LineBuffer, ms: number): void {
  const all = Math.round(ms * 10);
  const rest = all % 10;
  lines.number((all - rest) / 10);
  if (rest !== 0) lines.text(".").number(rest);
}

/** A hello may offer thousands. */
const MOST_ALPNS = 16;

function writeList(
  lines: LineBuffer,
  alpns: readonly string[],
  textOf: (alpn: string) => string,
): void {
  for (let i = 0; i < alpns.length && i < MOST_ALPNS; i++) {
    if (i > 0) lines.text(",");
    lines.text(textOf(alpns[i]!));
  }
}

/** The second that was written last, ms since 1970, and what all of its times begin with. */
const last = { second: NaN, text: "" };

function writeTime(lines: LineBuffer, time: number): void {
  const whole = Math.floor(time);
  const ms = whole % 1000;
  if (whole - ms !== last.second) {
    last.second = whole - ms;
    last.text = new Date(last.second).toISOString().slice(0, "2026-01-02T03:04:05.".length);
  }
  lines.text(last.text).text(ms < 10 ? "00" : ms < 100 ? "0" : "").number(ms).text("Z");
}
