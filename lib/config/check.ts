/**
 * What no single value shows: keys that contradict each other, are missing, or have no effect where they stand.
 *
 * @module
 */
import { TOP_DEFAULTS } from "./defaults.ts";
import { formatDuration } from "./duration.ts";
import { checkAddresses, checkSharedAddresses } from "./check_addresses.ts";
import { checkEdge } from "./check_edge.ts";
import { checkEntry, checkTargets } from "./check_entry.ts";
import {
  DEFAULT_NAME,
  entriesOn,
  type ListenerSource,
  OWN_KEYS,
  pathOf,
  serves,
  takesVisitors,
} from "./inherit.ts";
import { type Finding, formatPath } from "./problem.ts";
import type { FileTable } from "./schema.ts";
import { didYouMean } from "./suggest.ts";
import { checkReach } from "./unreachable.ts";
import type { Broken } from "./validate.ts";

/**
 * Finds what is wrong between the keys of a file.
 * @param broken Keys that are not in `file` because their values were wrong: that they are missing is no news.
 */
export function check(
  file: FileTable,
  sources: readonly ListenerSource[],
  broken: Broken,
): readonly Finding[] {
  return [
    ...checkTop(file, sources),
    ...sources.flatMap((source) => [...checkListener(source, file, broken)]),
    ...checkTrust(sources, broken),
    ...checkMemory(file, sources, broken),
    ...checkEdge(file.edge, sources),
    ...checkSharedAddresses(file, sources, broken),
  ];
}

function* checkTop(file: FileTable, sources: readonly ListenerSource[]): Iterable<Finding> {
  if (file.engine === "portable" && (file.threads ?? 1) !== 1) {
    const message = 'has no effect: engine "portable" serves in one thread';
    yield { path: ["threads"], message, about: "key" };
  }
  const { dns_cache_min_ttl: min, dns_cache_max_ttl: max } = { ...TOP_DEFAULTS, ...file };
  if (min > max) {
    const key = file.dns_cache_min_ttl === undefined ? "dns_cache_max_ttl" : "dns_cache_min_ttl";
    const message = `the least time (${formatDuration(min)}) is longer than the longest ` +
      `(${formatDuration(max)})`;
    yield { path: [key], message };
  }
  if (sources.every(({ path }) => path.length > 0)) {
    yield* checkAddresses({ path: [], own: file });
    for (const key of OWN_KEYS) {
      if (file[key] === undefined || key.endsWith("_max_connections")) continue;
      const message =
        "has no effect: the top level has no listen_port, and listeners do not take it over";
      yield { path: [key], message, about: "key" };
    }
  }
  if (sources.some(({ path }) => path.length === 0) && file.listeners?.[DEFAULT_NAME]) {
    const message = `"${DEFAULT_NAME}" is the listener of the top level: choose another name`;
    yield { path: ["listeners", DEFAULT_NAME], message, about: "key" };
  }
}

function* checkListener(
  source: ListenerSource,
  { edge }: FileTable,
  broken: Broken,
): Iterable<Finding> {
  const { path, own, keys, entries } = source;
  if (own.listen_port === undefined && !broken.has([...path, "listen_port"])) {
    yield { path: [...path, "listen_port"], message: "is missing: on which port to listen" };
  }
  const work = ["tcp_target", "udp_target", "protocols", "protocol"] as const;
  const hasWork = work.some((key) => broken.touches([...path, key])) || entries.length > 0 ||
    own.tcp_target !== undefined || own.udp_target !== undefined ||
    (edge === undefined ? broken.has(["edge"]) : takesVisitors(source, edge));
  if (!hasWork) {
    yield {
      path,
      message: "nothing to do: expected tcp_target, udp_target, or entries in protocols",
    };
  }
  yield* checkAddresses(source);
  yield* checkTimeoutAnswer(source);
  yield* checkTargets([...path, "tcp_target"], own.tcp_target ?? []);
  yield* checkTargets([...path, "udp_target"], own.udp_target ?? []);
  for (const entry of entries) yield* checkEntry(entry, keys, broken);
  for (const name of Object.keys(own.protocol ?? {})) {
    if (!Object.hasOwn(own.protocols ?? {}, name)) continue;
    const message = `is there already, as ${formatPath([...path, "protocols", name])}`;
    yield { path: [...path, "protocol", name], message, about: "key" };
  }
  yield* checkReach(source, broken);
}

function* checkTimeoutAnswer(source: ListenerSource): Iterable<Finding> {
  const { path, own, keys: { on_probe_timeout: answer }, entries } = source;
  if (answer === "default" || answer === "close") return;
  // The question does not come up on UDP, where the top level's answer is no concern of a listener's.
  if (!serves(source, "tcp") && own.on_probe_timeout === undefined) return;
  const names = entriesOn(source, "tcp").map(({ name }) => name);
  if (names.includes(answer)) return;
  const where = path.length === 0 ? "" : ` of ${formatPath(path)}`;
  yield {
    path: pathOf(source, "on_probe_timeout"),
    message: entries.some(({ name }) => name === answer)
      ? `"${answer}" is an entry for UDP; expected one for TCP, "default" or "close"`
      : `expected "default", "close" or the name of a protocol entry${where}, got "${answer}"` +
        didYouMean(answer, ["default", "close", ...names]),
  };
}

/** Whom to believe without a header to believe, and the other way round. */
function* checkTrust(sources: readonly ListenerSource[], broken: Broken): Iterable<Finding> {
  const used = new Set<string>();
  const unused = new Map<string, Finding>();
  for (const source of sources) {
    const { path, keys: { tcp_recv_proxy_protocol: receives, tcp_trusted_proxies: trusted } } =
      source;
    const isBroken = (["tcp_recv_proxy_protocol", "tcp_trusted_proxies"] as const)
      .some((key) => broken.has([...path, key]) || broken.has([key]));
    if (isBroken) return;
    const list = pathOf(source, "tcp_trusted_proxies");
    if (receives && trusted === undefined) {
      const message = "needs tcp_trusted_proxies: whose headers to believe";
      yield { path: pathOf(source, "tcp_recv_proxy_protocol"), message, about: "key" };
    } else if (receives) {
      used.add(formatPath(list));
    } else if (trusted !== undefined) {
      const message = "has no effect without tcp_recv_proxy_protocol = true";
      unused.set(formatPath(list), { path: list, message, about: "key" });
    }
  }
  for (const [key, finding] of unused) {
    if (!used.has(key)) yield finding;
  }
}

/** How long to remember where nobody is followed; for a key that several listeners take over, one that follows is enough. */
function* checkMemory(
  file: FileTable,
  sources: readonly ListenerSource[],
  broken: Broken,
): Iterable<Finding> {
  const told = sources.filter(({ own }) => (own.flow_memory ?? file.flow_memory) !== undefined);
  const byKey = Map.groupBy(told, (source) => formatPath(pathOf(source, "flow_memory")));
  for (const [first, ...others] of byKey.values()) {
    const isOff = ({ path, keys }: ListenerSource) =>
      !keys.follow_clients && !broken.has([...path, "follow_clients"]);
    if (first === undefined || ![first, ...others].every(isOff)) continue;
    const message = "has no effect with follow_clients = false";
    yield { path: pathOf(first, "flow_memory"), message, about: "key" };
  }
}
