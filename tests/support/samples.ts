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
 * @module
 */

/** One capture. */
export interface Sample {
  /** The file's name without `.hex`: `<protocol>_<what>`. */
  readonly name: string;
  readonly protocol: string;
  readonly madeWith: string;
  /** Name of a fact or a detail to its text; a list is joined by commas. */
  readonly facts: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const FOLDER = new URL("../samples/", import.meta.url);

/**
 * Reads every sample, in the order of their names.
 * @param folder Another folder to read.
 * @throws {Error} If there is none, or one is not of the form above.
 */
export function samples(folder: URL = FOLDER): Sample[] {
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".hex")).sort();
  if (files.length === 0) throw new Error(`${folder.pathname} has no samples`);
  return files.map((file) =>
    parseSample(file.slice(0, -".hex".length), Deno.readTextFileSync(new URL(file, folder)))
  );
}

/** Reads the text of one file. */
export function parseSample(name: string, text: string): Sample {
  const comments = text.split("\n").filter((line) => line.startsWith("#"));
  const entries = comments.flatMap((line): [string, string][] => {
    const [, key, value] = /^# ([^:]+): *(.*?)\s*$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
  const headers = new Map(entries);
  const facts = entries.flatMap(([key, value]) =>
    key.startsWith("fact ") ? [[key.slice("fact ".length), value]] : []
  );
  const hex = text.replaceAll(/^#.*$/gm, "").replaceAll(/\s/g, "");
  const protocol = headers.get("protocol");
  const madeWith = headers.get("made with");
  if (!protocol || !madeWith) throw new Error(`${name}: no "# protocol:" or "# made with:" line`);
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw new Error(`${name}: no bytes, or not in hex`);
  return { name, protocol, madeWith, facts: Object.fromEntries(facts), bytes: parseHex(hex) };
}

/** The bytes that `hex` writes; white space between bytes is ignored. */
export function parseHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));
}
