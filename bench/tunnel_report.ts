/**
 * What a run of tunnels has found, as Markdown.
 *
 * @module
 */
import { type Machine, machineText } from "./machine.ts";
import { addedTo, DIRECT, figureOf, ratioTo, type WorkloadResult } from "./results.ts";
import { each, figures, rates, type Row, table } from "./tables.ts";
import { FRP, RATHOLE, SLUICE } from "./tunnel_peers.ts";
import { HELD, type LinkResults, type TunnelRest, type TunnelResults } from "./tunnel_run.ts";
import { cpuText, kilobytes, megabytes, microseconds, ratioText } from "./units.ts";
import type { Workload } from "./workloads.ts";

interface Goal {
  /** How the name of the workload begins. */
  readonly work: string;
  readonly peer: string;
  /** sluice's rate over the peer's. */
  readonly least: number;
}

const GOALS: readonly Goal[] = [
  { work: "bulk, 1", peer: RATHOLE, least: 1 },
  { work: "bulk, 8", peer: RATHOLE, least: 1 },
  { work: "bulk, 1", peer: FRP, least: 2 },
  { work: "bulk, 8", peer: FRP, least: 2 },
  { work: "requests/s", peer: RATHOLE, least: 1 },
  { work: "connections/s", peer: FRP, least: 1 },
];

/** The whole of `tunnel_results.md`. */
export function tunnelReport(results: TunnelResults, machine: Machine): string {
  const near = results.links[0];
  return [
    "# Tunnels",
    "Written by `deno task bench:tunnel`; [README.md](README.md) says how it is measured, and why goals are missed.",
    machineText(machine),
    "## Goals",
    "Ratios are taken within each round; in brackets the range of the middle half.",
    table([
      ["", "round trip", "beside", "goal", "measured", ""],
      ...results.links.flatMap(goalRows),
      ...near === undefined ? [] : latencyGoals(near),
    ]),
    ...results.links.map((link) => section(link, results.names)),
    "## Memory",
    `Private memory of each end, after the traffic above, and what it grows by with each of ${HELD} visitors that do nothing.`,
    restTable(results),
  ].join("\n\n") + "\n";
}

function goalRows({ roundTrip, workloads }: LinkResults): Row[] {
  return GOALS.flatMap(({ work, peer, least }): Row[] => {
    const result = workloads.find(({ workload }) => workload.name.startsWith(work));
    const ratio = result && ratioTo(result, SLUICE, peer);
    if (result === undefined) return [];
    const measured = ratio === undefined
      ? "not measured"
      : `${ratioText(ratio.median)} [${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}]`;
    const reached = ratio === undefined ? "" : ratio.median >= least ? "reached" : "**missed**";
    const goal = `≥ ${least.toFixed(1)} ×`;
    return [[result.workload.name, wayText(roundTrip), peer, goal, measured, reached]];
  });
}

function latencyGoals({ roundTrip, workloads }: LinkResults): Row[] {
  const result = workloads.find(({ workload }) =>
    workload.mode === "pingpong" && workload.connections === 1
  );
  if (result === undefined) return [];
  return (["p50", "p99"] as const).flatMap((figure): Row[] => {
    const [own, peer] = [addedTo(result, SLUICE, figure), addedTo(result, RATHOLE, figure)];
    if (own === undefined || peer === undefined) return [];
    return [[
      `${result.workload.name}: added, ${figure}`,
      wayText(roundTrip),
      RATHOLE,
      `≤ ${microseconds(peer.median)}`,
      microseconds(own.median),
      own.median <= peer.median ? "reached" : "**missed**",
    ]];
  });
}

function section({ roundTrip, workloads }: LinkResults, all: readonly string[]): string {
  const names = all.filter((name) => workloads.some((result) => figureOf(result, name, "rate")));
  const timed = workloads.filter(({ workload }) => workload.mode !== "bulk");
  const time = (value: number) => microseconds(value);
  return [
    `## ${roundTrip === 0 ? "At one place" : `With a round trip of ${roundTrip} ms`}`,
    table([
      ["", ...names],
      ...rates(workloads, names, RATHOLE),
      ...figures(timed, names, "p50", "p50", time),
      ...figures(timed, names, "p99", "p99", time),
      ...roundTrip === 0 ? added(workloads, names) : [],
      ...figures(workloads, names, "CPU of both ends", "cpu", (cpu, work) => cpuText(work, cpu)),
    ]),
  ].join("\n\n");
}

function added(workloads: readonly WorkloadResult<Workload>[], names: readonly string[]): Row[] {
  return workloads.filter(({ workload }) => workload.name === "a request by itself").flatMap(
    (result) =>
      (["p50", "p99"] as const).map((figure): Row => [
        `${result.workload.name}: added, ${figure}`,
        ...each(names, (name) => {
          const spread = name === DIRECT ? undefined : addedTo(result, name, figure);
          return spread && microseconds(spread.median);
        }),
      ]),
  );
}

function restTable({ names, rest }: TunnelResults): string {
  const found = names.filter((name) => rest[name] !== undefined);
  const row = (title: string, text: (rest: TunnelRest) => string): Row => [
    title,
    ...each(found, (name) => rest[name] && text(rest[name])),
  ];
  return table([
    ["", ...found],
    row("edge", ({ edge }) => megabytes(edge)),
    row("agent", ({ agent }) => megabytes(agent)),
    row("edge, for each visitor", ({ edgePerVisitor }) => kilobytes(edgePerVisitor)),
    row("agent, for each visitor", ({ agentPerVisitor }) => kilobytes(agentPerVisitor)),
  ]);
}

function wayText(roundTrip: number): string {
  return roundTrip === 0 ? "–" : `${roundTrip} ms`;
}
