/**
 * Real conversations in HTTP/1.1, kept in `tests/samples/http/`, a file each:
 *
 * ```
 * # made with: curl 7.88.1, nginx 1.22.1      who asked and who answered
 * # exchange: GET /path 200 complete          what was said: method, target, status, a protocol if it changed, outcome
 * >                                           the client, in hex
 * 474554 …
 * <                                           the server
 * ```
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Exchange } from "../../lib/tunnel/http/exchange.ts";
import { concat } from "../../lib/tunnel/http/passed.ts";
import { Talk, textOf } from "./http_talk.ts";
import { parseHex } from "./samples.ts";

export interface RecordedTalk {
  readonly name: string;
  readonly madeWith: string;
  readonly exchanges: readonly string[];
  readonly steps: readonly Step[];
}

/** What one side said until the other one did. */
export interface Step {
  readonly who: "client" | "server";
  readonly bytes: Uint8Array;
}

const FOLDER = new URL("../samples/http/", import.meta.url);

/** @throws {Error} If there is none, or one is not of the form above. */
export function recordedTalks(): RecordedTalk[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".talk")).sort();
  if (files.length === 0) throw new Error("there are no conversations");
  return files.map((file) => parse(file, readFileSync(new URL(file, FOLDER), "utf8")));
}

function parse(name: string, text: string): RecordedTalk {
  const [, madeWith] = /^# made with: (.+)$/m.exec(text) ?? [];
  const exchanges = Array.from(text.matchAll(/^# exchange: (.+)$/gm), ([, line]) => line!);
  const steps = Array.from(
    text.matchAll(/^([<>])\n((?:[0-9a-f]+\n)+)/gm),
    ([, sign, hex]): Step => ({
      who: sign === ">" ? "client" : "server",
      bytes: parseHex(hex!),
    }),
  );
  if (!madeWith || steps.length === 0) throw new Error(`${name}: no maker, or nothing said`);
  return { name, madeWith, exchanges, steps };
}

/** An exchange as a file writes it. */
export function summaryOf({ request, response, upgradedTo, outcome }: Exchange): string {
  const parts = [request.method, request.target, response?.status, upgradedTo, outcome];
  return parts.filter((part) => part !== undefined).join(" ");
}

/** All that one side said. */
export function said(steps: readonly Step[], who: Step["who"]): Uint8Array {
  return concat(steps.filter((step) => step.who === who).map(({ bytes }) => bytes));
}

/** Says everything in its order; `cut` says how the bytes of a step are cut. */
export function replay(
  steps: readonly Step[],
  cut = (bytes: Uint8Array): readonly Uint8Array[] => [bytes],
): Talk {
  const talk = new Talk({ keeps: 100_000 });
  for (const { who, bytes } of steps) {
    for (const piece of cut(bytes)) who === "client" ? talk.asks(piece) : talk.says(piece);
  }
  return talk.ends();
}

/** All that can be known of a talk but for the times. */
export function knownOf(talk: Talk) {
  return {
    exchanges: talk.exchanges.map((exchange) => ({
      summary: summaryOf(exchange),
      fields: [exchange.request.fields, exchange.response?.fields],
      interim: exchange.interim,
      bodies: [exchange.requestBody, exchange.responseBody].map((body) => ({
        length: body.length,
        text: textOf(body.bytes),
      })),
    })),
    down: talk.downText,
  };
}
