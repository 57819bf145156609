import type { BalancerFactory } from "./backend.ts";
import { rendezvous } from "./rendezvous.ts";

/** All that comes from one address and port of a client goes to the same backend. */
export const sourceSocket: BalancerFactory = () => (candidates, client) =>
  rendezvous(candidates, client.address, client.port);
