/**
 * What is wrong within one protocol entry.
 *
 * @module
 */
import { formatHostPort } from "../addr.ts";
import { PROTOCOLS, UDP_PROTOCOLS } from "./entry_schema.ts";
import { DEFAULT_NAME, type EntrySource, type ListenerSource } from "./inherit.ts";
import { type Finding, formatKey, type Path } from "./problem.ts";
import type { EntryTable, TargetTable } from "./schema.ts";
import type { Broken } from "./validate.ts";

const TCP_PROTOCOLS = PROTOCOLS.filter((protocol) => !UDP_PROTOCOLS.includes(protocol));

/** Keys that only some protocols can serve. */
const SERVED_BY: Partial<Record<keyof EntryTable, readonly string[]>> = {
  server_names: ["tls", "quic"],
  alpns: ["tls", "quic"],
  alpn: ["tls", "quic"],
  ech: ["tls"],
  hosts: ["http"],
  patterns: ["regex"],
  min_length: ["regex"],
  idle_lifetime: UDP_PROTOCOLS,
  send_proxy_protocol: TCP_PROTOCOLS,
};

/** Keys about backends. */
const FORWARD_KEYS = [
  "target",
  "load_balance",
  "send_proxy_protocol",
  "ech",
  "idle_lifetime",
] as const;

/** Finds keys that are missing, have no effect or contradict each other. */
export function* checkEntry(
  entry: EntrySource,
  keys: ListenerSource["keys"],
  broken: Broken,
): Iterable<Finding> {
  const { name, path, table } = entry;
  if (name === DEFAULT_NAME) {
    const message = `"${name}" is the name of the default target: choose another one`;
    yield { path, message, about: "key" };
  }
  yield* checkRequired(entry, broken);
  yield* checkServed(path, table);
  yield* checkTargets([...path, "target"], table.target ?? []);
  if (table.alpns !== undefined && table.alpn !== undefined) {
    const message = "is the same key as alpns: keep one of them";
    yield { path: [...path, "alpn"], message, about: "key" };
  }
  for (const key of table.action === "reject" ? FORWARD_KEYS : []) {
    if (table[key] === undefined) continue;
    yield { path: [...path, key], message: 'has no effect with action = "reject"', about: "key" };
  }
  if (table.min_length !== undefined && table.min_length > keys.probe_max_bytes) {
    const message = `is more than probe_max_bytes (${keys.probe_max_bytes})`;
    yield { path: [...path, "min_length"], message };
  }
}

function* checkRequired({ path, table }: EntrySource, broken: Broken): Iterable<Finding> {
  const isMissing = (key: keyof EntryTable) =>
    table[key] === undefined && !broken.has([...path, key]);
  if (isMissing("protocol")) {
    const message = `is missing: one of ${PROTOCOLS.join(", ")}`;
    yield { path: [...path, "protocol"], message };
  }
  if (table.action !== "reject" && isMissing("target") && !broken.has([...path, "action"])) {
    const message = 'is missing: a list of "host:port"; or say action = "reject"';
    yield { path: [...path, "target"], message };
  }
  if (table.protocol === "regex" && isMissing("patterns")) {
    yield { path: [...path, "patterns"], message: "is missing: a list of regular expressions" };
  }
}

function* checkServed(path: Path, table: EntryTable): Iterable<Finding> {
  const { protocol } = table;
  if (protocol === undefined) return;
  for (const [key, protocols] of Object.entries(SERVED_BY)) {
    if (!(key in table) || protocols.includes(protocol)) continue;
    const served = protocols === TCP_PROTOCOLS ? "protocols on TCP" : protocols.join(" and ");
    const message = `is for ${served}, and this entry is for ${formatKey(protocol)}`;
    yield { path: [...path, key], message, about: "key" };
  }
}

/** Finds backends that a pool names twice. */
export function* checkTargets(path: Path, targets: readonly TargetTable[]): Iterable<Finding> {
  const seen = new Set<string>();
  for (const [i, target] of targets.entries()) {
    const name = formatHostPort(target);
    if (seen.has(name)) {
      const message = `${name} is in the list already; for a larger share write ` +
        `{ address = "${name}", weight = 2 }`;
      yield { path: [...path, i], message };
    }
    seen.add(name);
  }
}
