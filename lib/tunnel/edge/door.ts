/**
 * Where visitors of names come in: the proxy brings them, and says who they are.
 *
 * @module
 */
import { http } from "../../../probes/http.ts";
import type { Facts } from "../../../probes/probe.ts";
import { tls } from "../../../probes/tls.ts";
import { Head } from "../../head.ts";
import { parseProxyHeader } from "../../proxy_protocol.ts";
import { type Conn, type Deadline, NetError } from "../../runtime/runtime.ts";
import type { Endpoint, Endpoints } from "./endpoints.ts";
import { nameBelow } from "./names.ts";
import type { Server, VisitParts } from "./parts.ts";
import { listenerOf } from "./routes.ts";
import { TcpVisit } from "./tcp_visit.ts";

/** The proxy sends its header, and what it told the protocol by, at once: so long may it take, ms. */
const HEAD_TIMEOUT = 5_000;
/** The largest head that a listener may be configured for, and the header. */
const MOST_HEAD = 1_048_576 + 8192;
/** Most visitors at once whose head has not been read: the proxy has more of its own. */
const MOST_ENTERING = 4096;

export interface DoorParts extends VisitParts {
  readonly endpoints: Endpoints<Server>;
  readonly domain: () => string;
  /** Which no other process knows. */
  readonly key: Uint8Array;
}

/** Takes who comes to the door. */
export class Door {
  readonly #parts: DoorParts;
  readonly #entering = new Set<Conn>();

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** Takes a connection: a visitor, or nobody's. */
  async take(conn: Conn): Promise<void> {
    if (this.#entering.size >= MOST_ENTERING) return conn.close();
    this.#entering.add(conn);
    const head = new Head(MOST_HEAD);
    const deadline = this.#parts.timeouts.start(HEAD_TIMEOUT);
    try {
      const result = await head.parse(conn, deadline, parseProxyHeader);
      const header = result.kind === "match" ? result.header : undefined;
      const listener = header && listenerOf(header.tlvs, this.#parts.key);
      if (header === undefined || listener === undefined) {
        this.#parts.log.debug("somebody else than the proxy has connected to the edge's door");
        return conn.close();
      }
      head.skip(header.length);
      const facts = await this.#facts(conn, head, deadline);
      const { source: client = conn.remote, destination = conn.local } = header;
      // A copy of what there is: the head has room for more, and would be kept as long as the visitor stays.
      const first = head.bytes.slice();
      const visitor = { conn, client, destination, listener, first, ...facts && { facts } };
      new TcpVisit(visitor, facts && this.#find(facts), true, this.#parts);
    } catch (error) {
      conn.close();
      if (!(error instanceof NetError)) throw error;
    } finally {
      this.#entering.delete(conn);
      deadline.cancel();
    }
  }

  /** Turns away who has not said whom he visits. */
  close(): void {
    for (const conn of this.#entering) conn.close();
  }

  /** What the proxy has told already, from the same bytes. */
  async #facts(conn: Conn, head: Head, deadline: Deadline): Promise<Facts | undefined> {
    for (const probe of [tls, http]) {
      const result = await head.parse(conn, deadline, probe);
      if (result.kind === "match") return result.facts;
    }
    return undefined;
  }

  #find({ protocol, serverName, host }: Facts): Endpoint<Server> | undefined {
    const name = nameBelow(this.#parts.domain(), serverName ?? host ?? "");
    if (name === undefined) return undefined;
    return this.#parts.endpoints.get(protocol === "tls" ? "tls" : "http", name);
  }
}
