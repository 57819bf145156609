/**
 * The place of the tunnel's edge in a running sluice: it comes and goes with `[edge]`, and until then nothing of it is
 * loaded.
 *
 * @module
 */
import type { SocketAddress } from "./addr.ts";
import type { Config, EdgeConfig } from "./config/config.ts";
import type { Log } from "./log.ts";
import type { Environment } from "./runtime/process.ts";
import type { Clock, Net, Tls } from "./runtime/runtime.ts";
import { Timeouts } from "./timeouts.ts";
import type { EdgeCertificate } from "./tunnel/certificate.ts";
import type { Edge } from "./tunnel/edge/edge.ts";
import type { EdgeGauges } from "./tunnel/edge/gauges.ts";

export interface EdgeSlotParts {
  readonly net: Net;
  readonly tls: () => Promise<Tls>;
  readonly clock: Clock;
  /** What an edge shows to agents. */
  readonly certificate: (edge: EdgeConfig) => Promise<EdgeCertificate>;
  readonly log: Log;
}

interface Running {
  readonly edge: Edge;
  readonly timeouts: Timeouts;
}

/** The edge of one process, there or not. One change at a time. */
export class EdgeSlot {
  readonly #parts: EdgeSlotParts;
  #running: Running | undefined;

  constructor(parts: EdgeSlotParts) {
    this.#parts = parts;
  }

  /** Where agents come to, besides the listeners. */
  get addresses(): readonly SocketAddress[] {
    return this.#running?.edge.addresses ?? [];
  }

  get gauges(): EdgeGauges | undefined {
    return this.#running?.edge.gauges;
  }

  /**
   * Does `apply` with what the proxy is to run, and makes the edge what the configuration says: both or neither.
   * @throws {Error} What `apply` throws; or what is wrong with an address or a certificate of the edge.
   */
  async change(config: Config, apply: (config: Config) => Promise<void>): Promise<void> {
    const { edge: wanted } = config;
    const before = this.#running;
    if (wanted === undefined) {
      await apply(config);
      this.#running = undefined;
      before?.edge.close("revoked");
      return;
    }
    const certificate = wanted.insecure ? undefined : await this.#parts.certificate(wanted);
    const running = before ?? await this.#start(config, wanted);
    try {
      const change = await running.edge.change(config, wanted, certificate);
      this.#running = running;
      try {
        await apply(running.edge.configOf(config, wanted));
      } catch (error) {
        await change.rollback();
        throw error;
      }
      change.commit();
    } catch (error) {
      this.#running = before;
      if (before === undefined) running.edge.close();
      throw error;
    }
  }

  /** Takes nobody new; resolves when the last visitor has left, or `timeout` ms have passed. */
  async drain(timeout: number): Promise<void> {
    if (this.#running === undefined) return;
    const { edge, timeouts } = this.#running;
    const limit = Promise.withResolvers<void>();
    const timer = timeouts.start(timeout, limit.resolve);
    await Promise.race([edge.drain(), limit.promise]);
    timer.cancel();
  }

  /** Ends it, for good. */
  close(): void {
    this.#running?.edge.close();
  }

  async #start(config: Config, wanted: EdgeConfig): Promise<Running> {
    const { net, tls, clock, log } = this.#parts;
    const { Edge } = await import("./tunnel/edge/edge.ts");
    const timeouts = new Timeouts(clock);
    const parts = { net, tls: await tls(), clock, timeouts, log, random: Math.random };
    return { edge: await Edge.start(config, wanted, parts), timeouts };
  }
}

/**
 * The certificate that an edge shows.
 * @throws {Error} If it cannot be read or made; the message names the file.
 */
export async function edgeCertificate(
  { certificate: files, stateDir, domain }: EdgeConfig,
  env: Environment,
  clock: Clock,
): Promise<EdgeCertificate> {
  const { keptCertificate, loadCertificate } = await import("./tunnel/certificate.ts");
  return files === undefined
    ? await keptCertificate(stateDir ?? stateDirectory(env), domain, clock.date())
    : await loadCertificate(files);
}

/** Where the system wants a program's state to be: as a service manager says, else as the XDG directories do. */
function stateDirectory(env: Environment): string {
  const { STATE_DIRECTORY: given, XDG_STATE_HOME: state, HOME: home } = env;
  // systemd gives several with colons between.
  if (given) return given.split(":")[0]!;
  if (state) return `${state}/sluice`;
  if (home) return `${home}/.local/state/sluice`;
  throw new Error("nowhere to keep the edge's certificate: set edge.state_dir");
}
