/**
 * `sluice explain`: from what the command line says about a connection to what would become of it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { formatAddress, formatIp, parseIp } from "./addr.ts";
import type { Config, TcpListenerConfig } from "./config/config.ts";
import { didYouMean } from "./config/suggest.ts";
import { type ConfigSource, loadFile, report } from "./config_file.ts";
import { explain } from "./explain.ts";
import { type Asked, connectionOf } from "./explain/asked.ts";
import { formatExplanation } from "./explain/format.ts";
import { readPcap } from "./pcap.ts";
import type { Process } from "./runtime/process.ts";
import { systemReason } from "./system_error.ts";

/** As on the command line. At most one of `hex`, `file`, `host` and the two for TLS. */
export interface ExplainOptions {
  readonly listener?: string;
  readonly hex?: string;
  readonly file?: string;
  readonly sni?: string;
  readonly alpn?: string;
  readonly host?: string;
  readonly from?: string;
  readonly json?: boolean;
}

/** Something on the command line that makes no sense. */
class UsageError extends Error {}

/**
 * Explains one connection, or each of a capture.
 * @param colour Whether stdout takes colours.
 * @returns The exit code.
 */
export async function explainCommand(
  source: ConfigSource,
  options: ExplainOptions,
  { stdout, stderr }: Process,
  colour: boolean,
): Promise<number> {
  const loaded = await loadFile(source);
  if (!loaded.ok) {
    await stderr.write(report(loaded.problems));
    return 2;
  }
  try {
    const listener = listenerOf(loaded.config, options.listener);
    const inputs = await inputsOf(options, listener);
    const answer = options.json
      ? answerAsJson(listener, inputs)
      : answerAsText(listener, inputs, colour);
    await stdout.write(answer);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await stderr.write(`error: ${error.message}\n`);
    return 2;
  }
}

function listenerOf({ tcp: listeners }: Config, name: string | undefined): TcpListenerConfig {
  const [first] = listeners;
  const found = name === undefined ? first : listeners.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = listeners.map((each) => each.name);
  throw new UsageError(
    `there is no listener "${name}" among ${names.join(", ")}${didYouMean(name ?? "", names)}`,
  );
}

/** A connection to explain. */
interface Input {
  /** Which one of a capture. */
  readonly name?: string;
  readonly asked: Asked;
}

/** A capture makes a list, however short. */
function answerAsJson(listener: TcpListenerConfig, inputs: readonly Input[]): string {
  const answers = inputs.map(({ name, asked }) => ({
    ...name !== undefined && { connection: name },
    ...explain(listener, asked),
  }));
  const isCapture = inputs.some(({ name }) => name !== undefined);
  return `${JSON.stringify(isCapture ? answers : answers[0], null, 2)}\n`;
}

function answerAsText(
  listener: TcpListenerConfig,
  inputs: readonly Input[],
  colour: boolean,
): string {
  return inputs.map(({ name, asked }) =>
    `${name === undefined ? "" : `${name}: `}${
      formatExplanation(explain(listener, asked), { colour })
    }`
  ).join("\n");
}

async function inputsOf(
  { hex, file, sni, alpn, host, from }: ExplainOptions,
  listener: TcpListenerConfig,
): Promise<readonly Input[]> {
  const client = from === undefined ? undefined : { address: addressOf(from) };
  const peer = client && { peer: client };
  if (hex !== undefined) return [{ asked: { head: bytesOf(hex), ended: false, ...peer } }];
  if (file !== undefined) return inputsIn(await bytesIn(file), peer);
  const said = {
    ...sni !== undefined && { serverName: sni },
    ...alpn !== undefined && { alpns: alpn.split(",") },
    ...host !== undefined && { host },
  };
  try {
    return [{ asked: connectionOf(said, client, listener) }];
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) {
      throw new UsageError(error.message);
    }
    throw error;
  }
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
    return await readFile(file === "-" ? "/dev/stdin" : file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${systemReason(error)}`);
  }
}

/** The first bytes of a pcap file in either byte order, with µs or ns, and of a pcapng file. */
const CAPTURE = /^(d4c3b2a1|4d3cb2a1|a1b2c3d4|a1b23c4d|0a0d0d0a)/;

function inputsIn(
  bytes: Uint8Array,
  peer: Pick<Asked, "peer"> | undefined,
): readonly Input[] {
  const magic = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0"));
  if (!CAPTURE.test(magic.join(""))) return [{ asked: { head: bytes, ended: false, ...peer } }];
  try {
    const flows = readPcap(bytes).flows.filter((flow) => flow.transport === "tcp");
    if (flows.length === 0) throw new UsageError("there is no TCP connection in the capture");
    return flows.map(({ client, server, head, ended }) => ({
      name: `${formatAddress(client)} > ${formatAddress(server)}`,
      asked: { head, ended, peer: client, ...peer },
    }));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(error.message);
    throw error;
  }
}
