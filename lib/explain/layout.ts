/**
 * How an explanation is laid out: the verdict, an empty line, then sections with their labels beside them.
 *
 * @module
 */

export interface FormatOptions {
  /** Whether to use the colours of a terminal. */
  readonly colour: boolean;
}

/** Marks up a text. */
export type Paint = Readonly<
  Record<"bold" | "dim" | "good" | "bad" | "open", (text: string) => string>
>;

/** Lines about one thing; without lines it is left out. */
export type Section = readonly [label: string, lines: readonly string[]];

const LABEL_WIDTH = 10;

const PLAIN: Paint = {
  bold: (text) => text,
  dim: (text) => text,
  good: (text) => text,
  bad: (text) => text,
  open: (text) => text,
};

const COLOURS: Paint = {
  bold: (text) => `\x1b[1m${text}\x1b[22m`,
  dim: (text) => `\x1b[2m${text}\x1b[22m`,
  good: (text) => `\x1b[32m${text}\x1b[39m`,
  bad: (text) => `\x1b[31m${text}\x1b[39m`,
  open: (text) => `\x1b[33m${text}\x1b[39m`,
};

/** What marks up the texts of an explanation. */
export function paintFor({ colour }: FormatOptions): Paint {
  return colour ? COLOURS : PLAIN;
}

/** Puts everything together, the last line ended too. */
export function layOut(
  verdict: readonly string[],
  sections: readonly Section[],
  paint: Paint,
): string {
  const rows = sections.flatMap(([label, lines]) =>
    lines.map((line, at) => `${paint.dim((at === 0 ? label : "").padEnd(LABEL_WIDTH))}${line}`)
  );
  return [...verdict, "", ...rows, ""].join("\n");
}
