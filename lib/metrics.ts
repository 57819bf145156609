/**
 * What sluice counts, in the words of Prometheus. All of it is read when somebody asks: what is under way pays nothing.
 *
 * Only what the configuration names, closed lists and the addresses of backends are values of labels, never an address
 * of a client or a name that it sent. A name that a reload has removed keeps its counts, because a counter that vanishes
 * and comes back reads as a restart; {@linkcode MOST_SERIES} bounds how many there can be.
 *
 * @module
 */
import { Counter, Gauge, Registry } from "prom-client";
import metadata from "../deno.json" with { type: "json" };
import { formatAddress } from "./addr.ts";
import { registerProcessMetrics } from "./admin/process_metrics.ts";
import type { Gauges, Plane, Traffic, Transport } from "./plane.ts";
import { DURATIONS, MOST_SERIES, type Sums, type Times, WAITS } from "./tally.ts";

/** What a scrape reads of the configuration file. */
export interface ConfigState {
  /** Whether the file is what runs; false while something is wrong with it. */
  readonly isGood: boolean;
  /** When what runs was taken up, ms since 1970. */
  readonly since: number;
}

/** What a scrape reads. */
export interface MetricSources {
  readonly plane: Pick<Plane, "gauges">;
  /** Of the connections and flows that are over. */
  readonly ended: { readonly sums: Sums };
  readonly config: ConfigState;
  /** What the tunnel's edge has besides; no gauges where there is none. */
  readonly edge?: { readonly gauges: EdgeState | undefined };
}

/** What a scrape reads of the tunnel's edge. */
interface EdgeState extends Pick<Gauges, "activeConnections" | "activeFlows" | "live"> {
  readonly agents: number;
  readonly endpoints: Readonly<Record<string, number>>;
}

const TRANSPORTS = ["tcp", "udp"] as const;

/** Shows what there is to show. */
export class Metrics {
  readonly #sources: MetricSources;
  readonly #registry = new Registry();

