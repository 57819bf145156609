/**
 * Durations as the configuration writes them: a number and a unit, or several, the larger first: `1m30s`.
 *
 * @module
 */

const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

// The long forms are the ones that rpxy-l4 takes.
const HOURS = "(?:(\\d+) ?h(?:rs?|ours?)?)?";
const MINUTES = "(?:(\\d+) ?m(?:ins?|inutes?)?)?";
const SECONDS = "(?:(\\d+) ?s(?:ecs?|econds?)?)?";
const MILLISECONDS = "(?:(\\d+) ?ms)?";
const DURATION = new RegExp(`^${[HOURS, MINUTES, SECONDS, MILLISECONDS].join(" ?")}$`, "i");

/**
 * Reads a duration; a number without a unit is seconds.
 * @returns ms
 * @throws {SyntaxError} Saying what was expected and what was found.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed) * UNITS.s;
  const parts = trimmed === "" ? null : DURATION.exec(trimmed);
  if (parts === null) {
    throw new SyntaxError(`expected a duration such as "30s", "1m30s" or "500ms", got "${text}"`);
  }
  return Object.values(UNITS)
    .reduce((sum, unit, i) => sum + Number(parts[i + 1] ?? 0) * unit, 0);
}

/** Writes `ms` so that {@linkcode parseDuration} reads it, in the largest units that fit. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = "";
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === "" ? "0s" : text;
}
