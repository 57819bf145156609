/**
 * What real clients and specifications send first, kept in `tests/samples/`, a file each:
 *
 * ```
 * # protocol: tls                      the probe that must match it, or `none`
 * # made with: curl 7.88.1 …           the tool, or the section of the RFC
 * # fact serverName: example.com       what the probe must learn; a list is separated by commas
 * 16 03 01 …                           the bytes, in hex; further lines with # are comments
 * ```
 *
 * What goes over UDP says `# transport: udp`, and has a line `--` between one datagram and the next.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";

/** What there is to say about a capture. */
interface Caption {
  /** The file's name without `.hex`: `<protocol>_<what>`. */
  readonly name: string;
  readonly protocol: string;
  readonly madeWith: string;
  /** Name of a fact or a detail to its text; a list is joined by commas. */
  readonly facts: Readonly<Record<string, string>>;
}

/** One capture of a connection's first bytes. */
export interface Sample extends Caption {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** One capture of a client's first datagrams. */
export interface DatagramSample extends Caption {
  /** At least one, none of them empty. */
  readonly datagrams: readonly Uint8Array<ArrayBuffer>[];
}

const FOLDER = new URL("../samples/", import.meta.url);

/**
 * Reads every sample of a TCP protocol, in the order of their names.
 * @param folder Another folder to read.
 * @throws {Error} If there is none, or one is not of the form above.
 */
export function samples(folder: URL = FOLDER): Sample[] {
  return read(folder, false).map(([name, text]) => parseSample(name, text));
}

/** Reads every sample of a UDP protocol, as {@linkcode samples} does those of TCP. */
export function datagramSamples(folder: URL = FOLDER): DatagramSample[] {
  return read(folder, true).map(([name, text]) => parseDatagramSample(name, text));
}

/** The names and texts of the files of one transport. */
function read(folder: URL, udp: boolean): [name: string, text: string][] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".hex")).sort()
    .map((file): [string, string] => [file, readFileSync(new URL(file, folder), "utf8")])
    .filter(([, text]) => /^# transport: udp$/m.test(text) === udp);
  if (files.length === 0) throw new Error(`${folder.pathname} has no samples`);
  return files.map(([file, text]) => [file.slice(0, -".hex".length), text]);
}

/** Reads the text of one file. */
export function parseSample(name: string, text: string): Sample {
  return { ...parseCaption(name, text), bytes: parseBytes(name, text) };
}

/** Reads the text of one file with datagrams. */
export function parseDatagramSample(name: string, text: string): DatagramSample {
  const datagrams = text.split(/^--$/m).map((part) => parseBytes(name, part));
  return { ...parseCaption(name, text), datagrams };
}

function parseCaption(name: string, text: string): Caption {
  const comments = text.split("\n").filter((line) => line.startsWith("#"));
  const entries = comments.flatMap((line): [string, string][] => {
    const [, key, value] = /^# ([^:]+): *(.*?)\s*$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
  const headers = new Map(entries);
  const facts = entries.flatMap(([key, value]) =>
    key.startsWith("fact ") ? [[key.slice("fact ".length), value]] : []
  );
  const protocol = headers.get("protocol");
  const madeWith = headers.get("made with");
  if (!protocol || !madeWith) throw new Error(`${name}: no "# protocol:" or "# made with:" line`);
  return { name, protocol, madeWith, facts: Object.fromEntries(facts) };
}

function parseBytes(name: string, text: string): Uint8Array<ArrayBuffer> {
  const hex = text.replaceAll(/^#.*$/gm, "").replaceAll(/\s/g, "");
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw new Error(`${name}: no bytes, or not in hex`);
  return parseHex(hex);
}

/** The bytes that `hex` writes; white space between bytes is ignored. */
export function parseHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));
}
