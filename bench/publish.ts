/**
 * What a run leaves behind: its figures as JSON, one file for each transport, and from them tables, charts, and a
 * section of the project's README. So one transport can be measured anew, and all be shown otherwise, without the rest.
 *
 * @module
 */
import { chart } from "./chart.ts";
import { datagramReport, datagramsInBrief } from "./datagram_report.ts";
import { tcpOutcomes, udpOutcomes } from "./goals.ts";
import { atRestInBrief, report } from "./report.ts";
import { type DatagramResults, HAPROXY, LINUX, NGINX, PORTABLE, type Results } from "./results.ts";
import { compactTable, markedText } from "./tables.ts";
import { cpuText, rateText } from "./units.ts";
import type { Workload } from "./workloads.ts";

/** Between these the section is written. */
const BEGIN = "<!-- written by `deno task bench` -->";
const END = "<!-- end of what it writes -->";

const FIGURES = { tcp: "results_tcp.json", udp: "results_udp.json" };

/** Significant digits of what is kept. */
const DIGITS = 5;

/** Keeps the figures of a run. */
export async function keep(
  transport: keyof typeof FIGURES,
  results: Results | DatagramResults,
): Promise<void> {
  await write(FIGURES[transport], json(results));
}

/** Writes all that is made of the figures that were kept. */
export async function publish(): Promise<void> {
  const tcp: Results = JSON.parse(await read(FIGURES.tcp));
  const udp: DatagramResults = JSON.parse(await read(FIGURES.udp));
  const charts = {
    "results_tcp.svg": throughputChart(tcp),
    "results_cpu.svg": cpuChart(tcp),
    "results_udp.svg": datagramChart(udp),
  };
  for (const [name, text] of Object.entries(charts)) await write(name, text);
  const pictures = Object.keys(charts).map((name) => `![${ALT[name]}](${name})`);
  await write(
    "results.md",
    [
      "# Benchmark",
      "",
      ...pictures,
      "",
      "## TCP",
      "",
      report(tcp),
      "## UDP",
      "",
      datagramReport(udp),
    ]
      .join("\n"),
  );
  const readme = await read("../README.md");
  const [before, after] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (before < 0 || after < before) throw new Error("README.md has no place for the results");
  const section = inReadme(tcp, udp, Object.keys(charts));
  await write(
    "../README.md",
    `${readme.slice(0, before)}${BEGIN}\n\n${section}\n\n${readme.slice(after)}`,
  );
}

const ALT: Readonly<Record<string, string>> = {
  "results_tcp.svg": `TCP: throughput as a multiple of ${HAPROXY}'s`,
  "results_cpu.svg": `TCP: CPU time of the proxy as a multiple of ${HAPROXY}'s`,
  "results_udp.svg": `UDP: throughput as a multiple of ${NGINX}'s`,
};

/** The charts, and the goals of the linux engine. */
function inReadme(tcp: Results, udp: DatagramResults, charts: readonly string[]): string {
  const [ofTcp, ofUdp] = [tcpOutcomes(LINUX, tcp), udpOutcomes(LINUX, udp)];
  const portable = [...tcpOutcomes(PORTABLE, tcp), ...udpOutcomes(PORTABLE, udp)];
  const beside = ofTcp.filter(({ figure }) => figure === undefined)
    .map((outcome) => `${outcome.work} ${markedText(outcome)}`);
  const reached = portable.filter(({ reached }) => reached).length;
  return [
    ...charts.map((name) => `![${ALT[name]}](bench/${name})`),
    "",
    "The linux engine, as ratios within a round; in parentheses what was wanted:",
    "",
    compactTable(ofTcp),
    "",
    compactTable(ofUdp),
    "",
    `${beside.join(" · ")}.`,
    `The portable engine reaches ${reached} of its ${portable.length} goals.`,
    "",
    `${tcp.machine.date}; ${tcp.machine.cpu}, ${tcp.machine.memory}; ${tcp.machine.kernel};`,
    `load before the run ${tcp.machine.load.toFixed(1)} (TCP), ${
      udp.machine.load.toFixed(1)
    } (UDP).`,
    [...new Set([...tcp.machine.versions, ...udp.machine.versions])].join(", ") + ".",
  ].join("\n");
}

function throughputChart(tcp: Results): string {
  return chart({
    ...tcp,
    title: ALT["results_tcp.svg"]!,
    figure: "rate",
    reference: HAPROXY,
    text: (rate, { workload }) => rateText(workload, rate),
    brief: `${LINUX}: ${atRestInBrief(tcp)}`,
  });
}

function cpuChart(tcp: Results): string {
  return chart({
    ...tcp,
    title: ALT["results_cpu.svg"]!,
    figure: "cpu",
    reference: HAPROXY,
    text: (cpu, { workload }) => cpuText(workload as Workload, cpu),
    brief: "Where a process is made for each connection, its time is not known.",
  });
}

function datagramChart(udp: DatagramResults): string {
  return chart({
    ...udp,
    title: ALT["results_udp.svg"]!,
    figure: "rate",
    reference: NGINX,
    text: (rate, { workload }) => `${rateText(workload, rate)}/s`,
    brief: `${LINUX}: ${datagramsInBrief(udp)}`,
  });
}

function json(results: unknown): string {
  const rounded = JSON.stringify(
    results,
    (_, value) => typeof value === "number" ? Number(value.toPrecision(DIGITS)) : value,
  );
  // One burst on a line.
  return rounded.replaceAll(
    /,(?="[^"]+":\{)|(?<=[[{])(?="[^"]+":\{)|,(?=\{)|(?<=\[)(?=\{)/g,
    "$&\n",
  );
}

async function read(name: string): Promise<string> {
  try {
    return await Deno.readTextFile(new URL(name, import.meta.url));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`bench/${name} is missing: each transport has to be measured once`);
  }
}

/** Writes a file beside this one, as `deno fmt` wants it. */
async function write(name: string, text: string): Promise<void> {
  const path = new URL(name, import.meta.url).pathname;
  await Deno.writeTextFile(path, text);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).output();
}
