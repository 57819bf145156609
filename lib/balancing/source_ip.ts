import type { BalancerFactory } from "./backend.ts";
import { rendezvous } from "./rendezvous.ts";

/** All connections of one client address go to the same backend. */
export const sourceIp: BalancerFactory = () => (candidates, client) =>
  rendezvous(candidates, client.address, 0);
