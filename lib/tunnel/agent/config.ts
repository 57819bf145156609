/**
 * What an agent exposes, and where.
 *
 * @module
 */
import { formatHostPort, type HostPort, type SocketAddress } from "../../addr.ts";
import type { ProxyVersion } from "../../config/config.ts";
import type { Trust } from "../../runtime/runtime.ts";
import type { Token } from "../auth.ts";
import type { EndpointKind } from "../messages.ts";

export interface AgentConfig {
  readonly edge: HostPort;
  readonly token: Token;
  /** Absent: without TLS. */
  readonly trust?: Trust;
  /** At least one. */
  readonly endpoints: readonly EndpointConfig[];
  readonly inspector: InspectorConfig;
}

/** Where the inspector's page is: at one address, at the first port that is free of a few, or nowhere. */
export type InspectorConfig = SocketAddress | "auto" | "none";

export interface EndpointConfig {
  /** What the user calls it: no two have the same. */
  readonly label: string;
  readonly kind: EndpointKind;
  /** Where the service is. */
  readonly service: HostPort;
  /** Of http and tls; absent for one that the edge chooses. */
  readonly name?: string;
  /** Of tcp and udp; absent for one that the edge chooses. */
  readonly port?: number;
  /** Addresses and networks of visitors; none for all. */
  readonly allow: readonly string[];
  /** Of http: who may ask, each as `user:password`; absent for everybody. */
  readonly credentials?: readonly string[];
  /** Of http: whether the service is told who asked and for what, in place of what the visitor says, or behind it. */
  readonly forwarded?: "replace" | "append";
  /** Of http: the Host that the service is asked for, in place of the one that the visitor asked for. */
  readonly hostHeader?: string;
  /** The PROXY header that tells the service who came; not of udp. */
  readonly proxyProtocol?: ProxyVersion;
}

/** Whether the way to the edge, and who logs in there, are the same. */
export function isSameEdge(a: AgentConfig, b: AgentConfig): boolean {
  return formatHostPort(a.edge) === formatHostPort(b.edge) && a.token.id === b.token.id &&
    a.token.secret.toHex() === b.token.secret.toHex() && isSameTrust(a.trust, b.trust);
}

function isSameTrust(a: Trust | undefined, b: Trust | undefined): boolean {
  if (a?.kind === "pin" && b?.kind === "pin") return a.sha256.toHex() === b.sha256.toHex();
  if (a?.kind === "authorities" && b?.kind === "authorities") return a.pem === b.pem;
  return a?.kind === b?.kind;
}
