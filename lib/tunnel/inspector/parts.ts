/**
 * What the inspector needs to know of the agent.
 *
 * @module
 */
import type { Clock, Conn, Net } from "../../runtime/runtime.ts";

export interface InspectorParts {
  readonly net: Pick<Net, "listen">;
  readonly clock: Clock;
  /** A connection to the service of an endpoint, by the words of {@linkcode ExchangePlace}; the inspector closes it. */
  readonly connect: (endpoint: string) => Promise<Conn>;
  /** Asked once a second, and whenever `inspector.changed()` says that something is new. */
  readonly status: () => AgentStatus;
  /** Told of what should not have happened. */
  readonly onFault: (error: unknown) => void;
}

/** How the agent is. */
export interface AgentStatus {
  /** Where the edge is, as the user wrote it. */
  readonly edge: string;
  readonly state: "connecting" | "connected" | "waiting" | "stopped";
  /** Since when it is so, ms since 1970. */
  readonly since: number;
  /** Why it is not connected. */
  readonly problem?: string;
  readonly endpoints: readonly EndpointStatus[];
  /** Visitors at this moment. */
  readonly visitors: number;
  /** Bytes of all visitors since the start. */
  readonly bytes: { readonly up: number; readonly down: number };
}

export interface EndpointStatus {
  /** The same words as in `Exchange.place.endpoint`. */
  readonly endpoint: string;
  readonly kind: "http" | "tls" | "tcp" | "udp";
  /** The public address; absent while there is none. */
  readonly address?: string;
  /** The local service. */
  readonly service: string;
}
