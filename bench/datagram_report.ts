/**
 * The results of UDP in words.
 *
 * @module
 */
import { FLOWS } from "./datagram_rest.ts";
import {
  BARE,
  DATAGRAM_REFERENCE,
  type DatagramResults,
  figureOf,
  ratioTo,
  spread,
} from "./results.ts";
import { atMost, each, figures, ratioGoals, type Row, table } from "./tables.ts";
import {
  cpuPerMillionText,
  kilobytes,
  microseconds,
  milliseconds,
  rateText,
  ratioText,
  shareText,
} from "./units.ts";

/** Goals that are no ratio: bytes, µs, ms. */
const MOST_PER_FLOW = 4_000;
const MOST_OPENING = 80;
const MOST_INVALID = 100;
const MOST_PAUSE = 5;

/** Tables, as Markdown. */
export function datagramReport(results: DatagramResults): string {
  const { contenders, workloads } = results;
  const ofMany = workloads.filter(({ workload }) => workload.clients > 1);
  return [
    `Goals of the portable path beside ${DATAGRAM_REFERENCE} as packaged, which detects no protocol. Clients × the`,
    `datagrams that each has under way. ${BARE} is the least that relays datagrams with Deno's sockets.`,
    "",
    table(goals(results)),
    "",
    `Echoes/s (ratio to ${DATAGRAM_REFERENCE}):`,
    "",
    table(throughput(results)),
    "",
    "CPU time of the proxy per million datagrams (an echo is two), the time of an echo, and what was lost:",
    "",
    table([
      ["", ...contenders],
      ...figures(workloads, contenders, "cpu", "CPU", (_, cpu) => cpuPerMillionText(cpu / 2)),
      ...figures(workloads, contenders, "p50", "p50", (_, time) => microseconds(time)),
      ...figures(workloads, contenders, "p99", "p99", (_, time) => microseconds(time)),
      ...figures(ofMany, contenders, "lost", "lost", (_, share) => shareText(share)),
    ]),
    "",
    `With ${FLOWS.toLocaleString("en")} flows held:`,
    "",
    table(memory(results)),
    "",
  ].join("\n");
}

/** What sluice costs beside traffic, on a line. */
export function datagramsInBrief(results: DatagramResults): string {
  return [
    `${kilobytes(perFlow(results, "sluice") ?? NaN)} per flow`,
    ...results.opening === undefined
      ? []
      : [`a QUIC Initial read in ${microseconds(results.opening)}`],
  ].join(" · ");
}

function goals(results: DatagramResults): Row[] {
  return [
    ["", "goal", "sluice", "", `beside ${BARE}`],
    ...ratioGoals(results.workloads, DATAGRAM_REFERENCE, BARE),
    atMost("memory per flow", MOST_PER_FLOW, perFlow(results, "sluice"), kilobytes),
    atMost("reading a QUIC Initial", MOST_OPENING, results.opening, microseconds),
    atMost("an invalid Initial", MOST_INVALID, results.invalidInitial, microseconds),
    ...results.expiries.map(({ flows, sockets, longestPause }) =>
      atMost(
        `longest pause while ${flows.toLocaleString("en")} flows expire (${
          sockets === "real" ? "real sockets" : "no sockets"
        })`,
        MOST_PAUSE,
        longestPause,
        milliseconds,
      )
    ),
  ];
}

function throughput({ contenders, workloads }: DatagramResults): Row[] {
  const rows = workloads.map((result) => [
    result.workload.name,
    ...each(contenders, (name) => {
      const rate = figureOf(result, name, "rate")?.median;
      const ratio = ratioTo(result, name, DATAGRAM_REFERENCE)?.median;
      return rate && rateText(result.workload, rate) + (ratio ? ` (${ratioText(ratio)})` : "");
    }),
  ]);
  return [["", ...contenders], ...rows];
}

function memory(results: DatagramResults): Row[] {
  const names = [...results.perFlow.keys()];
  return [
    ["", ...names],
    [
      "memory per flow",
      ...each(names, (name) => {
        const bytes = perFlow(results, name);
        return bytes && kilobytes(bytes);
      }),
    ],
  ];
}

function perFlow({ perFlow }: DatagramResults, contender: string): number | undefined {
  return spread(perFlow.get(contender) ?? [])?.median;
}
