/**
 * Sizes as the configuration writes them: a number and a unit, decimal (`10MB`) or binary (`16MiB`).
 *
 * @module
 */

const UNITS = {
  GIB: 2 ** 30,
  GB: 1e9,
  MIB: 2 ** 20,
  MB: 1e6,
  KIB: 2 ** 10,
  KB: 1e3,
  B: 1,
} as const;

const SPELLING = { GIB: "GiB", GB: "GB", MIB: "MiB", MB: "MB", KIB: "KiB", KB: "kB", B: "B" };

/** Less would not carry a single chunk in its time. */
const LEAST = 1000;

/**
 * Reads a size of at least 1 kB.
 * @returns bytes
 * @throws {SyntaxError} Saying what was expected and what was found.
 */
export function parseSize(text: string): number {
  const [, digits, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?i?b)\s*$/i.exec(text) ?? [];
  const size = UNITS[unit.toUpperCase() as keyof typeof UNITS];
  const bytes = Number(digits) * (size ?? NaN);
  if (!Number.isSafeInteger(bytes) || bytes < LEAST) {
    throw new SyntaxError(`expected a size such as "500kB", "10MB" or "1GiB", got "${text}"`);
  }
  return bytes;
}

/** Writes `bytes` so that {@linkcode parseSize} reads it, in the largest unit that fits without a fraction. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of Object.entries(UNITS)) {
    if (bytes % size === 0) return `${bytes / size}${SPELLING[unit as keyof typeof UNITS]}`;
  }
  return `${bytes}B`;
}
