/**
 * Addresses that cannot be listened on together.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../addr.ts";
import { edgeAddresses, listenAddresses, type ListenerSource, serves } from "./inherit.ts";
import { hasPort } from "./port_ranges.ts";
import type { Finding, Path } from "./problem.ts";
import { type Transport, TRANSPORTS } from "./protocols.ts";
import type { FileTable, ListenerTable } from "./schema.ts";
import type { Broken } from "./validate.ts";

type AddressKeys = Pick<ListenerTable, "listen_address_v4" | "listen_address_v6" | "listen_ipv6">;

/** Finds contradictions among the addresses of one table. */
export function* checkAddresses(
  { path, own }: { readonly path: Path; readonly own: AddressKeys },
): Iterable<Finding> {
  if (own.listen_ipv6 === false && own.listen_address_v6 !== undefined) {
    const message = "contradicts listen_ipv6 = false";
    yield { path: [...path, "listen_address_v6"], message, about: "key" };
  }
  const lists = { listen_address_v4: "0.0.0.0", listen_address_v6: "::" } as const;
  for (const [key, wildcard] of Object.entries(lists)) {
    const addresses = own[key as keyof typeof lists] ?? [];
    if (addresses.length < 2 || !addresses.includes(wildcard)) continue;
    const message = `"${wildcard}" is every address: name it alone, or leave it out`;
    yield { path: [...path, key], message };
  }
}

/**
 * Finds what wants the same address and port on the same transport: listeners, the admin endpoint and the edge. What
 * listens on all addresses has each of them.
 */
export function* checkSharedAddresses(
  file: FileTable,
  sources: readonly ListenerSource[],
  broken: Broken,
): Iterable<Finding> {
  const { admin_address: admin, edge } = file;
  const taken: Bound[] = [];
  if (admin !== undefined) taken.push({ ...admin, transport: "tcp", by: "admin_address is" });
  for (const { path, bound } of [...edgePort(file), ...listenerPorts(sources, broken)]) {
    for (const one of bound) {
      const other = taken.find((other) => overlap(one, other));
      if (other === undefined) continue;
      const message = `${formatAddress(one)} is not free: ${other.by} ${formatAddress(other)}`;
      yield { path: [...path, "listen_port"], message };
      break;
    }
    taken.push(...bound);
  }
  if (edge?.tcp_ports === undefined) return;
  const addresses = edgeAddresses(edge, file);
  for (const { by, port, address, transport } of taken) {
    const one = addresses.map((at) => ({ address: at, port, transport }))
      .find((one) => overlap(one, { address, port, transport }));
    if (one === undefined || !hasPort(edge.tcp_ports, port)) continue;
    const message = `${port} is not free: ${by} ${formatAddress({ address, port })}`;
    yield { path: ["edge", "tcp_ports"], message };
  }
}

/** What a table wants to listen on. */
interface Wanted {
  readonly path: Path;
  readonly bound: readonly Bound[];
}

function edgePort(file: FileTable): readonly Wanted[] {
  const { edge } = file;
  const port = edge?.listen_port;
  if (edge === undefined || port === undefined) return [];
  const bound = edgeAddresses(edge, file).map((address) => (
    { transport: "tcp", address, port, by: "the edge listens on" } as const
  ));
  return [{ path: ["edge"], bound }];
}

function listenerPorts(
  sources: readonly ListenerSource[],
  broken: Broken,
): readonly Wanted[] {
  const keys: readonly (keyof AddressKeys)[] = [
    "listen_address_v4",
    "listen_address_v6",
    "listen_ipv6",
  ];
  return sources.flatMap((source): readonly Wanted[] => {
    const { name, path, own: { listen_port: port } } = source;
    const isBroken = keys.some((key) => broken.has([...path, key]) || broken.has([key]));
    if (port === undefined || isBroken) return [];
    const by = `listener "${name}" listens on`;
    const transports = TRANSPORTS.filter((transport) => serves(source, transport));
    const bound = listenAddresses(source)
      .flatMap((address) => transports.map((transport) => ({ transport, address, port, by })));
    return [{ path, bound }];
  });
}

/** An address that something listens on. */
interface Bound extends SocketAddress {
  readonly transport: Transport;
  /** What does, and a verb. */
  readonly by: string;
}

function overlap(a: Omit<Bound, "by">, b: Omit<Bound, "by">): boolean {
  return a.transport === b.transport && a.port === b.port &&
    (a.address === b.address || covers(a.address, b.address) || covers(b.address, a.address));
}

/** Whether listening on `wildcard` takes `address` along; `::` takes IPv4 too. */
function covers(wildcard: string, address: string): boolean {
  return wildcard === "::" || wildcard === "0.0.0.0" && !address.includes(":");
}
