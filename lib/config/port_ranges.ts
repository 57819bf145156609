/**
 * Sets of ports as ranges: `20000-20009,20100`.
 *
 * @module
 */
import type { PortRange } from "./config.ts";

/**
 * Reads ports and ranges of ports, separated by commas.
 * @throws {SyntaxError} Saying what was expected and what was found.
 */
export function parsePorts(text: string): readonly PortRange[] {
  return text.split(",").map((part) => {
    const [, first = "", last = first] = /^\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?$/.exec(part) ?? [];
    const range = { first: Number(first), last: Number(last) };
    if (first === "" || range.first < 1 || range.last > 65_535) {
      throw new SyntaxError(`expected ports such as "20000-20999" or "20000,20010", got "${text}"`);
    }
    if (range.first > range.last) {
      throw new SyntaxError(`expected the lower port first, got "${part.trim()}"`);
    }
    return range;
  });
}

/** The same ports, ascending, in as few ranges as can be. */
export function mergedRanges(ranges: readonly PortRange[]): readonly PortRange[] {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1) merged.push(range);
    else merged[merged.length - 1] = { ...before, last: Math.max(before.last, range.last) };
  }
  return merged;
}

/** Writes ranges so that {@linkcode parsePorts} reads them. */
export function formatPorts(ranges: readonly PortRange[]): string {
  return ranges.map(({ first, last }) => first === last ? `${first}` : `${first}-${last}`).join();
}

export function hasPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** Whether every port of `inner` is one of `outer`, whose ranges are merged. */
export function coversPorts(outer: readonly PortRange[], inner: readonly PortRange[]): boolean {
  return inner.every(({ first, last }) =>
    outer.some((range) => range.first <= first && last <= range.last)
  );
}

/** How many ports there are in `ranges`, none of which overlap. */
export function countPorts(ranges: readonly PortRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** The port at `index` of all those in `ranges`. */
export function nthPort(ranges: readonly PortRange[], index: number): number {
  let left = index;
  for (const { first, last } of ranges) {
    if (left <= last - first) return first + left;
    left -= last - first + 1;
  }
  throw new RangeError(`there is no port at ${index}`);
}

/** The ports of `ranges` that are in none of `others`. */
export function withoutPorts(
  ranges: readonly PortRange[],
  others: readonly PortRange[],
): readonly PortRange[] {
  return others.reduce<readonly PortRange[]>(
    (left, other) =>
      left.flatMap(({ first, last }) =>
        [
          { first, last: Math.min(last, other.first - 1) },
          { first: Math.max(first, other.last + 1), last },
        ].filter((range) => range.first <= range.last)
      ),
    ranges,
  );
}
