/**
 * What becomes of one connection of the integrity test. The client makes it up, and says it first.
 *
 * @module
 */
import { MOST_AT_ONCE, type ReadStream } from "./integrity_stream.ts";

export interface Plan {
  readonly id: number;
  /** Bytes from the client, and to it; and which streams they are. */
  readonly up: number;
  readonly down: number;
  readonly upSeed: number;
  readonly downSeed: number;
  /** Bytes that are written and read at once. */
  readonly size: number;
  /** `whole`: each side ends its stream when it has sent it all, and reads the other's to its end. */
  readonly ending: "whole" | "client leaves" | "backend leaves";
  /** After how many bytes of the client's stream who leaves does so, whatever comes: a reset, unless nothing does. */
  readonly leavesAt: number;
}

/** What a backend has seen of a connection. */
export interface Seen extends ReadStream {
  readonly id: number;
}

const ENDINGS = ["whole", "client leaves", "backend leaves"] as const;
/** Of a written plan, bytes. Its first byte belongs to no protocol. */
export const PLAN_LENGTH = 40;
/** Of the longest stream. */
const LONGEST = 64e6;
/** Most writes of one connection: few bytes at a time are for short streams. */
const MOST_WRITES = 2000;

/** Makes a plan up. */
export function makePlan(id: number, random: () => number): Plan {
  const whole = (below: number) => Math.floor(below * random());
  // As many of some thousand bytes as of some million.
  const length = () => Math.floor(Math.exp(Math.log(LONGEST) * random()));
  const [up, down] = [length(), length()];
  const least = Math.max(1, Math.ceil(Math.max(up, down) / MOST_WRITES));
  const size = Math.floor(least * Math.exp(Math.log(MOST_AT_ONCE / least) * random()));
  const ending = random() < 0.8 ? "whole" : ENDINGS[1 + whole(2)]!;
  return {
    id,
    up,
    down,
    upSeed: whole(2 ** 31),
    downSeed: whole(2 ** 31),
    size,
    ending,
    leavesAt: whole(up),
  };
}

export function encodePlan(plan: Plan): Uint8Array {
  const bytes = new Uint8Array(PLAN_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint8(1, ENDINGS.indexOf(plan.ending));
  const numbers = [
    plan.id,
    plan.up,
    plan.down,
    plan.upSeed,
    plan.downSeed,
    plan.size,
    plan.leavesAt,
  ];
  numbers.forEach((number, i) => view.setUint32(4 + 4 * i, number));
  return bytes;
}

export function decodePlan(bytes: Uint8Array): Plan {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const number = (i: number) => view.getUint32(4 + 4 * i);
  return {
    id: number(0),
    up: number(1),
    down: number(2),
    upSeed: number(3),
    downSeed: number(4),
    size: number(5),
    ending: ENDINGS[view.getUint8(1)]!,
    leavesAt: number(6),
  };
}
