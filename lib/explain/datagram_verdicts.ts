/**
 * What each probe says of a client's datagrams.
 *
 * @module
 */
import type { DatagramProbe } from "../../probes/datagram.ts";
import type { DatagramTable } from "../datagram_routing.ts";
import type { Verdict } from "./verdicts.ts";

/** What a probe says of the first datagrams of a client. */
export interface DatagramVerdict extends Verdict {
  /** After how many of them it was sure; with `need`, how many it has seen. */
  readonly datagrams: number;
}

/**
 * Asks every probe of the table.
 * @param final Whether no more datagrams are waited for.
 * @param reached Whether the client comes as far as the probes.
 */
export function datagramVerdicts(
  { detectors }: DatagramTable,
  datagrams: readonly Uint8Array[],
  final: boolean,
  reached: boolean,
): readonly DatagramVerdict[] {
  let asked = reached;
  return detectors.map(({ protocol, probe, routes }) => {
    const result = probe(datagrams, final);
    const sureAt = datagramsToBeSure(probe, datagrams);
    const verdict: DatagramVerdict = {
      protocol,
      routes: routes.map(({ name }) => name),
      asked,
      verdict: result.kind,
      datagrams: sureAt ?? datagrams.length,
      ...result.kind !== "need" && sureAt === undefined && { byEnd: true },
      ...result.kind === "match" && { facts: result.facts },
    };
    asked &&= result.kind === "no";
    return verdict;
  });
}

/** The fewest datagrams that get an answer while more may come: match and no never change as they arrive. */
function datagramsToBeSure(
  probe: DatagramProbe,
  datagrams: readonly Uint8Array[],
): number | undefined {
  const at = datagrams.findIndex((_, at) =>
    probe(datagrams.slice(0, at + 1), false).kind !== "need"
  );
  return at < 0 ? undefined : at + 1;
}
