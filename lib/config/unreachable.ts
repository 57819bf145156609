/**
 * Entries that no connection can get to, because earlier ones take everything that they would.
 *
 * Routing asks the entries of a protocol in classes (name and ALPN, name, ALPN, neither), and in a class in the order
 * of the file (`routing.ts`). An entry cannot cover one of another class: it asks for something that the other does
 * not, and is asked later where it asks for less. So each class is looked at alone, on each transport; an entry that
 * gets something on one of its transports is reached.
 *
 * @module
 */
import {
  entriesOn,
  type EntrySource,
  type ListenerSource,
  serves,
  transportsOf,
} from "./inherit.ts";
import { type Finding, formatPath } from "./problem.ts";
import { ENTRY_DEFAULTS } from "./defaults.ts";
import { type Transport, TRANSPORTS } from "./protocols.ts";
import type { EntryTable } from "./schema.ts";
import type { Broken } from "./validate.ts";

/** What an entry asks of a connection, of which any part will do; empty lists ask for nothing. */
interface Conditions {
  /** Entries with different ones never take from each other. */
  readonly class: string;
  /** The key that holds `names`. */
  readonly key: "server_names" | "hosts" | "dns_names" | "patterns";
  readonly names: readonly string[];
  readonly alpns: readonly string[];
}

/** Finds entries, and parts of entries, that are never reached, and a default target behind `any`. */
export function* checkReach(source: ListenerSource, broken: Broken): Iterable<Finding> {
  const served = TRANSPORTS.filter((transport) => serves(source, transport));
  const claims = new Map<string, Claims>();
  for (const entry of source.entries) {
    const conditions = conditionsOf(entry, broken);
    if (conditions === undefined) continue;
    const transports = transportsOf(entry).filter((transport) => served.includes(transport));
    const earlier = transports.map((transport) => {
      const group = `${transport} ${conditions.class}`;
      const all = claims.get(group) ?? new Claims();
      claims.set(group, all);
      return all;
    });
    yield* reached(entry, conditions, earlier);
    for (const group of earlier) group.add(entry, conditions);
  }
  for (const transport of served) yield* checkTarget(source, transport);
}

function* checkTarget(source: ListenerSource, transport: Transport): Iterable<Finding> {
  const any = entriesOn(source, transport).find(({ table }) => table.protocol === "any");
  const key = `${transport}_target` as const;
  if (any === undefined || source.own[key] === undefined) return;
  const message = `is never reached: ${formatPath(any.path)} takes all that no other entry takes`;
  // Whoever knows `any` from TCP may not have thought of UDP.
  const hint = transport === "udp" && any.table.transport === undefined
    ? '; if that is for TCP alone, add transport = "tcp" to it'
    : "";
  yield { path: [...source.path, key], message: message + hint, about: "key" };
}

const CONDITION_KEYS = [
  "protocol",
  "server_names",
  "alpns",
  "alpn",
  "hosts",
  "dns_names",
  "transport",
  "patterns",
  "min_length",
] as const satisfies readonly (keyof EntryTable)[];

/** `undefined` for an entry whose conditions are not known, because something is wrong with them. */
function conditionsOf({ path, table }: EntrySource, broken: Broken): Conditions | undefined {
  const { protocol } = table;
  if (protocol === undefined || CONDITION_KEYS.some((key) => broken.has([...path, key]))) {
    return undefined;
  }
  if (protocol === "regex") {
    const names = table.patterns?.map(({ source }) => source);
    if (names === undefined) return undefined;
    const length = table.min_length ?? ENTRY_DEFAULTS.min_length;
    return { class: `regex ${length}`, key: "patterns", names, alpns: [] };
  }
  const key = protocol === "http" ? "hosts" : protocol === "dns" ? "dns_names" : "server_names";
  const names = table[key] ?? [];
  const alpns = table.alpns ?? table.alpn ?? [];
  return { class: `${protocol} ${names.length > 0} ${alpns.length > 0}`, key, names, alpns };
}

/** @param claims What earlier entries take, on each transport. */
function* reached(
  entry: EntrySource,
  { key, names, alpns }: Conditions,
  claims: readonly Claims[],
): Iterable<Finding> {
  const takers = (names.length > 0 ? names : [ALL]).map((name) =>
    (alpns.length > 0 ? alpns : [ALL]).flatMap((alpn) =>
      claims.map((earlier) => earlier.taker(name, alpn))
    )
  );
  const all = takers.flat();
  if (all.every((taker) => taker !== undefined)) {
    const kind = transportsOf(entry).includes("tcp") ? "connection" : "client";
    const { list, take } = named(all);
    const message = `never gets a ${kind}: ${list}, earlier in the file, ${take} all that it would`;
    yield { path: entry.path, message, about: "key" };
    return;
  }
  for (const [i, row] of takers.entries()) {
    if (!row.every((taker) => taker !== undefined)) continue;
    const { list, take } = named(row);
    const message = `"${names[i]}" never gets here: ${list} ${take} it`;
    yield { path: [...entry.path, key, i], message, isWarning: true };
  }
}

/** Who takes something, in words. */
function named(takers: readonly EntrySource[]) {
  const names = [...new Set(takers.map(({ path }) => formatPath(path)))];
  return { list: names.join(" and "), take: names.length > 1 ? "take" : "takes" };
}

/** Stands for a condition that is not there. */
const ALL = "";

/** What earlier entries of a class take. */
class Claims {
  readonly #byName = new Map<string, Array<{ entry: EntrySource; alpns: readonly string[] }>>();

  add(entry: EntrySource, { names, alpns }: Conditions): void {
    for (const name of names.length > 0 ? names : [ALL]) {
      this.#byName.set(name, [...this.#byName.get(name) ?? [], { entry, alpns }]);
    }
  }

  /** The first entry that takes what has this name, or one of these names, and offers this alone. */
  taker(name: string, alpn: string): EntrySource | undefined {
    return covering(name)
      .flatMap((pattern) => this.#byName.get(pattern) ?? [])
      .find(({ alpns }) => alpn === ALL || alpns.includes(alpn))?.entry;
  }
}

/** The patterns that cover a name or a wildcard: itself, and the wildcards above it. */
function covering(name: string): readonly string[] {
  const labels = name.split(".");
  return [name, ...labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join(".")}`)];
}
