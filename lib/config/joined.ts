/**
 * What the file has once and a {@linkcode Config} in two lists: listeners and entries for both transports.
 *
 * @module
 */

/** What has one name on both transports, or on one. */
export type Joined<Tcp, Udp> =
  | { readonly name: string; readonly tcp: Tcp; readonly udp?: Udp }
  | { readonly name: string; readonly tcp?: undefined; readonly udp: Udp };

/** Joins what has the same name. The lists come from one file, and so does the order: that of both. */
export function joined<
  Tcp extends { readonly name: string },
  Udp extends { readonly name: string },
>(tcp: readonly Tcp[], udp: readonly Udp[]): readonly Joined<Tcp, Udp>[] {
  const twins = new Map(udp.map((each) => [each.name, each]));
  const rest = new Map(twins);
  const all: Joined<Tcp, Udp>[] = [];
  for (const each of tcp) {
    const { name } = each;
    const twin = twins.get(name);
    for (const [before, one] of twin === undefined ? [] : rest) {
      rest.delete(before);
      if (before === name) break;
      all.push({ name: before, udp: one });
    }
    all.push({ name, tcp: each, ...twin && { udp: twin } });
  }
  for (const [name, one] of rest) all.push({ name, udp: one });
  return all;
}
