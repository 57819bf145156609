/**
 * Results as a picture: each workload's throughput as a multiple of somebody's.
 *
 * @module
 */
import type { Machine } from "./machine.ts";
import { figureOf, ratioTo, type WorkloadResult } from "./results.ts";
import { rateText, ratioText } from "./units.ts";

const WIDTH = 760;
const MARGIN = 24;
const HEADER = 76;
const FOOTER = 54;
/** Where bars begin, and where the axis ends; behind it is room for the last labels. */
const BARS_FROM = 146;
const BARS_TO = WIDTH - 150;
const BAR = 15;
const BAR_GAP = 4;
const GROUP_TITLE = 24;
const GROUP_GAP = 16;

/** Colours that hold on a light page, and those that a reader with a dark one gets. */
const STYLE = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .group { font-size: 13px; font-weight: 600; }
  .dim { fill: #59636e; }
  .figure { stroke: #ffffff; stroke-width: 4px; paint-order: stroke; }
  .axis { stroke: #d1d9e0; }
  .reference { stroke: #59636e; stroke-dasharray: 3 3; }
  .goal { stroke: #1f2328; stroke-width: 2; }
  .bar { fill: #b7bfc8; }
  .own { fill: #0969da; }
  .page { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .dim { fill: #9198a1; }
    .figure { stroke: #0d1117; }
    .axis { stroke: #3d444d; }
    .reference { stroke: #9198a1; }
    .goal { stroke: #f0f6fc; }
    .bar { fill: #656c76; }
    .own { fill: #4493f8; }
    .page { fill: #0d1117; }
  }`;

/** A workload as far as it is shown. */
interface Shown {
  readonly name: string;
  readonly goal: number;
}

export interface Figures {
  /** The contender whose throughput is one. */
  readonly reference: string;
  readonly contenders: readonly string[];
  readonly workloads: readonly WorkloadResult<Shown>[];
  /** What is to be said of the workloads, and of sluice beside them. */
  readonly about: string;
  readonly brief: string;
  readonly machine: Machine;
}

/** The chart, as SVG. */
export function chart(figures: Figures): string {
  const { reference, workloads, about, brief } = figures;
  // The direct way is no peer; its bars would only make the others short.
  const contenders = figures.contenders.filter((name) => name !== "direct");
  const groupHeight = GROUP_TITLE + contenders.length * (BAR + BAR_GAP) + GROUP_GAP;
  const bottom = HEADER + workloads.length * groupHeight;
  const height = bottom + FOOTER;
  const ratios = workloads.flatMap((result) =>
    contenders.map((name) => ratioTo(result, name, reference)?.median ?? 0)
  );
  const top = Math.max(2, Math.ceil(Math.max(...ratios) * 2) / 2);
  const x = (ratio: number) => round(BARS_FROM + (BARS_TO - BARS_FROM) * ratio / top);
  const { cpu, date, versions } = figures.machine;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Throughput as a multiple of ${reference}">
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${height}" rx="8"/>
<text class="title" x="${MARGIN}" y="34">Throughput as a multiple of ${reference}'s</text>
<text class="dim" x="${MARGIN}" y="54">${
    escape(about)
  }; longer is better; medians of the same rounds; ┃ is sluice's goal.</text>
${axis(x, top, bottom)}
${
    workloads.map((result, i) => group(result, contenders, reference, HEADER + i * groupHeight, x))
      .join("\n")
  }
<text x="${MARGIN}" y="${bottom + 16}">sluice: ${escape(brief)}</text>
<text class="dim" x="${MARGIN}" y="${bottom + 36}">${
    escape(`${date} · ${cpu} · ${versions.join(", ")}`)
  }</text>
</svg>
`;
}

function axis(x: (ratio: number) => number, top: number, bottom: number): string {
  const lines: string[] = [];
  for (let ratio = 0; ratio <= top; ratio += 0.5) {
    const at = x(ratio);
    const kind = ratio === 1 ? "reference" : "axis";
    lines.push(
      `<line class="${kind}" x1="${at}" y1="${HEADER + 4}" x2="${at}" y2="${bottom - GROUP_GAP}"/>`,
      `<text class="dim" x="${at}" y="${HEADER - 2}" text-anchor="middle">${ratio} ×</text>`,
    );
  }
  return lines.join("\n");
}

function group(
  result: WorkloadResult<Shown>,
  contenders: readonly string[],
  reference: string,
  y: number,
  x: (ratio: number) => number,
): string {
  const { workload } = result;
  const bars = contenders.map((name, i) => {
    const top = y + GROUP_TITLE + i * (BAR + BAR_GAP);
    const ratio = ratioTo(result, name, reference)?.median ?? 0;
    const rate = figureOf(result, name, "rate")?.median;
    const text = rate === undefined ? "–" : ratioText(ratio);
    const own = name === "sluice";
    const goal = x(workload.goal);
    return `<text x="${BARS_FROM - 8}" y="${top + BAR - 3}" text-anchor="end">${escape(name)}</text>
<rect class="${own ? "own" : "bar"}" x="${x(0)}" y="${top}" width="${
      round(x(ratio) - x(0))
    }" height="${BAR}" rx="2"/>
<text class="figure" x="${(own ? Math.max(x(ratio), goal) : x(ratio)) + 8}" y="${
      top + BAR - 3
    }">${text}<tspan class="dim" dx="8">${
      rate === undefined ? "" : escape(rateText(workload, rate))
    }</tspan></text>${
      own
        ? `\n<line class="goal" x1="${goal}" y1="${top - 2}" x2="${goal}" y2="${top + BAR + 2}"/>`
        : ""
    }`;
  });
  return `<text class="group" x="${MARGIN}" y="${y + 17}">${escape(workload.name)}</text>
${bars.join("\n")}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