  readonly #connections = new Counter({
    name: "sluice_connections_total",
    help: "TCP connections and UDP flows that are over.",
    labelNames: ["listener", "transport", "protocol", "route", "reason"],
    registers: [this.#registry],
  });
  readonly #activeConnections = this.#gauge(
    "sluice_connections_active",
    "TCP connections that are not over.",
  );
  readonly #activeFlows = this.#gauge("sluice_flows_active", "UDP flows that are not over.");
  readonly #bytes = this.#totals(
    "sluice_bytes_total",
    "Bytes from clients delivered to backends (up) and back (down), live connections included.",
    ["direction", "transport"],
  );
  readonly #datagrams = this.#totals(
    "sluice_datagrams_total",
    "Datagrams from clients sent to backends (up) and back (down), live flows included.",
    ["direction"],
  );
  readonly #drops = this.#totals(
    "sluice_datagrams_dropped_total",
    "Datagrams that were dropped.",
    ["reason"],
  );
  readonly #backends = new Gauge({
    name: "sluice_backend_up",
    help: "0 from a failed attempt to reach the backend until one succeeds, else 1.",
    labelNames: ["backend", "transport"],
    registers: [this.#registry],
  });
  readonly #configIsGood = this.#gauge(
    "sluice_config_last_reload_success",
    "Whether the configuration file is what runs: 0 while something is wrong with it.",
  );
  readonly #configSince = this.#gauge(
    "sluice_config_last_reload_timestamp_seconds",
    "When the configuration that runs was taken up.",
  );

  /** Absent as long as there was no edge. */
  #edge: { readonly agents: Gauge; readonly endpoints: Gauge } | undefined;

  constructor(sources: MetricSources) {
    this.#sources = sources;
    new Gauge({
      name: "sluice_build_info",
      help: "The version of sluice; always 1.",
      labelNames: ["version"],
      registers: [this.#registry],
    }).set({ version: metadata.version }, 1);
    registerProcessMetrics(this.#registry);
  }

  /** The media type of {@linkcode expose}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything, in the text format of Prometheus. */
  async expose(): Promise<string> {
    const gauges = await this.#sources.plane.gauges();
    const { sums } = this.#sources.ended;
    this.#read(gauges, sums, this.#sources.edge?.gauges);
    return await this.#registry.metrics() + histograms(sums);
  }

  #read(gauges: Gauges, sums: Sums, edge: EdgeState | undefined): void {
    const { config } = this.#sources;
    this.#connections.reset();
    for (const { count, ...labels } of sums.series) this.#connections.inc(labels, count);
    this.#activeConnections.set(gauges.activeConnections + (edge?.activeConnections ?? 0));
    this.#activeFlows.set(gauges.activeFlows + (edge?.activeFlows ?? 0));
    const total = (transport: "tcp" | "udp") => {
      const counted = sum(sums[transport].traffic, gauges.live[transport]);
      return edge === undefined ? counted : sum(counted, edge.live[transport]);
    };
    for (const transport of TRANSPORTS) {
      const { up, down } = total(transport);
      this.#bytes.raise({ direction: "up", transport }, up);
      this.#bytes.raise({ direction: "down", transport }, down);
    }
    const { datagramsUp, datagramsDown } = total("udp");
    this.#datagrams.raise({ direction: "up" }, datagramsUp);
    this.#datagrams.raise({ direction: "down" }, datagramsDown);
    for (const [reason, count] of gauges.drops) this.#drops.raise({ reason }, count);

    this.#backends.reset();
    let shown = 0;
    for (const { transport, backend, isUp } of gauges.backends) {
      if (++shown > MOST_SERIES) break;
      this.#backends.set({ backend: formatAddress(backend), transport }, isUp ? 1 : 0);
    }
    if (edge !== undefined) this.#readEdge(edge);
    // A reload may have taken it away.
    else if (this.#edge !== undefined) this.#readEdge({ agents: 0, endpoints: {} });
    this.#configIsGood.set(config.isGood ? 1 : 0);
    this.#configSince.set(config.since / 1000);
  }

  #readEdge({ agents, endpoints }: Pick<EdgeState, "agents" | "endpoints">): void {
    this.#edge ??= {
      agents: this.#gauge("sluice_edge_agents", "Processes of agents that are logged in."),
      endpoints: new Gauge({
        name: "sluice_edge_endpoints",
        help: "Names and ports of the tunnel that some agent serves.",
        labelNames: ["kind"],
        registers: [this.#registry],
      }),
    };
    this.#edge.agents.set(agents);
    this.#edge.endpoints.reset();
    for (const [kind, count] of Object.entries(endpoints)) {
      this.#edge.endpoints.set({ kind }, count);
    }
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.#registry] });
  }

  #totals(name: string, help: string, labelNames: readonly string[]): Totals {
    return new Totals(new Counter({ name, help, labelNames, registers: [this.#registry] }));
  }
}

/** A counter of what somebody else has counted already. It never goes down, since that would read as a restart. */
class Totals {
  readonly #counter: Counter;
  readonly #shown = new Map<string, number>();

  constructor(counter: Counter) {
    this.#counter = counter;
  }

  /** Makes `total` the value under `labels`, unless a larger one was shown. */
  raise(labels: Readonly<Record<string, string>>, total: number): void {
    const key = Object.values(labels).join();
    const shown = this.#shown.get(key) ?? 0;
    this.#counter.inc(labels, Math.max(0, total - shown));
    this.#shown.set(key, Math.max(shown, total));
  }
}

/** The times of those that are over. The library of the others would have to be told each time by itself. */
function histograms(sums: Sums): string {
  return [
    histogram(
      "sluice_probe_seconds",
      "Time from the accept, or the first datagram, until the route was decided.",
      WAITS,
      (transport) => sums[transport].routing,
    ),
    histogram(
      "sluice_connect_seconds",
      "Time from the decision on the route until the backend was connected.",
      WAITS,
      (transport) => sums[transport].connecting,
    ),
    histogram(
      "sluice_connection_duration_seconds",
      "Time from the beginning of a connection or flow to its end.",
      DURATIONS,
      (transport) => sums[transport].durations,
    ),
  ].join("");
}

function histogram(
  name: string,
  help: string,
  bounds: readonly number[],
  timesOf: (transport: Transport) => Times,
): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  for (const transport of TRANSPORTS) {
    const { counts, sum } = timesOf(transport);
    let count = 0;
    counts.forEach((more, i) => {
      const le = i < bounds.length ? bounds[i]! / 1000 : "+Inf";
      lines.push(`${name}_bucket{le="${le}",transport="${transport}"} ${count += more}`);
    });
    lines.push(`${name}_sum{transport="${transport}"} ${sum / 1000}`);
    lines.push(`${name}_count{transport="${transport}"} ${count}`);
  }
  return `\n${lines.join("\n")}\n`;
}

function sum(a: Required<Traffic>, b: Traffic): Required<Traffic> {
  return {
    up: a.up + b.up,
    down: a.down + b.down,
    datagramsUp: a.datagramsUp + (b.datagramsUp ?? 0),
    datagramsDown: a.datagramsDown + (b.datagramsDown ?? 0),
  };
}
