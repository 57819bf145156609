/**
 * Addresses that cannot be listened on together.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "../addr.ts";
import { listenAddresses, type ListenerSource, serves } from "./inherit.ts";
import type { Finding } from "./problem.ts";
import { type Transport, TRANSPORTS } from "./protocols.ts";
import type { ListenerTable } from "./schema.ts";
import type { Broken } from "./validate.ts";

/** Finds contradictions among the addresses of one table. */
export function* checkAddresses(
  { path, own }: Pick<ListenerSource, "path" | "own">,
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
 * Finds listeners that want the same address and port on the same transport; one that listens on all addresses has each
 * of them.
 * @param admin Where metrics are served, on TCP.
 */
export function* checkSharedAddresses(
  sources: readonly ListenerSource[],
  broken: Broken,
  admin: SocketAddress | undefined,
): Iterable<Finding> {
  const keys: readonly (keyof ListenerTable)[] = [
    "listen_address_v4",
    "listen_address_v6",
    "listen_ipv6",
  ];
  const taken: Array<Bound & { readonly by: string }> = [];
  if (admin !== undefined) taken.push({ ...admin, transport: "tcp", by: "admin_address is" });
  for (const source of sources) {
    const { name, path, own: { listen_port: port } } = source;
    const isBroken = keys.some((key) => broken.has([...path, key]) || broken.has([key]));
    if (port === undefined || isBroken) continue;
    const transports = TRANSPORTS.filter((transport) => serves(source, transport));
    const wanted = listenAddresses(source).flatMap((address) =>
      transports.map((transport) => ({ transport, address, port }))
    );
    for (const one of wanted) {
      const other = taken.find((other) => overlap(one, other));
      if (other === undefined) continue;
      const message = `${formatAddress(one)} is not free: ${other.by} ${formatAddress(other)}`;
      yield { path: [...path, "listen_port"], message };
      break;
    }
    taken.push(...wanted.map((one) => ({ ...one, by: `listener "${name}" listens on` })));
  }
}

interface Bound extends SocketAddress {
  readonly transport: Transport;
}

function overlap(a: Bound, b: Bound): boolean {
  return a.transport === b.transport && a.port === b.port &&
    (a.address === b.address || covers(a.address, b.address) || covers(b.address, a.address));
}

/** Whether listening on `wildcard` takes `address` along; `::` takes IPv4 too. */
function covers(wildcard: string, address: string): boolean {
  return wildcard === "::" || wildcard === "0.0.0.0" && !address.includes(":");
}
