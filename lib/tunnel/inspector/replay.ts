/**
 * A request that was kept, sent to the service once more.
 *
 * @module
 */
import { type Clock, type Conn, NetError } from "../../runtime/runtime.ts";
import type { Timeouts } from "../../timeouts.ts";
import type { Exchange, OnExchange } from "../http/exchange.ts";
import { fromLatin1 } from "../http/head.ts";
import { concat } from "../http/passed.ts";
import { HttpTap } from "../http/tap.ts";
import { KEPT_OF_A_BODY } from "./store.ts";

/** How long a replay may take, ms. */
const PATIENCE = 60_000;

/** What belonged to the connection, or to how the body was framed (RFC 9110 §7.6.1). */
const LEFT_OUT = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
]);

/** Why an exchange cannot be replayed, in words; `undefined` if it can. */
export function obstacleTo(
  { request, requestBody, upgradedTo, outcome }: Exchange,
): string | undefined {
  if (upgradedTo !== undefined) return "it became a connection of another protocol";
  if (request.method === "-" || request.method === "CONNECT") {
    return "it is no request that stands alone";
  }
  if (outcome === undefined) return "it is not over";
  if (!requestBody.isWhole) return "its body was not kept in full";
  return undefined;
}

/** The request as it is sent, its body with a length of its own. */
export function requestBytes({ request, requestBody }: Exchange): Uint8Array {
  const { method, target, version, fields } = request;
  const kept = fields.filter(([name]) => !LEFT_OUT.has(name.toLowerCase()));
  const hadBody = fields.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  const head = [
    `${method} ${target} HTTP/${version}`,
    ...kept.map(([name, value]) => `${name}: ${value}`),
    ...hadBody ? [`Content-Length: ${requestBody.length}`] : [],
    "Connection: close",
    "",
    "",
  ];
  return concat([fromLatin1(head.join("\r\n")), requestBody.bytes]);
}

/**
 * Sends the request of `exchange` over `conn`, which it closes, and tells of the new exchange.
 * @returns When that one is over, or has taken too long. Never rejects.
 */
export async function replay(
  exchange: Exchange,
  conn: Conn,
  { clock, timeouts, onExchange }: {
    readonly clock: Clock;
    readonly timeouts: Timeouts;
    readonly onExchange: OnExchange;
  },
): Promise<void> {
  const limit = timeouts.start(PATIENCE, () => conn.close());
  let isOver = false;
  const tap = new HttpTap({
    clock,
    endpoint: exchange.place.endpoint,
    visitor: conn.local,
    keeps: KEPT_OF_A_BODY,
    onExchange: (replayed, event) => {
      isOver ||= event === "answered";
      onExchange(replayed, event);
    },
    replayOf: exchange.id,
  });
  const bytes = requestBytes(exchange);
  try {
    // A service may answer, and stop reading, before it has been sent everything.
    const writing = conn.write(tap.up(bytes)).catch(() => {});
    const into = new Uint8Array(65_536);
    while (!isOver) {
      const length = await conn.read(into);
      if (length == null) break;
      tap.down(into.subarray(0, length));
    }
    tap.downEnded();
    conn.close();
    await writing;
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
  } finally {
    limit.cancel();
    conn.close();
    tap.closed();
  }
}
