/**
 * All addresses of the machine for a port of datagrams, where the runtime does not show which one a datagram was sent
 * to.
 *
 * @module
 */
import type { SocketAddress } from "../addr.ts";
import { NetError } from "./runtime.ts";

/** How often another port is tried when the system chose one that somebody took before it was bound everywhere. */
const PORTS_TRIED = 8;

/** A bound socket. */
export interface Bound {
  readonly port: number;
  close(): void;
}

/** What it takes of a runtime. */
export interface Opener<Socket extends Bound> {
  /**
   * @param reuseAddress Whether others that reuse it too may stand beside it.
   * @throws {NetError}
   */
  open(at: SocketAddress, reuseAddress: boolean): Socket;
  /** The addresses that the machine has now, of both families. */
  readonly addresses: () => readonly string[];
}

/** A socket, and the address that its datagrams are sent to: known unless it is a wildcard. */
export interface Opened<Socket> {
  readonly address: string;
  readonly socket: Socket;
}

/**
 * Opens a port. All addresses (`0.0.0.0`, `::`, which takes IPv4 too) are a socket for each address that the machine has
 * now, and answers leave from there, and one for the rest: addresses that come later, link-local ones, broadcasts. From
 * that one, the last, the system chooses the address of the answer.
 * @throws {NetError}
 */
export function openPort<Socket extends Bound>(
  at: SocketAddress,
  opener: Opener<Socket>,
): readonly Opened<Socket>[] {
  const { address } = at;
  return isWildcard(address) ? openAll(at, opener) : [{ address, socket: opener.open(at, false) }];
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function openAll<Socket extends Bound>(
  at: SocketAddress,
  opener: Opener<Socket>,
): readonly Opened<Socket>[] {
  for (let tried = 1;; tried++) {
    // Sockets of one port may stand beside each other only if they all reuse it, and such would also stand beside
    // another program's: so first see that it is free.
    const first = opener.open(at, false);
    const { port } = first;
    first.close();
    try {
      return openEach([...behind(at.address, opener.addresses()), at.address], port, opener);
    } catch (error) {
      const isTaken = error instanceof NetError && error.code === "in_use";
      if (!isTaken || at.port !== 0 || tried === PORTS_TRIED) throw error;
    }
  }
}

/** Link-local ones cannot do without their zone. */
function behind(wildcard: string, addresses: readonly string[]): ReadonlySet<string> {
  return new Set(
    addresses.filter((address) =>
      (wildcard === "::" || !address.includes(":")) && !/^fe[89ab]/.test(address)
    ),
  );
}

function openEach<Socket extends Bound>(
  addresses: readonly string[],
  port: number,
  opener: Opener<Socket>,
): readonly Opened<Socket>[] {
  const opened: Opened<Socket>[] = [];
  for (const address of addresses) {
    try {
      opened.push({ address, socket: opener.open({ address, port }, true) });
    } catch (error) {
      // It is gone meanwhile, or not ready yet.
      if (error instanceof NetError && error.code === "unavailable" && !isWildcard(address)) {
        continue;
      }
      for (const { socket } of opened) socket.close();
      throw error;
    }
  }
  return opened;
}
