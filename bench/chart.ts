/**
 * Results as a picture: a figure of each workload as a multiple of somebody's.
 *
 * @module
 */
import { limitOf } from "./goals.ts";
import type { Machine } from "./machine.ts";
import { DIRECT, figureOf, LINUX, PORTABLE, ratioTo, type WorkloadResult } from "./results.ts";
import { ratioText } from "./units.ts";

const WIDTH = 880;
const MARGIN = 24;
const HEADER = 84;
const FOOTER = 44;
/** Groups stand in two columns, in each of which bars begin behind their labels and end before their figures. */
const COLUMN = (WIDTH - MARGIN) / 2;
const LABELS = 126;
const FIGURES = 116;
const BAR = 13;
const BAR_GAP = 3;
const GROUP_TITLE = 22;
const GROUP_GAP = 16;

/** Colours that hold on a light page, and those that a reader with a dark one gets. */
const STYLE = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .group { font-size: 13px; font-weight: 600; }
  .dim { fill: #59636e; }
  .figure { stroke: #ffffff; stroke-width: 4px; paint-order: stroke; }
  .reference { stroke: #59636e; stroke-dasharray: 3 3; }
  .goal { stroke: #1f2328; stroke-width: 2; }
  .bar { fill: #b7bfc8; }
  .linux { fill: #0969da; }
  .portable { fill: #79b3f0; }
  .page { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .dim { fill: #9198a1; }
    .figure { stroke: #0d1117; }
    .reference { stroke: #9198a1; }
    .goal { stroke: #f0f6fc; }
    .bar { fill: #656c76; }
    .linux { fill: #4493f8; }
    .portable { fill: #2a5a99; }
    .page { fill: #0d1117; }
  }`;

export interface Chart {
  readonly title: string;
  readonly figure: "rate" | "cpu";
  /** The contender whose figure is one. */
  readonly reference: string;
  readonly contenders: readonly string[];
  readonly workloads: readonly WorkloadResult<{ readonly name: string }>[];
  /** A figure in its own unit. */
  text(value: number, result: WorkloadResult<{ readonly name: string }>): string;
  /** What is to be said of sluice beside it. */
  readonly brief: string;
  readonly machine: Machine;
}

/** A bar and what is written beside it. */
interface Bar {
  readonly name: string;
  readonly ratio: number;
  readonly text: string;
  readonly goal: number | undefined;
}

interface Group {
  readonly name: string;
  readonly bars: readonly Bar[];
}

/** The chart, as SVG. */
export function chart(chart: Chart): string {
  const groups = chart.workloads.map((result) => ({
    name: result.workload.name,
    bars: barsOf(result, chart),
  })).filter(({ bars }) => bars.length > 0);
  const most = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(({ ratio }) => ratio)));
  const scale = (COLUMN - LABELS - FIGURES) / most;
  const ends = [HEADER, HEADER];
  const drawn = groups.map((group) => {
    const column = ends[1]! < ends[0]! ? 1 : 0;
    const y = ends[column]!;
    ends[column] = y + GROUP_TITLE + group.bars.length * (BAR + BAR_GAP) + GROUP_GAP;
    return drawGroup(group, MARGIN + column * COLUMN, y, scale);
  });
  const bottom = Math.max(...ends);
  const { cpu, date } = chart.machine;
  const order = chart.figure === "rate" ? "longer" : "shorter";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${
    bottom + FOOTER
  }" role="img" aria-label="${escape(chart.title)}">
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${bottom + FOOTER}" rx="8"/>
<text class="title" x="${MARGIN}" y="34">${escape(chart.title)}</text>
<text class="dim" x="${MARGIN}" y="56">${order} is better · the dashed line is ${
    escape(chart.reference)
  } · ┃ is sluice's goal · medians of the rounds, ratios taken within each</text>
${drawn.join("\n")}
<text x="${MARGIN}" y="${bottom + 8}">${escape(chart.brief)}</text>
<text class="dim" x="${MARGIN}" y="${bottom + 28}">${
    escape(`${date} · ${cpu} · clients, proxy and backends share them`)
  }</text>
</svg>
`;
}

/** The direct way is no peer; its bars would only make the others short. */
function barsOf(
  result: WorkloadResult<{ readonly name: string }>,
  { contenders, reference, figure, text }: Chart,
): Bar[] {
  return contenders.filter((name) => name !== DIRECT).flatMap((name) => {
    const ratio = ratioTo(result, name, reference, figure);
    const value = figureOf(result, name, figure);
    if (ratio === undefined || value === undefined) return [];
    const goal = limitOf(name, result.workload.name, figure, reference);
    return { name, ratio: ratio.median, text: text(value.median, result), goal };
  });
}

function drawGroup({ name, bars }: Group, left: number, top: number, scale: number): string {
  const zero = left + LABELS;
  const bottom = top + GROUP_TITLE + bars.length * (BAR + BAR_GAP);
  return [
    `<text class="group" x="${left}" y="${top + 14}">${escape(name)}</text>`,
    line("reference", zero + scale, top + GROUP_TITLE - 3, bottom),
    ...bars.map((bar, i) => drawBar(bar, zero, top + GROUP_TITLE + i * (BAR + BAR_GAP), scale)),
  ].join("\n");
}

function drawBar({ name, ratio, text, goal }: Bar, zero: number, top: number, scale: number) {
  const kind = name === LINUX ? "linux" : name === PORTABLE ? "portable" : "bar";
  const width = round(ratio * scale);
  const textFrom = round(zero + Math.max(ratio, goal ?? 0) * scale + 7);
  return [
    `<text x="${zero - 8}" y="${top + BAR - 2}" text-anchor="end">${escape(name)}</text>`,
    `<rect class="${kind}" x="${zero}" y="${top}" width="${width}" height="${BAR}" rx="2"/>`,
    ...goal === undefined ? [] : [line("goal", zero + goal * scale, top - 1, top + BAR + 1)],
    `<text class="figure" x="${textFrom}" y="${top + BAR - 2}">${
      ratioText(ratio)
    }<tspan class="dim" dx="6">${escape(text)}</tspan></text>`,
  ].join("\n");
}

function line(kind: string, x: number, from: number, to: number): string {
  const at = round(x);
  return `<line class="${kind}" x1="${at}" y1="${from}" x2="${at}" y2="${to}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
