/**
 * IP addresses as packets and binary headers carry them: 4 or 16 bytes in network order.
 *
 * @module
 */
import type { ByteReader } from "../probes/bytes.ts";
import { formatIp, type Ip } from "./addr.ts";

/** `::ffff:0:0/96`, the IPv6 form of IPv4 addresses (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffffn << 32n;

/** Reads an address and writes it in canonical form; a mapped one comes out as IPv4, as everywhere in sluice. */
export function readIp(reader: ByteReader, family: 4 | 6): string {
  let value = 0n;
  for (let words = family === 4 ? 1 : 4; words > 0; words--) {
    value = value << 32n | BigInt(reader.u32());
  }
  return formatIp(
    family === 6 && value >> 32n === MAPPED >> 32n
      ? { family: 4, value: value & 0xffff_ffffn }
      : { family, value },
  );
}

/** The IPv6 address that stands for `ip`: itself, or its mapped form. */
export function asIpv6(ip: Ip): Ip {
  return { family: 6, value: ip.family === 6 ? ip.value : MAPPED | ip.value };
}

/** The bytes of an address. */
export function ipBytes({ family, value }: Ip): Uint8Array {
  return Uint8Array.from(
    { length: family === 4 ? 4 : 16 },
    (_, at) => Number(value >> BigInt((family === 4 ? 24 : 120) - 8 * at) & 0xffn),
  );
}
