/**
 * The results of TCP in words.
 *
 * @module
 */
import { HELD } from "./rest.ts";
import { figureOf, ONE_THREAD, ratioTo, REFERENCE, restOf, type Results } from "./results.ts";
import { atMost, each, figures, ratioGoals, type Row, table } from "./tables.ts";
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

/** Tables, as Markdown. */
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
  const perConnection = restOf(results, "sluice", "perConnection")?.median;
  const startTime = restOf(results, "sluice", "startTime")?.median;
  return [
    ["", "goal", "sluice", "", `beside ${ONE_THREAD}`],
    ...ratioGoals(results.workloads, REFERENCE, ONE_THREAD),
    atMost("memory per idle connection", MOST_PER_CONNECTION, perConnection, kilobytes),
    atMost("probing a 1.7 kB ClientHello", MOST_PROBING, results.probing, microseconds),
    atMost("start to ready", MOST_START_TIME, startTime, milliseconds),
  ];
}

function throughput({ contenders, workloads }: Results): Row[] {
  const rows = workloads.map((result) => {
    const { workload } = result;
    return [
      workload.name,
      ...each(contenders, (name) => {
        const rate = figureOf(result, name, "rate")?.median;
        const ratio = ratioTo(result, name, REFERENCE)?.median;
        return rate && rateText(workload, rate) + (ratio ? ` (${ratioText(ratio)})` : "");
      }),
    ];
  });
  return [["", ...contenders], ...rows];
}

function costs({ contenders, workloads }: Results): Row[] {
  const pingPong = workloads.filter(({ workload }) => workload.mode === "pingpong");
  return [
    ["", ...contenders],
    ...figures(workloads, contenders, "cpu", "CPU", cpuText),
    ...figures(pingPong, contenders, "p50", "p50", (_, time) => microseconds(time)),
    ...figures(pingPong, contenders, "p99", "p99", (_, time) => microseconds(time)),
  ];
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
