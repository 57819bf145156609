/**
 * The `config.json` of "L4 Proxy":
 *
 * ```json
 * {
 *   "LISTENER_PORT": "127.0.0.1:8080",
 *   "BACKEND_PORTS": ["127.0.0.1:8081", "127.0.0.1:8082"],
 *   "ACCESS_CONTROL_LIST": ["192.0.2.10"]
 * }
 * ```
 *
 * A connection goes to the backend that has the fewest. Clients that are not on the list are told so in a line of
 * text. Without the list everybody may connect; an empty one would refuse everybody and is an error.
 *
 * @module
 */
import * as v from "valibot";
import { formatHostPort, parseHostPort } from "../addr.ts";
import type { RawTable } from "./document.ts";
import { networks } from "./entry_schema.ts";
import { findingsOf } from "./parse_values.ts";
import type { Finding } from "./problem.ts";
import type { FileTable } from "./schema.ts";
import { key, list, read, requiredKey, table } from "./shapes.ts";
import { parseSocketAddress } from "./values.ts";

/** What a client hears that is not on the list. */
const REFUSAL = "Access denied: this address is not on the access control list.\n";

const l4ProxySchema = table({
  LISTENER_PORT: requiredKey(read(parseSocketAddress), "Where to listen"),
  BACKEND_PORTS: requiredKey(list(read(parseHostPort), "name a backend"), "Backends"),
  ACCESS_CONTROL_LIST: key(
    networks("leave the key out to let everybody in"),
    "Clients that may connect",
  ),
});

const KEYS = ["LISTENER_PORT", "BACKEND_PORTS", "ACCESS_CONTROL_LIST"];

/** Whether a JSON file is one of "L4 Proxy", and not one of sluice's own keys. */
export function isL4Proxy(raw: RawTable): boolean {
  return KEYS.some((key) => Object.hasOwn(raw, key));
}

/** Reads the file as if it had been written with sluice's keys. */
export function readL4Proxy(
  raw: RawTable,
): { readonly file: FileTable; readonly findings: readonly Finding[] } {
  const result = v.safeParse(l4ProxySchema, raw);
  if (!result.success) return { file: {}, findings: result.issues.flatMap(findingsOf) };
  const { LISTENER_PORT: { address, port }, BACKEND_PORTS, ACCESS_CONTROL_LIST } = result.output;
  const backends = new Map(BACKEND_PORTS.map((backend) => [formatHostPort(backend), backend]));
  const file: FileTable = {
    listen_port: port,
    ...address.includes(":")
      ? { listen_address_v4: [], listen_address_v6: [address] }
      : { listen_address_v4: [address] },
    tcp_target: [...backends.values()],
    tcp_load_balance: "least_connections",
    ...ACCESS_CONTROL_LIST && { acl: { allow: ACCESS_CONTROL_LIST, message: REFUSAL } },
  };
  return { file, findings: [] };
}
