/**
 * Who is asked about.
 *
 * @module
 */
import { formatIp, parseIp } from "../addr.ts";

/** A client's address, and its port where that is known. */
export interface Client {
  /** An IP address. */
  readonly address: string;
  readonly port?: number;
}

/**
 * The client with its address in canonical form.
 * @throws {SyntaxError} If its address is none.
 */
export function canonical(client: Client): Client {
  const ip = parseIp(client.address);
  if (ip === undefined) throw new SyntaxError(`expected an IP address, got "${client.address}"`);
  return { ...client, address: formatIp(ip) };
}
