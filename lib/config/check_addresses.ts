/**
 * Addresses that cannot be listened on together.
 *
 * @module
 */
import { formatHostPort } from "../addr.ts";
import { listenAddresses, type ListenerSource } from "./inherit.ts";
import type { Finding } from "./problem.ts";
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

/** Finds listeners that want the same address and port; one that listens on all addresses has each of them. */
export function* checkSharedAddresses(
  sources: readonly ListenerSource[],
  broken: Broken,
): Iterable<Finding> {
  const keys: readonly (keyof ListenerTable)[] = [
    "listen_address_v4",
    "listen_address_v6",
    "listen_ipv6",
  ];
  const taken: Array<{ name: string; address: string; port: number }> = [];
  for (const source of sources) {
    const { name, path, own: { listen_port: port } } = source;
    const isBroken = keys.some((key) => broken.has([...path, key]) || broken.has([key]));
    if (port === undefined || isBroken) continue;
    const wanted = listenAddresses(source).map((address) => ({ name, address, port }));
    for (const one of wanted) {
      const other = taken.find((other) => overlap(one, other));
      if (other === undefined) continue;
      const message = `${bound(one)} is not free: listener "${other.name}" listens on ${
        bound(other)
      }`;
      yield { path: [...path, "listen_port"], message };
      break;
    }
    taken.push(...wanted);
  }
}

interface Bound {
  readonly address: string;
  readonly port: number;
}

function overlap(a: Bound, b: Bound): boolean {
  return a.port === b.port &&
    (a.address === b.address || covers(a.address, b.address) || covers(b.address, a.address));
}

/** Whether listening on `wildcard` takes `address` along; `::` takes IPv4 too. */
function covers(wildcard: string, address: string): boolean {
  return wildcard === "::" || wildcard === "0.0.0.0" && !address.includes(":");
}

function bound({ address, port }: Bound): string {
  return formatHostPort({ host: address, port });
}
