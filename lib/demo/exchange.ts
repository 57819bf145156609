/**
 * One row of the demo played out, and held against what was expected of it.
 *
 * @module
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { ConnectionRecord } from "../access_log.ts";
import type { Clock } from "../runtime/runtime.ts";
import type { Backends } from "./backends.ts";
import { HOST } from "./host.ts";
import type { Journal } from "./journal.ts";
import type { Expected, Row } from "./rows.ts";
import { UdpWire } from "./udp_wire.ts";
import type { Wire } from "./wire.ts";

/** What the demo is played on. */
export interface Stage {
  readonly backends: Backends;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Where the proxy listens. */
  readonly port: number;
  /** The proxy's configuration file. */
  readonly path: string;
}

/** A row of which the client's part has been played. */
export interface Played {
  readonly sent: string;
  /** Comes when the proxy has written down that it is over; never rejects. */
  readonly outcome: Promise<Outcome>;
}

/** How a row went. */
export interface Outcome {
  /** Absent if the proxy wrote none in time. */
  readonly record?: ConnectionRecord;
  /** What was not as expected, a line each. */
  readonly mistakes: readonly string[];
}

/** What a client saw of its connection or its flow. */
export interface Seen {
  readonly answer: string;
  /** Bytes; what TLS writes past the socket is not in `written`. */
  readonly written: number;
  readonly read: number;
}

/** How long anything may take that the demo waits for, ms. */
const PATIENCE = 5000;

/**
 * Lets every client of TCP go to its backend without the proxy, so that the times in the table are not those of code
 * that runs for the first time. What goes wrong here will go wrong in the table too.
 */
export async function rehearse(
  all: readonly Row<Socket>[],
  { backends, clock }: Stage,
): Promise<void> {
  await Promise.all(all.map(async ({ client, expected: { backend } }) => {
    if (backend === undefined) return;
    const wire = await TCP.open(backends.port(backend));
    await within(clock, client(wire)).catch(() => {});
    wire.destroy();
  }));
}

/** How clients of a transport begin. */
export interface Way<Own extends Wire> {
  readonly transport: ConnectionRecord["transport"];
  /** Connects a client, or binds its socket. */
  readonly open: (to: number) => Promise<Own>;
}

export const TCP: Way<Socket> = { transport: "tcp", open };
export const UDP: Way<UdpWire> = { transport: "udp", open: (to) => UdpWire.open(to) };

/** Plays the client's part of `row`. Never rejects. */
export async function play<Own extends Wire>(
  { sent, client, expected }: Row<Own>,
  way: Way<Own>,
  stage: Stage,
): Promise<Played> {
  try {
    const wire = await way.open(stage.port);
    const record = stage.journal.recordOf(way.transport, wire.localPort ?? 0);
    // A connection that is closed on purpose is an error for its client.
    const answer = await within(stage.clock, client(wire)).catch((error) => `(${error})`);
    const seen = { answer, written: wire.bytesWritten, read: wire.bytesRead };
    const outcome = judge(expected, record, seen, stage).finally(() => wire.destroy());
    return { sent, outcome };
  } catch (error) {
    return { sent, outcome: Promise.resolve({ mistakes: [String(error)] }) };
  }
}

async function judge(
  expected: Expected,
  record: Promise<ConnectionRecord>,
  seen: Seen,
  { backends, clock }: Stage,
): Promise<Outcome> {
  try {
    const found = await within(clock, record);
    return { record: found, mistakes: mistakes(expected, found, seen, backends) };
  } catch (error) {
    return { mistakes: [String(error)] };
  }
}

/** Connects a client of TCP. */
async function open(to: number): Promise<Socket> {
  const wire = connect({ host: HOST, port: to });
  // Who reads from it gets the error; once nobody does, nobody misses it.
  wire.on("error", () => {});
  await once(wire, "connect");
  return wire;
}

/** Waits for `promise`, but not for ever. */
export async function within<Value>(clock: Clock, promise: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = clock.setTimer(
    () => late.reject(new Error(`nothing within ${PATIENCE / 1000} s`)),
    PATIENCE,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    timer.cancel();
  }
}

/** Where what the client saw, and what the proxy wrote down, differ from what was expected. */
export function mistakes(
  expected: Expected,
  record: ConnectionRecord,
  seen: Seen,
  backends: Pick<Backends, "nameAt">,
): readonly string[] {
  const closed = expected.backend === undefined;
  const backend = record.backend && backends.nameAt(record.backend.port, record.transport);
  // Of what a client wrote with TLS its socket tells nothing; the rest was counted on both sides.
  const written = record.protocol === "tls" ? record.up : seen.written;
  const pairs: readonly (readonly [what: string, expected: unknown, found: unknown])[] = [
    ["protocol", expected.protocol, record.protocol],
    ["SNI", expected.serverName, record.serverName],
    ["ALPN", expected.alpns?.join(), record.alpns?.join()],
    ["Host", expected.host, record.host],
    ["DNS name", expected.dnsName, record.dnsName],
    ["route", expected.route, record.route],
    ["backend", expected.backend, backend],
    ["end", expected.reason ?? "ended", record.reason],
    ["answer", closed ? undefined : expected.answer, closed ? undefined : seen.answer],
    ["bytes up", closed ? 0 : written, record.up],
    ["bytes down", expected.isReadUncounted ? record.down : seen.read, record.down],
  ];
  return pairs
    .filter(([, expected, found]) => expected !== found)
    .map(([what, ...values]) => {
      const [expected, found] = values.map((value) => JSON.stringify(value) ?? "none");
      return `${what}: expected ${expected}, got ${found}`;
    });
}
