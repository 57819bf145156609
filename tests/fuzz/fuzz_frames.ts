/**
 * Mutated streams against the frames and messages of the tunnel: `deno run -A tests/fuzz/fuzz_frames.ts [INPUTS] [SEED]`.
 *
 * @module
 */
import { encodeFrame, type End, FrameReader, ProtocolError } from "../../lib/tunnel/frames.ts";
import { encodeMessage, parseMessage } from "../../lib/tunnel/messages.ts";
import { concat } from "../support/bytes.ts";
import { MESSAGES } from "../support/tunnel_messages.ts";
import { Mutator } from "./mutator.ts";

/** What a reader made of a stream: its frames, `data` in a row joined, and whether it broke the protocol. */
interface Reading {
  readonly frames: readonly string[];
  readonly isBroken: boolean;
}

/** How a stream is read: {@linkcode readFrames}, unless a test breaks it. */
export type Read = (from: End, stream: Uint8Array, cut: number) => Reading;

/** A stream that broke the contract. */
export interface FrameFailure {
  /** Which input of the run, from 0. */
  readonly index: number;
  readonly what: string;
  readonly input: string;
}

/** Most memory that a reader may take, bytes. */
const MOST_MEMORY = 278_528;

/** Streams of both ends: every message by itself, visits as they go, and pieces of them. */
export function corpus(): readonly Uint8Array[] {
  const messages = MESSAGES.map(encodeMessage);
  const bytes = encodeFrame("data", new Uint8Array(500).fill(0x61));
  const visit = concat(encodeMessage({ type: "accept" }), bytes, bytes, encodeFrame("end"));
  const datagrams = concat(
    encodeFrame("datagram", new Uint8Array(0)),
    encodeFrame("datagram", new Uint8Array(1200)),
    encodeFrame("end"),
  );
  return [...messages, concat(...messages), visit, datagrams];
}

/** Reads `stream` as one end gets it from the other, in two pieces; parses every message. */
export function readFrames(from: End, stream: Uint8Array, cut: number): Reading {
  const reader = new FrameReader(from);
  const frames: string[] = [];
  let wasData = false;
  try {
    for (const piece of [stream.subarray(0, cut), stream.subarray(cut)]) {
      for (let at = 0; at < piece.length;) {
        const room = reader.room();
        if (room.buffer.byteLength > MOST_MEMORY) throw new Error("too much memory");
        const length = Math.min(room.length, piece.length - at);
        room.set(piece.subarray(at, at += length));
        reader.filled(length);
        for (let frame; (frame = reader.next()) !== undefined;) {
          void parseMessage(frame);
          const isData = frame.type === "data";
          const hex = frame.payload.toHex();
          if (isData && wasData) frames[frames.length - 1] += hex;
          else frames.push(`${frame.type} ${hex}`);
          wasData = isData;
        }
      }
    }
    return { frames, isBroken: false };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { frames, isBroken: true };
  }
}

/**
 * Reads `inputs` mutated streams whole and in two pieces; the same seed makes the same.
 * @returns The first that was read in two ways, or threw.
 */
export function fuzzFrames(
  inputs: number,
  seed: number,
  read: Read = readFrames,
): FrameFailure | undefined {
  const mutator = new Mutator(corpus(), seed);
  for (let index = 0; index < inputs; index++) {
    const stream = mutator.next();
    const cut = mutator.below(stream.length + 1);
    const from = mutator.below(2) === 0 ? "agent" : "edge";
    const what = breach(read, from, stream, cut);
    if (what !== undefined) {
      return { index, what, input: `${from}, cut at ${cut}: ${stream.toHex()}` };
    }
  }
  return undefined;
}

function breach(read: Read, from: End, stream: Uint8Array, cut: number): string | undefined {
  try {
    const whole = JSON.stringify(read(from, stream, stream.length));
    const pieces = JSON.stringify(read(from, stream, cut));
    return whole === pieces ? undefined : `${whole} whole, ${pieces} in two pieces`;
  } catch (error) {
    return `throws ${error}`;
  }
}

function main(): void {
  const [inputs = 500_000, seed = Date.now() % 2 ** 31] = Deno.args.map(Number);
  if (!Number.isInteger(inputs) || inputs < 1 || !Number.isInteger(seed)) {
    console.error("usage: fuzz_frames.ts [INPUTS] [SEED], both whole numbers");
    Deno.exit(2);
  }
  const start = performance.now();
  const failure = fuzzFrames(inputs, seed);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${inputs} inputs in ${seconds} s, seed ${seed}`);
  if (failure !== undefined) {
    console.error(`input ${failure.index}: ${failure.what}\n  ${failure.input}`);
  }
  Deno.exit(failure === undefined ? 0 : 1);
}

if (import.meta.main) main();
