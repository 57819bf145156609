/**
 * Values in log lines: whatever a client sent, a line stays one line, and its words stay words.
 *
 * @module
 */

export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** Longer values are cut: a client does not decide how long a line gets. */
const LONGEST_VALUE = 256;

/** Letters, digits and punctuation of ASCII but for `"`, `,`, `=` and `\`. */
const PLAIN = /^[!#-+\--<>-[\]-~]+$/;

/** A word: anything but {@linkcode PLAIN} characters is written as `\x20` or `\u{fffd}`; nothing is `-`. */
export function word(value: string | undefined): string {
  if (value === undefined || value === "") return "-";
  const text = clipped(value);
  return PLAIN.test(text) ? text : text.replace(/[^!#-+\--<>-[\]-~]/gu, escape);
}

/** A text with spaces in quotes; a quote, backslash or control character inside is escaped. */
export function quoted(value: string): string {
  return `"${clipped(value).replace(/[^ !#-[\]-~]/gu, escape)}"`;
}

/** A message that sluice wrote itself, in any script, with names in it that it did not choose. */
export function printable(value: string): string {
  return value.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escape);
}

/** A value as JSON in ASCII: a terminal that shows it obeys nothing in it. */
export function json(value: unknown): string {
  const text = JSON.stringify(value);
  return /^[ -~]*$/.test(text) ? text : text.replace(/[^ -~]/g, (unit) => `\\u${hex(unit, 4)}`);
}

/** A string as {@linkcode json}, cut like a {@linkcode word}. */
export function jsonWord(value: string): string {
  return json(clipped(value));
}

function clipped(value: string): string {
  return value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 3)}...` : value;
}

function escape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${hex(character, 2)}` : `\\u{${hex(character, 4)}}`;
}

function hex(character: string, digits: number): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(digits, "0");
}
