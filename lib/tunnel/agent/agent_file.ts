/**
 * An agent's file, or what the command line says in its place: text to tables, or everything that is wrong with it.
 *
 * @module
 */
import { locate } from "../../config/locate.ts";
import type { RawTable } from "../../config/document.ts";
import { parseToml } from "../../config/parse_toml.ts";
import { findingsOf, parseValues } from "../../config/parse_values.ts";
import { type Finding, formatPath, formatProblem, type Path } from "../../config/problem.ts";
import { expandVariables } from "../../config/variables.ts";
import type { Environment } from "../../runtime/process.ts";
import { agentSchema, type AgentTable, type EndpointTable } from "./agent_schema.ts";

export type LoadedTable =
  | { readonly ok: true; readonly table: AgentTable }
  /** A line each. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads the text of a file. Pure: reading the files that it names is the caller's. */
export async function loadAgentText(
  text: string,
  file: string,
  env: Environment,
): Promise<LoadedTable> {
  const parsed = parseToml(text.replace(/^\ufeff/, ""));
  if (!parsed.ok) {
    const { position, message } = parsed;
    return { ok: false, problems: [formatProblem({ source: file, position, message })] };
  }
  const { document } = parsed;
  const { table, isExpanded, findings } = expandVariables(document.table, env);
  const understood = understand(table, isExpanded);
  const known = new Set(findings.map(({ path }) => formatPath(path)));
  const wrong = [
    ...findings,
    ...understood.findings.filter(({ path }) => !known.has(formatPath(path))),
  ];
  if (understood.table !== undefined && wrong.length === 0) {
    return { ok: true, table: understood.table };
  }
  return { ok: false, problems: (await locate(wrong, document, file)).map(formatProblem) };
}

/**
 * Reads what the command line says, which has one endpoint.
 * @param nameOf What the user wrote for a key.
 */
export function loadAgentOptions(
  table: RawTable,
  nameOf: (key: string) => string,
): LoadedTable {
  const understood = understand(table, () => true);
  if (understood.table !== undefined && understood.findings.length === 0) {
    return { ok: true, table: understood.table };
  }
  const lines = understood.findings.map(({ path, message }) => {
    const key = path.findLast((step) => typeof step === "string");
    return formatProblem({ source: "command line", key: nameOf(String(key)), message });
  });
  return { ok: false, problems: [...new Set(lines)] };
}

function understand(raw: RawTable, isTyped: (path: Path) => boolean) {
  const result = parseValues(agentSchema, raw, isTyped);
  if (!result.success) return { findings: result.issues.flatMap(findingsOf) };
  const table = result.output;
  return { table, findings: [...checkTrust(table), ...checkEndpoints(table)] };
}

function* checkTrust({ pin, ca, insecure = false }: AgentTable): Iterable<Finding> {
  if (insecure) {
    for (const [key, value] of Object.entries({ pin, ca })) {
      if (value !== undefined) yield about([key], "contradicts insecure = true");
    }
  } else if (pin !== undefined && ca !== undefined) {
    yield about(["ca"], "has no effect beside pin, which is that of one certificate");
  }
}

/** Keys that only some kinds have, and those kinds. */
const KINDS: Readonly<Partial<Record<keyof EndpointTable, readonly string[]>>> = {
  name: ["http", "tls"],
  port: ["tcp", "udp"],
  basic_auth: ["http"],
  basic_auth_file: ["http"],
  forwarded: ["http"],
  host_header: ["http"],
  proxy_protocol: ["http", "tls", "tcp"],
};

function* checkEndpoints({ endpoints }: AgentTable): Iterable<Finding> {
  if (Object.keys(endpoints).length === 0) {
    yield { path: ["endpoints"], message: "is empty: there is nothing to expose" };
  }
  const places = new Map<string, string>();
  for (const [label, endpoint] of Object.entries(endpoints)) {
    const { kind, name, port } = endpoint;
    for (const [key, kinds] of Object.entries(KINDS)) {
      if (endpoint[key as keyof EndpointTable] === undefined || kinds.includes(kind)) continue;
      const message = `is for ${kinds.join(", ")}, and this endpoint is ${kind}`;
      yield about(["endpoints", label, key], message);
    }
    const place = name ?? port;
    if (place === undefined) continue;
    const other = places.get(`${kind} ${place}`);
    if (other !== undefined) {
      const key = name === undefined ? "port" : "name";
      yield { path: ["endpoints", label, key], message: `is that of ${other}, too` };
    }
    places.set(`${kind} ${place}`, formatPath(["endpoints", label]));
  }
}

function about(path: Path, message: string): Finding {
  return { path, message, about: "key" };
}
