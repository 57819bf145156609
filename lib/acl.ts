/**
 * Who may connect: sorted ranges of addresses, and the order in which rules decide.
 *
 * @module
 */
import { type Cidr, formatCidr, type Ip, parseIp } from "./addr.ts";

/** A set of addresses, found by binary search: O(log n) for any number of networks. */
export class AddressSet {
  /** What it was made of, in the order given: equal lists make equal sets. */
  readonly networks: readonly string[];
  readonly #ranges: Readonly<Record<4 | 6, readonly Range[]>>;

  constructor(networks: readonly Cidr[]) {
    this.networks = [...new Set(networks.map(formatCidr))];
    this.#ranges = { 4: ranges(networks, 4), 6: ranges(networks, 6) };
  }

  has(ip: Ip): boolean {
    const ranges = this.#ranges[ip.family];
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]!.last < ip.value) low = middle + 1;
      else high = middle;
    }
    return low < ranges.length && ranges[low]!.first <= ip.value;
  }
}

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** The networks of one family as ascending ranges that do not touch. */
function ranges(networks: readonly Cidr[], family: 4 | 6): readonly Range[] {
  const bits = family === 4 ? 32 : 128;
  const sorted = networks
    .filter(({ ip }) => ip.family === family)
    .map(({ ip, prefix }) => ({
      first: ip.value,
      last: ip.value | (1n << BigInt(bits - prefix)) - 1n,
    }))
    .sort((a, b) => a.first < b.first ? -1 : a.first > b.first ? 1 : 0);
  const merged: Array<{ first: bigint; last: bigint }> = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) before.last = range.last;
  }
  return merged;
}

/** An access-control list. Deny is asked before allow. */
export interface Acl {
  /** Only these may connect; absent: everybody. */
  readonly allow?: AddressSet;
  /** These may not, whatever `allow` says. */
  readonly deny?: AddressSet;
  /** Sent to who is refused, before the connection is closed. */
  readonly message?: string;
}

/** Whether `acl` lets `address` in. An address that cannot be read is refused by any list. */
export function permits(acl: Acl, address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && !acl.deny?.has(ip) && (acl.allow?.has(ip) ?? true);
}
