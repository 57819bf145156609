/**
 * Whether what an entry says of Encrypted ClientHello belongs together.
 *
 * @module
 */
import type { EntrySource } from "./inherit.ts";
import type { Finding, Path } from "./problem.ts";
import type { EntryTable } from "./schema.ts";

/**
 * Finds lists of configurations that are none, private keys without a configuration, and names that lead to two places.
 * Loads what it takes to tell only where an entry has such a table.
 */
export async function checkEch(entries: readonly EntrySource[]): Promise<readonly Finding[]> {
  const tables = entries.flatMap(({ path, table: { protocol, ech } }) =>
    protocol === "tls" && ech !== undefined ? [{ path: [...path, "ech"], ech }] : []
  );
  const findings: Finding[] = [];
  for (const { path, ech } of tables) {
    findings.push(...await checkKeys(path, ech), ...checkNames(path, ech));
  }
  return findings;
}

type EchTable = NonNullable<EntryTable["ech"]>;

async function checkKeys(path: Path, ech: EchTable): Promise<readonly Finding[]> {
  const { keysOf, parseConfigList } = await import("../ech/config_list.ts");
  try {
    const configs = parseConfigList(ech.ech_config_list);
    return ech.private_keys.flatMap((key, i) => {
      try {
        keysOf(configs, key);
        return [];
      } catch (error) {
        return [finding([...path, "private_keys", i], error)];
      }
    });
  } catch (error) {
    return [finding([...path, "ech_config_list"], error)];
  }
}

function finding(path: Path, error: unknown): Finding {
  if (!(error instanceof SyntaxError)) throw error;
  return { path, message: error.message };
}

function* checkNames(path: Path, ech: EchTable): Iterable<Finding> {
  const seen = new Set<string>();
  for (const [i, { host }] of ech.private_server_names.entries()) {
    if (seen.has(host)) {
      const message = `${host} is in the list already, and a name leads to one place`;
      yield { path: [...path, "private_server_names", i], message };
    }
    seen.add(host);
  }
}
