/**
 * The shape of `[edge]`, the tunnel's public side. The descriptions are for who edits a file: editors show them.
 *
 * @module
 */
import * as v from "valibot";
import type { PortRange } from "./config.ts";
import { EDGE_DEFAULTS } from "./defaults.ts";
import { formatDuration } from "./duration.ts";
import { mergedRanges, parsePorts } from "./port_ranges.ts";
import {
  duration,
  expected,
  key,
  list,
  namedTables,
  oneOrMore,
  read,
  requiredKey,
  table,
  text,
  wholeNumber,
  yesOrNo,
} from "./shapes.ts";
import { parseSize } from "./size.ts";
import {
  parseAgentId,
  parseDomain,
  parseEndpointName,
  parseListenAddressV4,
  parseListenAddressV6,
  parseTokenHash,
} from "./values.ts";

const count = wholeNumber(1, 4_294_967_295);

const someRanges = read(parsePorts);
const onePort = v.pipe(
  wholeNumber(1, 65_535),
  v.transform((port): readonly PortRange[] => [{ first: port, last: port }]),
);
const what = 'ports such as "20000-20999"';

/** `"20000-20009,20100"`, a number, or a list of such. */
const ports = v.pipe(
  v.union([
    someRanges,
    onePort,
    v.pipe(
      list(v.union([someRanges, onePort], expected(what)), "leave the key out"),
      v.transform((lists) => lists.flat()),
    ),
  ], expected(`${what} or a list of them`)),
  v.transform(mergedRanges),
);

const agent = table({
  token_sha256: requiredKey(
    oneOrMore(read(parseTokenHash), "`sluice edge token` makes one"),
    "What the edge knows of the agent's token, as `sluice edge token` prints it; of two in a list both are good",
  ),
  names: key(
    list(read(parseEndpointName), "leave the key out to let the edge choose all"),
    "Names under the domain that it may ask for, * for any characters; without it those that the edge chooses",
  ),
  ports: key(
    ports,
    "Ports that it may have, of tcp_ports; without it those that the edge chooses",
  ),
  max_connections: key(count, "Most visitors of this agent at once"),
  max_bandwidth: key(
    read(parseSize),
    'Bytes a second for its visitors together, both directions added up, such as "10MB"',
  ),
  max_names: key(
    wholeNumber(1, 65_535),
    "Most names and ports that it has at once",
    EDGE_DEFAULTS.max_names,
  ),
});

export const edge = table({
  domain: requiredKey(
    read(parseDomain),
    "Where the names of endpoints are: blog is reached as blog.DOMAIN",
  ),
  listen_port: key(
    wholeNumber(1, 65_535),
    "Port for agents; without it they come to the listeners, as visitors do",
  ),
  listen_address_v4: key(
    oneOrMore(read(parseListenAddressV4), "leave the key out to listen as the top level says"),
    "IPv4 address or addresses for agents and for tcp_ports; without it as at the top level",
  ),
  listen_address_v6: key(
    oneOrMore(read(parseListenAddressV6), "leave the key out to listen as the top level says"),
    "IPv6 address or addresses for agents and for tcp_ports; without it as at the top level",
  ),
  listeners: key(
    list(text, "leave the key out for all"),
    "Names of the listeners of TCP that take visitors and agents; without it all",
  ),
  tcp_ports: key(ports, "Ports for endpoints of tcp and udp; without it there are none"),
  certificate: key(
    text,
    "File with the certificate that agents are shown, in PEM; without it one that sluice makes and keeps in state_dir",
  ),
  private_key: key(text, "File with the key that belongs to the certificate, in PEM"),
  state_dir: key(
    text,
    "Where the certificate of sluice's own is kept; without it $STATE_DIRECTORY, else sluice's " +
      "directory in $XDG_STATE_HOME or ~/.local/state",
  ),
  insecure: key(
    yesOrNo,
    "Agents come without TLS: whoever sees the network sees all, and can pass for either side",
    EDGE_DEFAULTS.insecure,
  ),
  grace_period: key(
    duration(0),
    "How long an agent that is gone finds its names and ports free for it",
    formatDuration(EDGE_DEFAULTS.grace_period),
  ),
  agents: key(
    namedTables(agent, read(parseAgentId)),
    "Who may log in, and what each may have; the table's name is the agent's id",
  ),
});

export type EdgeTable = v.InferOutput<typeof edge>;
export type AgentTable = v.InferOutput<typeof agent>;
