/**
 * The results of TCP in words.
 *
 * @module
 */
import { tcpOutcomes } from "./goals.ts";
import { machineText } from "./machine.ts";
import { HELD } from "./rest.ts";
import { addedTo, DIRECT, HAPROXY, LINUX, PORTABLE, restOf, type Results } from "./results.ts";
import { each, figures, goalTable, rates, type Row, table } from "./tables.ts";
import { cpuText, kilobytes, megabytes, microseconds, milliseconds } from "./units.ts";

/** Tables, as Markdown. */
export function report(results: Results): string {
  const { contenders, workloads, machine } = results;
  return [
    "Medians of the rounds, ratios taken within each round; in brackets the range of the middle half.",
    "",
    "### Goals, linux engine",
    "",
    goalTable(tcpOutcomes(LINUX, results)),
    "",
    "### Goals, portable engine",
    "",
    goalTable(tcpOutcomes(PORTABLE, results)),
    "",
    `### Throughput (ratio to ${HAPROXY})`,
    "",
    table([["", ...contenders], ...rates(workloads, contenders, HAPROXY)]),
    "",
    "### CPU time of the proxy",
    "",
    table([
      ["", ...contenders],
      ...figures(workloads, contenders, "CPU", "cpu", (cpu, workload) => cpuText(workload, cpu)),
    ]),
    "",
    "### Time of an exchange of 64 bytes, and what the proxy adds to the direct way",
    "",
    table(latencies(results)),
    "",
    `### At rest, and with ${HELD.toLocaleString("en")} connections held`,
    "",
    table(atRest(results)),
    "",
    machineText(machine),
    "",
  ].join("\n");
}

/** What sluice's linux engine costs without traffic, on a line. */
export function atRestInBrief(results: Results): string {
  const median = (figure: Parameters<typeof restOf>[2]) =>
    restOf(results, LINUX, figure)?.median ?? NaN;
  return [
    `ready in ${milliseconds(median("startTime"))}`,
    `${megabytes(median("resident"))} at rest`,
    `${kilobytes(median("perConnection"))} per idle connection`,
  ].join(" · ");
}

function latencies({ contenders, workloads }: Results): Row[] {
  const pingPong = workloads.filter(({ workload }) => workload.mode === "pingpong");
  const proxies = contenders.filter((name) => name !== DIRECT);
  const rows = pingPong.flatMap((result) =>
    (["p50", "p99"] as const).flatMap((figure) => [
      ...figures([result], contenders, figure, figure, microseconds),
      [
        `${result.workload.name}: ${figure}, added`,
        ...each(proxies, (name) => {
          const added = addedTo(result, name, figure)?.median;
          return added === undefined ? undefined : microseconds(added);
        }),
        "",
      ],
    ])
  );
  return [["", ...contenders], ...rows];
}

function atRest(results: Results): Row[] {
  const names = Object.keys(results.rest);
  const row = (
    title: string,
    figure: Parameters<typeof restOf>[2],
    text: (value: number) => string,
  ) => [
    title,
    ...each(names, (name) => {
      const median = restOf(results, name, figure)?.median;
      return median === undefined ? undefined : text(Math.max(0, median));
    }),
  ];
  return [
    ["", ...names],
    row("start to ready", "startTime", milliseconds),
    row("resident memory", "resident", megabytes),
    row("memory per idle connection", "perConnection", kilobytes),
  ];
}
