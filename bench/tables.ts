/**
 * Tables that read well in a terminal and as Markdown.
 *
 * @module
 */
import { type Burst, figureOf, ratioTo, type Spread, type WorkloadResult } from "./results.ts";
import { ratioText } from "./units.ts";

/** Cells, the first of which says what the others are about. */
export type Row = readonly string[];

/** One cell per contender; a dash where there is no figure. */
export function each(
  contenders: readonly string[],
  text: (contender: string) => string | number | undefined,
): string[] {
  return contenders.map((contender) => `${text(contender) || "–"}`);
}

/** Rows of the goals that are ratios: the goal, what is reached of it, and the ratio to somebody else. */
export function ratioGoals(
  workloads: readonly WorkloadResult<{ readonly name: string; readonly goal: number }>[],
  reference: string,
  likeWithLike: string,
): Row[] {
  return workloads.map((result) => {
    const { name, goal } = result.workload;
    const ratio = ratioTo(result, "sluice", reference);
    const other = ratioTo(result, "sluice", likeWithLike);
    return [
      name,
      `≥ ${ratioText(goal)}`,
      ratio ? spreadText(ratio) : "–",
      verdict(ratio && ratio.median >= goal),
      other ? spreadText(other) : "–",
    ];
  });
}

/** Rows of one figure: the medians of each contender. */
export function figures<Workload extends { readonly name: string }>(
  workloads: readonly WorkloadResult<Workload>[],
  contenders: readonly string[],
  figure: keyof Burst,
  title: string,
  text: (workload: Workload, value: number) => string,
): Row[] {
  return workloads.map((result) => [
    `${result.workload.name}: ${title}`,
    ...each(contenders, (name) => {
      const median = figureOf(result, name, figure)?.median;
      return median && text(result.workload, median);
    }),
  ]);
}

function spreadText({ median, low, high }: Spread): string {
  return `${ratioText(median)} [${low.toFixed(2)}–${high.toFixed(2)}]`;
}

function verdict(reached: boolean | undefined): string {
  return reached === undefined ? "not measured" : reached ? "reached" : "missed";
}

/** The row of a goal that is no ratio. */
export function atMost(
  name: string,
  goal: number,
  value: number | undefined,
  text: (value: number) => string,
): Row {
  return [
    name,
    `≤ ${text(goal)}`,
    value === undefined ? "–" : text(value),
    verdict(value === undefined ? undefined : value <= goal),
    "",
  ];
}

/** A Markdown table whose columns are aligned as they stand. */
export function table(rows: readonly Row[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  const [first, ...rest] = rows.map((row) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    })
  );
  return [first ?? [], rule, ...rest].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
