/**
 * Endpoints on ports of their own: what the edge itself listens on for visitors.
 *
 * @module
 */
import { acceptAll } from "../../accept_loop.ts";
import { cannotListen } from "../../cannot_listen.ts";
import { boundAddresses, isFor } from "../../ports.ts";
import { NetError } from "../../runtime/runtime.ts";
import type { Endpoint } from "./endpoints.ts";
import type { PortParts, Server } from "./parts.ts";
import { TcpVisit } from "./tcp_visit.ts";
import { UdpPort } from "./udp_port.ts";

/** Connections that the kernel completes before they are accepted. */
const BACKLOG = 256;

/** How visitors of a port are told in the log: they come to no listener of the configuration. */
export const PORT_LISTENER = "edge";

/**
 * Opens the port of an endpoint on every address.
 * @returns What closes it.
 * @throws {NetError} If an address cannot be listened on, naming it.
 */
export function openPort(endpoint: Endpoint<Server>, parts: PortParts): () => void {
  const port = Number(endpoint.place);
  const configured = parts.addresses();
  const open: Array<{ close(): Promise<void> }> = [];
  const close = () => open.forEach((each) => void each.close());
  for (const address of boundAddresses(configured)) {
    const at = { address, port };
    try {
      if (endpoint.kind === "udp") {
        open.push(new UdpPort(at, endpoint, parts));
        continue;
      }
      const listener = parts.net.listen({ ...at, backlog: BACKLOG });
      open.push(listener);
      void acceptAll(listener, parts, (conn) => {
        if (!isFor(conn.local, { addresses: configured, port }) || !parts.hasRoom("tcp")) {
          return conn.close();
        }
        const { remote: client, local: destination } = conn;
        const first = new Uint8Array(0);
        const visitor = { conn, client, destination, listener: PORT_LISTENER, first };
        new TcpVisit(visitor, endpoint, false, parts);
      });
    } catch (error) {
      close();
      throw error instanceof NetError ? cannotListen(at, error) : error;
    }
  }
  return close;
}
