/**
 * The results in words: tables that read well in a terminal and as Markdown.
 *
 * @module
 */
import type { Machine } from "./machine.ts";
import { HELD } from "./rest.ts";
import {
  figureOf,
  ONE_THREAD,
  ratioTo,
  REFERENCE,
  restOf,
  type Results,
  type Spread,
} from "./results.ts";
import {
  cpuText,
  kilobytes,
  megabytes,
  microseconds,
  milliseconds,
  rateText,
  ratioText,
} from "./units.ts";

/** Goals that are no ratio: bytes, µs, ms. */
const MOST_PER_CONNECTION = 25_000;
const MOST_PROBING = 15;
const MOST_START_TIME = 150;

/** Cells, the first of which says what the others are about. */
type Row = readonly string[];

/** Everything, as Markdown. */
export function report(results: Results): string {
  return [
    `Goals of the portable path beside ${REFERENCE} as packaged, protocol detection on in both. Medians of`,
    "the rounds, the ratio taken within each round; in brackets the range of the middle half.",
    "",
    table(goals(results)),
    "",
    `Throughput (ratio to ${REFERENCE}):`,
    "",
    table(throughput(results)),
    "",
    "CPU time of the proxy per unit of work, and the time of a 64-byte exchange:",
    "",
    table(costs(results)),
    "",
    `At rest, and with ${HELD.toLocaleString("en")} connections held:`,
    "",
    table(atRest(results)),
    "",
    machineText(results.machine),
    "",
  ].join("\n");
}

/** What sluice costs without traffic, on a line. */
export function atRestInBrief(results: Results): string {
  const median = (figure: Parameters<typeof restOf>[2]) =>
    restOf(results, "sluice", figure)?.median ?? NaN;
  return [
    `ready in ${milliseconds(median("startTime"))}`,
    `${megabytes(median("resident"))} at rest`,
    `${kilobytes(median("perConnection"))} per idle connection`,
    ...results.probing === undefined
      ? []
      : [`a ClientHello probed in ${microseconds(results.probing)}`],
  ].join(" · ");
}

function goals(results: Results): Row[] {
  const ratios = results.workloads.map((result): Row => {
    const { name, goal } = result.workload;
    const ratio = ratioTo(result, "sluice");
    const likeWithLike = ratioTo(result, "sluice", ONE_THREAD);
    return [
      name,
      `≥ ${ratioText(goal)}`,
      ratio ? spreadText(ratio) : "–",
      verdict(ratio && ratio.median >= goal),
      likeWithLike ? spreadText(likeWithLike) : "–",
    ];
  });
  const atMost = (
    name: string,
    goal: number,
    value: number | undefined,
    text: (value: number) => string,
  ): Row => [
    name,
    `≤ ${text(goal)}`,
    value === undefined ? "–" : text(value),
    verdict(value === undefined ? undefined : value <= goal),
    "",
  ];
  const perConnection = restOf(results, "sluice", "perConnection")?.median;
  const startTime = restOf(results, "sluice", "startTime")?.median;
  return [
    ["", "goal", "sluice", "", `beside ${ONE_THREAD}`],
    ...ratios,
    atMost("memory per idle connection", MOST_PER_CONNECTION, perConnection, kilobytes),
    atMost("probing a 1.7 kB ClientHello", MOST_PROBING, results.probing, microseconds),
    atMost("start to ready", MOST_START_TIME, startTime, milliseconds),
  ];
}

function spreadText({ median, low, high }: Spread): string {
  return `${ratioText(median)} [${low.toFixed(2)}–${high.toFixed(2)}]`;
}

function verdict(reached: boolean | undefined): string {
  return reached === undefined ? "not measured" : reached ? "reached" : "missed";
}

function throughput({ contenders, workloads }: Results): Row[] {
  const rows = workloads.map((result) => {
    const { workload } = result;
    return [
      workload.name,
      ...each(contenders, (name) => {
        const rate = figureOf(result, name, "rate")?.median;
        const ratio = ratioTo(result, name)?.median;
        return rate && rateText(workload, rate) + (ratio ? ` (${ratioText(ratio)})` : "");
      }),
    ];
  });
  return [["", ...contenders], ...rows];
}

function costs({ contenders, workloads }: Results): Row[] {
  const cpu = workloads.map((result) => {
    const { workload } = result;
    return [
      `${workload.name}: CPU`,
      ...each(contenders, (name) => {
        const median = figureOf(result, name, "cpu")?.median;
        return median && cpuText(workload, median);
      }),
    ];
  });
  const times = workloads.filter(({ workload }) => workload.mode === "pingpong").flatMap((result) =>
    (["p50", "p99"] as const).map((figure) => [
      `${result.workload.name}: ${figure}`,
      ...each(contenders, (name) => {
        const median = figureOf(result, name, figure)?.median;
        return median && microseconds(median);
      }),
    ])
  );
  return [["", ...contenders], ...cpu, ...times];
}

function atRest(results: Results): Row[] {
  const names = [...results.rest.keys()];
  const row = (
    title: string,
    figure: Parameters<typeof restOf>[2],
    text: (value: number) => string,
  ) => [
    title,
    ...each(names, (name) => {
      const median = restOf(results, name, figure)?.median;
      return median && text(median);
    }),
  ];
  return [
    ["", ...names],
    row("start to ready", "startTime", milliseconds),
    row("resident memory", "resident", megabytes),
    row("memory per idle connection", "perConnection", kilobytes),
  ];
}

/** One cell per contender; a dash where there is no figure. */
function each(
  contenders: readonly string[],
  text: (contender: string) => string | number | undefined,
): string[] {
  return contenders.map((contender) => `${text(contender) || "–"}`);
}

function machineText({ cpu, kernel, versions, date, commit, network }: Machine): string {
  return [
    `${date}, commit ${commit}. ${cpu}; ${kernel}. ${versions.join(", ")}.`,
    `Clients, proxy and backends share the cores. ${network}`,
  ].join("\n");
}

/** A Markdown table whose columns are aligned as they stand. */
function table(rows: readonly Row[]): string {
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
