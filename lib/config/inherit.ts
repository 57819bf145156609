/**
 * From a file to its listeners: the top level is one if it has a port, and each other takes from it what it does
 * not set itself.
 *
 * @module
 */
import { LISTENER_DEFAULTS } from "./defaults.ts";
import { comparePositions, type Locator, type Path } from "./problem.ts";
import { PROTOCOLS_ON, type Transport, TRANSPORTS } from "./protocols.ts";
import type { EdgeTable, EntryTable, FileTable, ListenerTable } from "./schema.ts";
import type { Broken } from "./validate.ts";

/** A listener as the file describes it. */
export interface ListenerSource {
  readonly name: string;
  readonly path: Path;
  /** What its own table says. */
  readonly own: ListenerTable;
  /** What holds for it, inherited keys and defaults included. */
  readonly keys: ListenerTable & Presets;
  readonly entries: readonly EntrySource[];
}

type Presets = Required<Pick<ListenerTable, keyof typeof LISTENER_DEFAULTS>>;

/** A protocol entry as the file describes it. */
export interface EntrySource {
  readonly name: string;
  readonly path: Path;
  readonly table: EntryTable;
}

/** The listener that the top level describes. */
export const DEFAULT_NAME = "default";

/** Keys that describe one listener alone. */
export const OWN_KEYS = [
  "listen_port",
  "tcp_target",
  "udp_target",
  "tcp_max_connections",
  "udp_max_connections",
  "protocols",
  "protocol",
] as const satisfies readonly (keyof ListenerTable)[];

/**
 * The listeners of a file, the top level first.
 * @param broken Keys that the file has, and wrong.
 * @param locate Where things stand, if {@linkcode losesOrder} says that it is needed.
 */
export function listenerSources(
  file: FileTable,
  broken: Broken,
  locate?: Locator,
): readonly ListenerSource[] {
  const sources: ListenerSource[] = [];
  const named = inOrder(
    Object.entries(file.listeners ?? {})
      .map(([name, own]) => ({ name, path: ["listeners", name], own })),
    locate,
  );
  const hasPort = file.listen_port !== undefined || broken.has(["listen_port"]);
  const hasEdge = file.edge !== undefined || broken.has(["edge"]);
  if (hasPort || named.length === 0 && !hasEdge) {
    const keys = { ...LISTENER_DEFAULTS, ...file };
    const entries = entrySources(file, [], locate);
    sources.push({ name: DEFAULT_NAME, path: [], own: file, keys, entries });
  }
  const shared: ListenerTable = { ...file };
  for (const key of OWN_KEYS) delete shared[key];
  for (const { name, path, own } of named) {
    const keys = { ...LISTENER_DEFAULTS, ...shared, ...own };
    // Its own "no IPv6" is about the addresses that it would inherit too.
    if (own.listen_ipv6 === false && !own.listen_address_v6) delete keys.listen_address_v6;
    sources.push({ name, path, own, keys, entries: entrySources(own, path, locate) });
  }
  return sources;
}

function entrySources(own: ListenerTable, path: Path, locate?: Locator): readonly EntrySource[] {
  const entries = (["protocols", "protocol"] as const).flatMap((alias) =>
    Object.entries(own[alias] ?? {})
      .map(([name, table]): EntrySource => ({ name, path: [...path, alias, name], table }))
  );
  return inOrder(entries, locate);
}

/** Sorts what has a path as in the file. */
function inOrder<Item extends { readonly path: Path }>(
  items: Item[],
  locate: Locator | undefined,
): Item[] {
  return locate === undefined
    ? items
    : items.sort((a, b) => comparePositions(locate(a.path), locate(b.path)));
}

/** Whether the values alone do not tell the order of the file: numbers as names come first in objects, whatever the file says. */
export function losesOrder(file: FileTable): boolean {
  const mixes = ({ protocols, protocol }: ListenerTable) =>
    protocols !== undefined && protocol !== undefined ||
    hasNumber(protocols ?? protocol ?? {});
  return mixes(file) || hasNumber(file.listeners ?? {}) ||
    Object.values(file.listeners ?? {}).some(mixes);
}

function hasNumber(table: object): boolean {
  return Object.keys(table).some((name) => /^\d+$/.test(name));
}

/** Where the value that holds for a listener was written. */
export function pathOf({ path, own }: ListenerSource, key: keyof ListenerTable): Path {
  return key in own ? [...path, key] : [key];
}

/** The transports that an entry is for; both where it does not tell, because its protocol is wrong. */
export function transportsOf(
  { table: { protocol, transport } }: EntrySource,
): readonly Transport[] {
  if (transport !== undefined) return [transport];
  return TRANSPORTS.filter((each) =>
    protocol === undefined || PROTOCOLS_ON[each].includes(protocol)
  );
}

/** A listener's entries for a transport, in the order of the file. */
export function entriesOn(
  { entries }: ListenerSource,
  transport: Transport,
): readonly EntrySource[] {
  return entries.filter((entry) => transportsOf(entry).includes(transport));
}

/** What a listener listens on, IPv4 first. */
export function listenAddresses({ keys }: ListenerSource): readonly string[] {
  return [
    ...keys.listen_address_v4,
    ...keys.listen_address_v6 ?? (keys.listen_ipv6 ? ["::"] : []),
  ];
}

/** What the edge listens on for agents, and for endpoints on ports; IPv4 first. */
export function edgeAddresses(edge: EdgeTable, file: FileTable): readonly string[] {
  const top = { ...LISTENER_DEFAULTS, ...file };
  return [
    ...edge.listen_address_v4 ?? top.listen_address_v4,
    ...edge.listen_address_v6 ?? top.listen_address_v6 ?? (top.listen_ipv6 ? ["::"] : []),
  ];
}

/** Whether a listener takes visitors of the tunnel, and agents. */
export function takesVisitors(source: ListenerSource, { listeners }: EdgeTable): boolean {
  return serves(source, "tcp") && (listeners?.includes(source.name) ?? true);
}

/** Whether a listener has anything to do on a transport; where nothing tells, it is TCP. */
export function serves(source: ListenerSource, transport: Transport): boolean {
  return opens(source, transport) || transport === "tcp" && !opens(source, "udp");
}

function opens(source: ListenerSource, transport: Transport): boolean {
  return source.own[`${transport}_target`] !== undefined ||
    // To refuse on a transport is no reason to listen there, unless the entry is for that one.
    entriesOn(source, transport).some((entry) =>
      entry.table.action !== "reject" || transportsOf(entry).length === 1
    );
}
