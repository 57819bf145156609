/**
 * The results of UDP in words.
 *
 * @module
 */
import { FLOWS } from "./datagram_rest.ts";
import { udpOutcomes } from "./goals.ts";
import { machineText } from "./machine.ts";
import { BARE, type DatagramResults, LINUX, NGINX, PORTABLE, spread } from "./results.ts";
import { each, figures, goalTable, rates, type Row, table } from "./tables.ts";
import { cpuPerMillionText, kilobytes, microseconds, shareText } from "./units.ts";

/** Tables, as Markdown. */
export function datagramReport(results: DatagramResults): string {
  const { contenders, workloads, machine } = results;
  return [
    `Clients × the datagrams that each has under way. ${NGINX} detects no protocol; ${BARE} is the least that relays`,
    "with Deno's sockets. What was lost is that of the worst round in the goals, the median below.",
    "",
    "### Goals, linux engine",
    "",
    goalTable(udpOutcomes(LINUX, results)),
    "",
    "### Goals, portable engine",
    "",
    goalTable(udpOutcomes(PORTABLE, results)),
    "",
    `### Echoes/s (ratio to ${NGINX})`,
    "",
    table([["", ...contenders], ...rates(workloads, contenders, NGINX)]),
    "",
    "### CPU time of the proxy per million datagrams (an echo is two), the time of an echo, and what was lost",
    "",
    table([
      ["", ...contenders],
      ...figures(workloads, contenders, "CPU", "cpu", (cpu) => cpuPerMillionText(cpu / 2)),
      ...figures(workloads, contenders, "p50", "p50", microseconds),
      ...figures(workloads, contenders, "p99", "p99", microseconds),
      ...figures(workloads, contenders, "lost", "lost", shareText),
    ]),
    "",
    `### With ${FLOWS.toLocaleString("en")} flows held, and under garbage`,
    "",
    table(costs(results)),
    "",
    machineText(machine),
    "",
  ].join("\n");
}

/** What sluice's linux engine costs beside traffic, on a line. */
export function datagramsInBrief(results: DatagramResults): string {
  return [
    `${kilobytes(perFlow(results, LINUX) ?? NaN)} per flow`,
    ...results.opening === undefined
      ? []
      : [`a QUIC Initial read in ${microseconds(results.opening)}`],
  ].join(" · ");
}

function costs(results: DatagramResults): Row[] {
  const names = Object.keys(results.perFlow);
  return [
    ["", ...names],
    [
      "memory per flow",
      ...each(names, (name) => {
        const bytes = perFlow(results, name);
        return bytes === undefined ? undefined : kilobytes(Math.max(0, bytes));
      }),
    ],
    [
      "CPU time of an invalid Initial",
      ...each(names, (name) => {
        const time = results.invalidInitial[name];
        return time === undefined ? undefined : microseconds(time);
      }),
    ],
  ];
}

function perFlow({ perFlow }: DatagramResults, contender: string): number | undefined {
  return spread(perFlow[contender] ?? [])?.median;
}
