/**
 * The inspector beside an agent: where it listens, and what it is told.
 *
 * @module
 */
import { formatHostPort, type SocketAddress } from "../../addr.ts";
import { encodeProxyHeader } from "../../proxy_protocol.ts";
import { type Clock, type Conn, NetError } from "../../runtime/runtime.ts";
import type { OnExchange } from "../http/exchange.ts";
import type { AgentStatus } from "../inspector/parts.ts";
import type { Agent } from "./agent.ts";
import type { InspectorConfig } from "./config.ts";
import type { Exposed } from "./exposure.ts";
import type { Journal } from "./journal.ts";
import { connectToService, type ServiceParts } from "./service.ts";

/** The ports that are tried, the first and how many: several agents may run on one machine. */
const FIRST_PORT = 4040;
const PORTS = 20;

export interface InspectionParts extends ServiceParts {
  readonly clock: Clock;
  readonly journal: Journal;
}

/** An inspector that is open. */
export interface Inspection {
  /** Where a browser finds it. */
  readonly url: string;
  /** The most bytes that it keeps of each body. */
  readonly keeps: number;
  readonly observe: OnExchange;
  close(): Promise<void>;
}

/**
 * Opens the inspector of an agent that has endpoints of http; it is loaded only then.
 * @throws {NetError} If the address that the user chose cannot be listened on, naming it.
 */
export async function openInspector(
  at: InspectorConfig,
  agent: Agent,
  parts: InspectionParts,
): Promise<Inspection | undefined> {
  if (at === "none" || !agent.exposure.all.some(({ config: { kind } }) => kind === "http")) {
    return undefined;
  }
  const [{ Inspector }, { KEPT_OF_A_BODY: keeps }] = await Promise.all([
    import("../inspector/inspector.ts"),
    import("../inspector/store.ts"),
  ]);
  const { net, clock, journal } = parts;
  const open = (address: SocketAddress): Inspection => {
    const inspector = new Inspector(address, {
      net,
      clock,
      connect: (label) => connectTo(agent, label, parts),
      status: () => statusOf(agent),
      onFault: (error) =>
        journal.warn(`the inspector has a fault: please report it: ${describe(error)}`),
    });
    const { url, observe } = inspector;
    return { url, keeps, observe, close: () => inspector.close() };
  };
  if (at !== "auto") return open(at);
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS; port++) {
    try {
      return open({ address: "127.0.0.1", port });
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
    }
  }
  const last = FIRST_PORT + PORTS - 1;
  journal.warn(`there is no inspector: none of the ports ${FIRST_PORT} to ${last} is free`);
  return undefined;
}

async function connectTo(agent: Agent, label: string, parts: ServiceParts): Promise<Conn> {
  const config = agent.exposure.all.map(({ config }) => config).find((each) =>
    each.label === label
  );
  if (config === undefined) throw new NetError("unreachable", "it is no longer exposed");
  const conn = await connectToService(config.service, parts);
  if (config.proxyProtocol !== undefined) {
    await conn.write(encodeProxyHeader(config.proxyProtocol, undefined, conn.remote));
  }
  return conn;
}

function statusOf({ config, exposure, state, visits }: Agent): AgentStatus {
  return {
    edge: formatHostPort(config.edge),
    ...state,
    endpoints: exposure.all.map(endpointOf),
    visitors: visits.size,
    bytes: visits.bytes,
  };
}

function endpointOf({ config: { label, kind, service }, address }: Exposed) {
  return {
    endpoint: label,
    kind,
    ...address !== undefined && { address },
    service: formatHostPort(service),
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
