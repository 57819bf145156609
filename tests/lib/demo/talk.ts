/**
 * Clients and backends of the demo that speak UDP, with nothing in between.
 *
 * @module
 */
import type { Answer } from "../../../lib/demo/udp_openings.ts";
import type { UdpClient } from "../../../lib/demo/udp_wire.ts";
import { bytes } from "../../support/bytes.ts";

export interface Talk {
  /** What the client read in the answer. */
  readonly heard: string;
  /** What it has sent. */
  readonly requests: readonly Uint8Array[];
}

/** Lets `client` talk to a backend, and rejects where that owes it an answer. */
export async function talk(client: UdpClient, answer: Answer, localPort = 40_000): Promise<Talk> {
  const requests: Uint8Array[] = [];
  const answers: string[] = [];
  const heard = await client({
    localPort,
    send(datagram) {
      requests.push(bytes(datagram));
      const answered = answer(datagram, localPort);
      if (answered !== undefined) answers.push(answered);
      return Promise.resolve();
    },
    next() {
      const next = answers.shift();
      return next === undefined ? Promise.reject(new Error("no answer")) : Promise.resolve(next);
    },
  });
  return { heard, requests };
}
