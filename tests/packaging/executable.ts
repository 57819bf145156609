/**
 * What `deno compile` has put behind the runtime of an executable.
 *
 * @module
 */
import { readFile } from "node:fs/promises";

/** As much of what the runtime is told as matters here. */
export interface Baked {
  readonly argv: readonly string[];
  readonly entrypoint_key: string;
  readonly code_cache_key: number | null;
  /** By `allow_net` and the like: absent is nothing, an empty list is everything. */
  readonly permissions: Readonly<Record<string, readonly string[] | boolean | null>>;
  readonly v8_flags: readonly string[];
  readonly unstable_config: { readonly features: readonly string[]; readonly raw_imports: boolean };
}

export interface Executable {
  readonly baked: Baked;
  /** Paths of the files in it, from the root of the repository. */
  readonly files: readonly string[];
}

interface Folder {
  readonly Dir: { readonly n: string; readonly e: readonly Entry[] };
}
type Entry = Folder | { readonly File: { readonly n: string } } | { readonly Link: unknown };

/** Reads the two tables of an executable: each is JSON behind its length, 8 bytes little-endian. */
export async function readExecutable(path: string): Promise<Executable> {
  const bytes = await readFile(path);
  const baked = jsonAt(bytes, bytes.lastIndexOf('{"argv":')) as Baked;
  const files = jsonAt(bytes, bytes.indexOf('[{"Dir":', bytes.lastIndexOf('{"argv":')));
  return { baked, files: filesOf(files as readonly Entry[], "") };
}

function jsonAt(bytes: Uint8Array, start: number): unknown {
  if (start < 8) {
    throw new Error("this executable is none of `deno compile`, or of another version");
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset + start - 8).getBigUint64(0, true);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(start, start + Number(length))));
}

function filesOf(entries: readonly Entry[], folder: string): string[] {
  return entries.flatMap((entry) => {
    if ("Dir" in entry) return filesOf(entry.Dir.e, `${folder}${entry.Dir.n}/`);
    return "File" in entry ? [`${folder}${entry.File.n}`] : [];
  });
}
