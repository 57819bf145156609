/**
 * What sluice is to reach on each engine, and what of it was reached.
 *
 * @module
 */
import { DATAGRAM_WORKLOADS } from "./datagram_load.ts";
import {
  type Burst,
  type DatagramResults,
  HAPROXY,
  HAPROXY_LARGE,
  LINUX,
  NGINX,
  PORTABLE,
  ratioTo,
  REFERENCE,
  restOf,
  type Results,
  type Spread,
  spread,
  type WorkloadResult,
} from "./results.ts";
import { kilobytes, megabytes, microseconds, milliseconds, ratioText, shareText } from "./units.ts";
import type { WorkloadName } from "./workloads.ts";

/** A figure of a workload beside somebody else's: a rate at least so many times as high, all others at most. */
interface RatioGoal {
  readonly work: string;
  readonly figure: keyof Burst & ("rate" | "cpu" | "p99");
  readonly of: string;
  readonly limit: number;
}

/** A goal and what came of it. */
export interface Outcome {
  readonly work: string;
  /** Which figure of a workload it is about; absent where `work` says it. */
  readonly figure?: string;
  readonly goal: string;
  readonly measured: string;
  /** The range of the middle half. */
  readonly range?: string;
  /** `undefined`: it was not measured. */
  readonly reached: boolean | undefined;
}

const GOALS: Readonly<Record<string, readonly RatioGoal[]>> = {
  [LINUX]: [
    ...linuxBulk("bulk, 1 stream"),
    ...linuxBulk("bulk, 8 streams"),
    goal("connections/s, routed by SNI", "rate", HAPROXY, 1),
    goal("connections/s, routed by SNI", "cpu", HAPROXY, 0.97),
    goal("connections/s, no detection", "rate", HAPROXY, 0.97),
    ...linuxPingPong("64 B ping-pong, 1 connection"),
    ...linuxPingPong("64 B ping-pong, 50 connections"),
    ...DATAGRAM_WORKLOADS.flatMap(({ name }): RatioGoal[] => [
      { work: name, figure: "rate", of: NGINX, limit: 1.4 },
      { work: name, figure: "rate", of: REFERENCE, limit: 0.95 },
    ]),
  ],
  [PORTABLE]: [
    goal("bulk, 1 stream", "rate", HAPROXY, 1.4),
    goal("bulk, 8 streams", "rate", HAPROXY, 1.4),
    goal("connections/s, routed by SNI", "rate", HAPROXY, 0.55),
    goal("connections/s, HTTP detected", "rate", HAPROXY, 0.55),
    goal("64 B ping-pong, 50 connections", "rate", HAPROXY, 0.7),
    ...DATAGRAM_WORKLOADS.map(({ name }): RatioGoal => (
      { work: name, figure: "rate", of: NGINX, limit: 0.65 }
    )),
  ],
};

/** Goals that are no ratio: bytes, ms, µs. */
const AT_MOST = {
  [LINUX]: { perConnection: 1_500, startTime: 200, resident: 70e6 },
  [PORTABLE]: { perConnection: 25_000, startTime: 150, probing: 15 },
};
const PORTABLE_UDP_AT_MOST = { perFlow: 4_000, opening: 80, invalidInitial: 100, pause: 5 };

function linuxBulk(work: WorkloadName): RatioGoal[] {
  return [
    goal(work, "rate", HAPROXY, 1.5),
    goal(work, "rate", HAPROXY_LARGE, 0.95),
    goal(work, "rate", REFERENCE, 0.95),
    goal(work, "cpu", HAPROXY, 0.5),
  ];
}

function linuxPingPong(work: WorkloadName): RatioGoal[] {
  return [
    goal(work, "rate", HAPROXY, 1.08),
    goal(work, "p99", HAPROXY, 1.1),
    goal(work, "cpu", HAPROXY, 0.9),
  ];
}

function goal(
  work: WorkloadName,
  figure: RatioGoal["figure"],
  of: string,
  limit: number,
): RatioGoal {
  return { work, figure, of, limit };
}

