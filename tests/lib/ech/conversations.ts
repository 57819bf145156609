/**
 * What real clients sent through an ECH split-mode server, kept in `tests/samples/ech/`, a file each:
 *
 * ```
 * # made with: Go 1.26.8 crypto/tls …      the client
 * # backend: …                             what it spoke with
 * # ech_config_list: AEH+…                 what it sealed with, and the key to it, in base64
 * # private_key: Wlpa…
 * # first:                                 what it sent, in hex; then the same, opened
 * # first inner:
 * # answer:                                what the backend said to that
 * # second:                                if that was a HelloRetryRequest: what it sent then, and the same, opened
 * # second inner:
 * ```
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseHex } from "../../support/samples.ts";

export interface Conversation {
  readonly name: string;
  readonly keys: {
    readonly configList: Uint8Array;
    readonly privateKeys: readonly Uint8Array[];
  };
  readonly first: Uint8Array;
  readonly firstInner: Uint8Array;
  readonly answer: Uint8Array;
  readonly second?: Uint8Array;
  readonly secondInner?: Uint8Array;
}

const FOLDER = new URL("../../samples/ech/", import.meta.url);

/** Reads every conversation. */
export function conversations(): Conversation[] {
  const files = readdirSync(FOLDER).sort();
  if (files.length === 0) throw new Error(`${FOLDER.pathname} has no samples`);
  return files.map((file) => parse(file, readFileSync(new URL(file, FOLDER), "utf8")));
}

function parse(name: string, text: string): Conversation {
  const parts = new Map<string, string>();
  for (const [, key = "", value = ""] of text.matchAll(/^# ([^:]+):([^#]*)/gm)) {
    parts.set(key, value.trim());
  }
  const part = (key: string) => {
    const value = parts.get(key);
    if (!value) throw new Error(`${name} has no "${key}"`);
    return value;
  };
  return {
    name,
    keys: {
      configList: parseBase64(part("ech_config_list")),
      privateKeys: [parseBase64(part("private_key"))],
    },
    first: parseHex(part("first")),
    firstInner: parseHex(part("first inner")),
    answer: parseHex(part("answer")),
    ...parts.has("second") && {
      second: parseHex(part("second")),
      secondInner: parseHex(part("second inner")),
    },
  };
}

export function parseBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
