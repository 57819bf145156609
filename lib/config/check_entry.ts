/**
 * What is wrong within one protocol entry.
 *
 * @module
 */
import { formatHostPort } from "../addr.ts";
import { DEFAULT_NAME, type EntrySource, type ListenerSource, transportsOf } from "./inherit.ts";
import { type Finding, formatKey, type Path } from "./problem.ts";
import { PROTOCOLS, PROTOCOLS_ON, type Transport } from "./protocols.ts";
import type { EntryTable, TargetTable } from "./schema.ts";
import type { Broken } from "./validate.ts";

/** Keys that only some protocols can serve. */
const SERVED_BY: Partial<Record<keyof EntryTable, readonly string[]>> = {
  server_names: ["tls", "quic", "dtls"],
  alpns: ["tls", "quic", "dtls"],
  alpn: ["tls", "quic", "dtls"],
  ech: ["tls"],
  hosts: ["http"],
  dns_names: ["dns"],
  patterns: ["regex"],
  min_length: ["regex"],
};

/** Keys that only one transport can serve. */
const SERVED_ON: Partial<Record<keyof EntryTable, Transport>> = {
  idle_lifetime: "udp",
  reply_timeout: "udp",
  send_proxy_protocol: "tcp",
};

/** Keys about backends. */
const FORWARD_KEYS = [
  "target",
  "load_balance",
  "send_proxy_protocol",
  "ech",
  "idle_lifetime",
  "reply_timeout",
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
  yield* checkTransport(path, table);
  yield* checkServed(entry);
  yield* checkTargets([...path, "target"], table.target ?? []);
  if (table.alpns !== undefined && table.alpn !== undefined) {
    const message = "is the same key as alpns: keep one of them";
    yield { path: [...path, "alpn"], message, about: "key" };
  }
  for (const key of table.action === "reject" ? FORWARD_KEYS : []) {
    if (table[key] === undefined) continue;
    yield { path: [...path, key], message: 'has no effect with action = "reject"', about: "key" };
  }
  if (
    transportsOf(entry).includes("tcp") && table.min_length !== undefined &&
    table.min_length > keys.probe_max_bytes
  ) {
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

function* checkTransport(path: Path, { protocol, transport }: EntryTable): Iterable<Finding> {
  if (protocol === undefined || transport === undefined) return;
  if (PROTOCOLS_ON[transport].includes(protocol)) return;
  const other = transport === "tcp" ? "udp" : "tcp";
  const message = `expected "${other}", got "${transport}": ${protocol} is on ${
    nameOf(other)
  } alone`;
  yield { path: [...path, "transport"], message };
}

function* checkServed(entry: EntrySource): Iterable<Finding> {
  const { path, table } = entry;
  const { protocol, transport } = table;
  if (protocol === undefined) return;
  const about = formatKey(protocol) + (transport === undefined ? "" : ` on ${nameOf(transport)}`);
  for (const [key, protocols] of Object.entries(SERVED_BY)) {
    if (!(key in table) || protocols.includes(protocol)) continue;
    const message = `is for ${listed(protocols)}, and this entry is for ${about}`;
    yield { path: [...path, key], message, about: "key" };
  }
  for (const [key, on] of Object.entries(SERVED_ON)) {
    if (!(key in table) || transportsOf(entry).includes(on)) continue;
    const message = `is for protocols on ${nameOf(on)}, and this entry is for ${about}`;
    yield { path: [...path, key], message, about: "key" };
  }
  if (table.load_balance === "quic_cid" && protocol !== "quic") {
    const message = `"quic_cid" is for quic, and this entry is for ${about}`;
    yield { path: [...path, "load_balance"], message };
  }
}

/** Words as in a sentence: `a, b and c`. */
function listed(words: readonly string[]): string {
  return words.join(", ").replace(/, ([^,]*)$/, " and $1");
}

function nameOf(transport: Transport): string {
  return transport.toUpperCase();
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
