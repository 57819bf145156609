/**
 * `sluice health`: for container engines and scripts, which have no client of HTTP at hand.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import { report } from "./config/problem.ts";
import { type ConfigSource, loadFile } from "./config_file.ts";
import { Head } from "./head.ts";
import type { Platform } from "./run.ts";
import { NetError } from "./runtime/runtime.ts";
import { Timeouts } from "./timeouts.ts";

/** How long the connection may take, and then the answer, ms each. */
const PATIENCE = 2000;
/** Most bytes of the answer; more is none of sluice's. */
const MOST_ANSWER = 4096;

/**
 * Asks the sluice that runs with this configuration whether it takes new connections.
 * @returns The exit code: 0 if it does; 1 if not; 2 if there is no telling, because it has no admin endpoint.
 */
export async function health(
  source: ConfigSource,
  { process: { stdout, stderr }, net, clock }: Pick<Platform, "process" | "net" | "clock">,
): Promise<number> {
  const loaded = await loadFile(source);
  if (!loaded.ok) {
    await stderr.write(report(loaded.problems));
    return 2;
  }
  const { admin } = loaded.config;
  if (admin === undefined) {
    await stderr.write("error: admin_address is not set, so there is nowhere to ask\n");
    return 2;
  }
  try {
    const { status, body } = await ask(admin, { net, clock });
    await stdout.write(body);
    return status === 200 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    await stderr.write(`error: ${formatAddress(admin)}: ${error.message}\n`);
    return 1;
  }
}

/** @throws {NetError} If there is no answer. */
async function ask(admin: SocketAddress, { net, clock }: Pick<Platform, "net" | "clock">) {
  const timeouts = new Timeouts(clock);
  const conn = await net.connect(ownAddress(admin), { timeout: PATIENCE });
  try {
    await conn.write(new TextEncoder().encode("GET /readyz HTTP/1.1\r\nHost: sluice\r\n\r\n"));
    const head = new Head(MOST_ANSWER);
    await head.fill(conn, MOST_ANSWER, timeouts.start(PATIENCE));
    const text = new TextDecoder().decode(head.bytes);
    const [, status, body] = /^HTTP\/1\.1 (\d{3}) .*?\r\n\r\n(.*)$/s.exec(text) ?? [];
    if (status === undefined || body === undefined) {
      throw new NetError("timeout", "no answer of sluice's");
    }
    return { status: Number(status), body };
  } finally {
    conn.close();
    timeouts.close();
  }
}

/** Where this machine reaches what listens on all of its addresses. */
function ownAddress({ address, port }: SocketAddress): SocketAddress {
  if (address === "0.0.0.0") return { address: "127.0.0.1", port };
  if (address === "::") return { address: "::1", port };
  return { address, port };
}
