/**
 * The balancing algorithms by their names in the configuration. A new one is a file of its own and a line here.
 *
 * @module
 */
import type { Algorithm } from "../config/config.ts";
import type { BalancerFactory } from "./backend.ts";
import { leastConnections } from "./least_connections.ts";
import { none } from "./none.ts";
import { quicCid } from "./quic_cid.ts";
import { random } from "./random.ts";
import { randomTwo } from "./random_two.ts";
import { roundRobin } from "./round_robin.ts";
import { sourceIp } from "./source_ip.ts";
import { sourceSocket } from "./source_socket.ts";

export {
  Backend,
  type Balance,
  type BalancerFactory,
  type Candidate,
  type Client,
} from "./backend.ts";

export const balancers = {
  none,
  source_ip: sourceIp,
  source_socket: sourceSocket,
  random,
  round_robin: roundRobin,
  least_connections: leastConnections,
  random_two: randomTwo,
  quic_cid: quicCid,
} satisfies Record<Algorithm, BalancerFactory>;
