/**
 * What a probe of datagrams is: a pure function of the first datagrams of a client, with the answers of a probe of
 * bytes. A datagram is whole, so nothing in it can be missing: short is malformed. Another one may yet come.
 *
 * @module
 */
import { attempt, type Facts } from "./probe.ts";
import type { ByteReader } from "./bytes.ts";

/** A probe's answer. `match` and `no` never change as more datagrams arrive; `need` wants another one. */
export type DatagramResult =
  | { readonly kind: "match"; readonly facts: Facts }
  | { readonly kind: "no" }
  | { readonly kind: "need" };

/**
 * A protocol's detector.
 * @param datagrams The first ones of a client, in the order in which they came, at least one; kept and altered by nobody.
 * @param final Whether no more will be waited for. Then it never answers `need`.
 */
export type DatagramProbe = (datagrams: readonly Uint8Array[], final: boolean) => DatagramResult;

/**
 * Makes a probe of a parser of one datagram: the first one decides.
 * @param parse As for `probe()`; its reader is closed.
 */
export function datagramProbe(parse: (datagram: ByteReader) => Facts | undefined): DatagramProbe {
  const match = (datagram: ByteReader): DatagramResult => {
    const facts = parse(datagram);
    return facts === undefined ? { kind: "no" } : { kind: "match", facts };
  };
  return ([first]) => first === undefined ? { kind: "no" } : attempt(match, first, true);
}
