/**
 * From what the command line says about clients to what is asked, and of which listener.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { formatIp, parseIp } from "./addr.ts";
import type { Config } from "./config/config.ts";
import { joined } from "./config/joined.ts";
import { didYouMean } from "./config/suggest.ts";
import { connectionOf } from "./explain/asked.ts";
import { datagramsOf } from "./explain/asked_datagrams.ts";
import type { Client } from "./explain/client.ts";
import {
  capturedInputs,
  type Input,
  type Inputs,
  type Listeners,
  unserved,
} from "./explain/input.ts";
import { readPcap } from "./pcap.ts";
import { systemReason } from "./system_error.ts";

/** As on the command line. At most one of `hex`, `file`, `host`, `dnsName` and the two for TLS. */
export interface ExplainOptions {
  readonly listener?: string;
  readonly udp?: boolean;
  readonly hex?: readonly string[];
  readonly file?: readonly string[];
  readonly sni?: string;
  readonly alpn?: string;
  readonly host?: string;
  readonly dnsName?: string;
  readonly from?: string;
  readonly json?: boolean;
}

/** Something on the command line that makes no sense. */
export class UsageError extends Error {}

/**
 * Reads what is asked.
 * @throws {UsageError} If it makes no sense, or a file cannot be read.
 */
export async function inputsOf(options: ExplainOptions, config: Config): Promise<Inputs> {
  const { listener, udp, host, dnsName, from } = options;
  const listeners = listenersOf(listener, config);
  const client = from === undefined ? undefined : { address: addressOf(from) };
  const given = [
    ...(options.hex ?? []).map(bytesOf),
    ...await Promise.all((options.file ?? []).map(bytesIn)),
  ];
  const isUdp = udp || dnsName !== undefined || host === undefined && listeners.usual === "udp";
  try {
    if (options.file && given.some(isCapture)) return captured(given, listeners, client);
    if (isUdp) return single(datagramInput(options, given, client, listeners));
    if (given.length > 1) throw new UsageError("several datagrams are explained with --udp");
    return single(connectionInput(options, given[0], client, listeners));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    throw new UsageError(error.message);
  }
}

/** The listener that is named; without a name the first of each transport. */
function listenersOf(
  name: string | undefined,
  { tcp, udp }: Config,
): Listeners & { readonly usual: Input["transport"] } {
  const all = joined(tcp, udp);
  const found = name === undefined ? all[0] : all.find((each) => each.name === name);
  if (found === undefined) {
    const names = all.map((each) => each.name);
    throw new UsageError(
      `there is no listener "${name}" among ${names.join(", ")}${didYouMean(name ?? "", names)}`,
    );
  }
  const usual = found.tcp === undefined ? "udp" : "tcp";
  return name === undefined
    ? { tcp: tcp[0], udp: udp[0], usual }
    : { name, tcp: found.tcp, udp: found.udp, usual };
}

/** @param head What it says; absent: as the options describe it. */
function connectionInput(
  { sni, alpn, host }: ExplainOptions,
  head: Uint8Array | undefined,
  client: Client | undefined,
  listeners: Listeners,
): Input {
  const { tcp: listener } = listeners;
  if (listener === undefined) throw new UsageError(unserved(listeners, "tcp"));
  const asked = head === undefined
    ? connectionOf({ ...namesOf(sni, alpn), ...host !== undefined && { host } }, client, listener)
    : { head, ended: false, ...client && { peer: client } };
  return { transport: "tcp", listener, asked };
}

/** @param given What it says; empty: as the options describe it. */
function datagramInput(
  { sni, alpn, dnsName }: ExplainOptions,
  given: readonly Uint8Array[],
  client: Client | undefined,
  listeners: Listeners,
): Input {
  const { udp: listener } = listeners;
  if (listener === undefined) throw new UsageError(unserved(listeners, "udp"));
  const isMadeUp = given.length === 0;
  const datagrams = isMadeUp
    ? datagramsOf({ ...namesOf(sni, alpn), ...dnsName !== undefined && { dnsName } })
    : given;
  return {
    transport: "udp",
    listener,
    asked: { datagrams, isMadeUp, ...client && { peer: client } },
  };
}

function namesOf(sni: string | undefined, alpn: string | undefined) {
  return {
    ...sni !== undefined && { serverName: sni },
    ...alpn !== undefined && { alpns: alpn.split(",") },
  };
}

function addressOf(text: string): string {
  const ip = parseIp(text);
  if (ip === undefined) throw new UsageError(`--from wants an IP address, not "${text}"`);
  return formatIp(ip);
}

function bytesOf(hex: string): Uint8Array {
  const digits = hex.replace(/\s|0x|[:,]/gi, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new UsageError("--hex wants two hexadecimal digits for each byte");
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

async function bytesIn(file: string): Promise<Uint8Array> {
  try {
    // A Buffer of node is no plain Uint8Array: its slice() is a view.
    return new Uint8Array(await readFile(file === "-" ? "/dev/stdin" : file));
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${systemReason(error)}`);
  }
}

/** The first bytes of a pcap file in either byte order, with µs or ns, and of a pcapng file. */
const CAPTURE = /^(d4c3b2a1|4d3cb2a1|a1b2c3d4|a1b23c4d|0a0d0d0a)/;

function isCapture(bytes: Uint8Array): boolean {
  const magic = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0"));
  return CAPTURE.test(magic.join(""));
}

function captured(
  [file, ...more]: readonly Uint8Array[],
  listeners: Listeners,
  client: Client | undefined,
): Inputs {
  if (file === undefined || more.length > 0) {
    throw new UsageError("a capture is explained alone: name no other --file");
  }
  const found = capturedInputs(readPcap(file), listeners, client);
  if (found.inputs.length > 0) return found;
  const why = found.notes.length === 0 ? "" : `: ${found.notes.join("; ")}`;
  throw new UsageError(
    `there is nothing to explain in the capture${why}`,
  );
}

function single(input: Input): Inputs {
  return { inputs: [input], notes: [] };
}
