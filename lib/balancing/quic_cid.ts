import type { BalancerFactory } from "./backend.ts";
import { rendezvous } from "./rendezvous.ts";

/**
 * All datagrams that begin a QUIC connection go to the same backend, whichever replica they reach and whatever address
 * they come from; other clients by their address.
 */
export const quicCid: BalancerFactory = () => (candidates, client) =>
  rendezvous(candidates, client.quicCid ?? client.address, 0);