/** The ratio that a contender is to reach, if there is a goal. */
export function limitOf(
  contender: string,
  work: string,
  figure: RatioGoal["figure"],
  of: string,
): number | undefined {
  return GOALS[contender]?.find((goal) =>
    goal.work === work && goal.figure === figure && goal.of === of
  )?.limit;
}

/** Outcomes of TCP. */
export function tcpOutcomes(engine: typeof LINUX | typeof PORTABLE, results: Results): Outcome[] {
  const median = (figure: Parameters<typeof restOf>[2]) => restOf(results, engine, figure)?.median;
  const { perConnection, startTime } = AT_MOST[engine];
  return [
    ...ratios(engine, results.workloads),
    atMost("memory per idle connection", perConnection, median("perConnection"), kilobytes),
    atMost("start to ready", startTime, median("startTime"), milliseconds),
    engine === LINUX
      ? atMost("memory at rest", AT_MOST[LINUX].resident, median("resident"), megabytes)
      : atMost(
        "probing a ClientHello of 1.7 kB",
        AT_MOST[PORTABLE].probing,
        results.probing,
        microseconds,
      ),
  ];
}

/** Outcomes of UDP. */
export function udpOutcomes(
  engine: typeof LINUX | typeof PORTABLE,
  results: DatagramResults,
): Outcome[] {
  const found = ratios(engine, results.workloads);
  if (engine === LINUX) return [...found, ...results.workloads.map(noLoss)];
  const limits = PORTABLE_UDP_AT_MOST;
  const perFlow = spread(results.perFlow[engine] ?? [])?.median;
  return [
    ...found,
    atMost("memory per flow", limits.perFlow, perFlow, kilobytes),
    atMost("reading a QUIC Initial", limits.opening, results.opening, microseconds),
    atMost(
      "an invalid Initial",
      limits.invalidInitial,
      results.invalidInitial[engine],
      microseconds,
    ),
    ...results.expiries.map(({ flows, sockets, longestPause }) => {
      const kind = sockets === "real" ? "real sockets" : "no sockets";
      const what = `longest pause while ${flows.toLocaleString("en")} flows expire (${kind})`;
      return atMost(what, limits.pause, longestPause, milliseconds);
    }),
  ];
}

function ratios(
  engine: string,
  results: readonly WorkloadResult<{ readonly name: string }>[],
): Outcome[] {
  return (GOALS[engine] ?? []).flatMap(({ work, figure, of, limit }) => {
    const result = results.find(({ workload }) => workload.name === work);
    if (result === undefined) return [];
    const ratio = ratioTo(result, engine, of, figure);
    const reached = ratio && (figure === "rate" ? ratio.median >= limit : ratio.median <= limit);
    return {
      work,
      figure: figure === "rate" ? `to ${of}` : `${FIGURES[figure]} to ${of}`,
      goal: `${figure === "rate" ? "≥" : "≤"} ${ratioText(limit)}`,
      measured: ratio ? ratioText(ratio.median) : "–",
      ...ratio && { range: rangeText(ratio) },
      reached,
    };
  });
}

const FIGURES = { cpu: "CPU", p99: "p99" };

/** The worst of the rounds counts. */
function noLoss(result: DatagramResults["workloads"][number]): Outcome {
  const losses = result.rounds.flatMap((round) => round[LINUX]?.lost ?? []);
  const lost = losses.length > 0 ? Math.max(...losses) : undefined;
  return {
    work: result.workload.name,
    figure: "lost",
    goal: "0",
    measured: lost === undefined ? "–" : lost === 0 ? "0" : shareText(lost),
    reached: lost === undefined ? undefined : lost === 0,
  };
}

function atMost(
  work: string,
  limit: number,
  value: number | undefined,
  text: (value: number) => string,
): Outcome {
  return {
    work,
    goal: `≤ ${text(limit)}`,
    measured: value === undefined ? "–" : text(value),
    reached: value === undefined ? undefined : value <= limit,
  };
}

/** The range of the middle half of a ratio. */
function rangeText({ low, high }: Spread): string {
  return `[${low.toFixed(2)}–${high.toFixed(2)}]`;
}
