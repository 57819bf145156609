/**
 * Tables that read well in a terminal and as Markdown.
 *
 * @module
 */
import type { Outcome } from "./goals.ts";
import { type Burst, figureOf, ratioTo, type WorkloadResult } from "./results.ts";
import { rateText, ratioText } from "./units.ts";
import type { Workload } from "./workloads.ts";

/** Cells, the first of which says what the others are about. */
export type Row = readonly string[];

/** One cell per contender; a dash where there is no figure. */
export function each(
  contenders: readonly string[],
  text: (contender: string) => string | undefined,
): string[] {
  return contenders.map((contender) => text(contender) ?? "–");
}

/** Every goal on a row of its own. */
export function goalTable(outcomes: readonly Outcome[]): string {
  return table([
    ["", "", "goal", "measured", ""],
    ...outcomes.map(({ work, figure, goal, measured, range, reached }) => [
      work,
      figure ?? "",
      goal,
      range === undefined ? measured : `${measured} ${range}`,
      verdict(reached),
    ]),
  ]);
}

/** The same outcomes, but every workload on a row of its own. */
export function compactTable(outcomes: readonly Outcome[]): string {
  const figures = [...new Set(outcomes.flatMap(({ figure }) => figure ?? []))];
  const works = [...new Set(outcomes.filter(({ figure }) => figure).map(({ work }) => work))];
  return table([
    ["", ...figures],
    ...works.map((work) => [
      work,
      ...figures.map((figure) => {
        const found = outcomes.find((outcome) =>
          outcome.work === work && outcome.figure === figure
        );
        return found === undefined ? "" : markedText(found);
      }),
    ]),
  ]);
}

/** An outcome in a few characters: what was measured, the goal, and whether it was reached. */
export function markedText({ goal, measured, reached }: Outcome): string {
  return `${measured} (${goal.replace(" ×", "")}) ${reached ? "✓" : "✗"}`;
}

function verdict(reached: boolean | undefined): string {
  return reached === undefined ? "not measured" : reached ? "reached" : "**missed**";
}

/** Rows of rates, with the ratio to somebody's. */
export function rates(
  workloads: readonly WorkloadResult<Pick<Workload, "name"> & Partial<Workload>>[],
  contenders: readonly string[],
  reference: string,
): Row[] {
  return workloads.map((result) => [
    result.workload.name,
    ...each(contenders, (name) => {
      const rate = figureOf(result, name, "rate")?.median;
      const ratio = ratioTo(result, name, reference)?.median;
      return rate === undefined
        ? undefined
        : rateText(result.workload, rate) + (ratio ? ` (${ratioText(ratio)})` : "");
    }),
  ]);
}

/** Rows of one figure: the medians of each contender. */
export function figures<Of extends { readonly name: string }>(
  workloads: readonly WorkloadResult<Of>[],
  contenders: readonly string[],
  title: string,
  figure: keyof Burst,
  text: (value: number, workload: Of) => string,
): Row[] {
  return workloads.map((result) => [
    `${result.workload.name}: ${title}`,
    ...each(contenders, (name) => {
      const median = figureOf(result, name, figure)?.median;
      return median === undefined ? undefined : text(median, result.workload);
    }),
  ]);
}

/** A Markdown table whose columns are aligned as they stand. */
export function table(rows: readonly Row[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) =>
    Math.max(1, ...rows.map((row) => row[column]?.length ?? 0))
  );
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
