/**
 * One sluice port with an entry for every protocol of the end-to-end tests, all of them on for every test: a client
 * must find its own backend among them.
 *
 * @module
 */
import { freePort, type Scope } from "../support/children.ts";
import { type Sluice, startSluice } from "./sluice.ts";

/** What an entry matches. */
const ENTRIES = {
  web: `protocol = "http"\nhosts = ["web.example"]`,
  other_web: `protocol = "http"`,
  tls_a: `protocol = "tls"\nserver_names = ["a.example"]`,
  tls_b: `protocol = "tls"\nserver_names = ["b.example"]`,
  tls_dot: `protocol = "tls"\nalpns = ["dot"]`,
  ssh: `protocol = "ssh"`,
  socks4: `protocol = "socks4"`,
  socks5: `protocol = "socks5"`,
  postgres: `protocol = "postgres"`,
  mqtt: `protocol = "mqtt"`,
  redis: `protocol = "redis"`,
} as const;

type Entry = keyof typeof ENTRIES;

export interface OnePort {
  readonly port: number;
  readonly sluice: Sluice;
}

/**
 * Starts it.
 * @param backends Where entries lead, and what no entry takes; those that are not named lead to a closed port.
 * @param more Further entries, in TOML.
 */
export async function startOnePort(
  scope: Scope,
  backends: Readonly<Partial<Record<Entry | "default", number>>>,
  more = "",
): Promise<OnePort> {
  const port = freePort();
  const closed = freePort();
  const target = (name: Entry | "default") => `target = ["127.0.0.1:${backends[name] ?? closed}"]`;
  const entries = (Object.keys(ENTRIES) as Entry[]).map((name) =>
    `[protocols.${name}]\n${ENTRIES[name]}\n${target(name)}`
  );
  const sluice = await startSluice(
    scope,
    [
      `listen_address_v4 = "127.0.0.1"`,
      `listen_port = ${port}`,
      `tcp_${target("default")}`,
      `probe_timeout = "400ms"`,
      ...entries,
      more,
    ].join("\n"),
  );
  return { port, sluice };
}
