/**
 * DNS with one address for every name, both sides (RFC 1035 §4.1).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeDnsQuery } from "../explain/dns_query.ts";
import type { Answer } from "./udp_openings.ts";
import type { UdpClient } from "./udp_wire.ts";

const HEADER_LENGTH = 12;
/** A response, authoritative, with recursion as it was desired; one question. */
const RESPONSE = "\x85\x80\0\x01";
const TYPE_A = "\0\x01";
/** The name of the question; type A, class IN, no time to be kept for, four bytes. */
const RECORD = "\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04";

/** A server that answers with this address (IPv4), and with nothing if it is asked for something else. */
export function dnsServer(address: string): Answer {
  const data = String.fromCharCode(...address.split(".").map(Number));
  return (query) => {
    const typeAt = query.indexOf("\0", HEADER_LENGTH) + 1;
    const question = query.slice(HEADER_LENGTH, typeAt + 4);
    const isForAddress = query.slice(typeAt, typeAt + 2) === TYPE_A;
    const counts = isForAddress ? "\0\x01\0\0\0\0" : "\0\0\0\0\0\0";
    const records = isForAddress ? RECORD + data : "";
    return query.slice(0, 2) + RESPONSE + counts + question + records;
  };
}

/** Asks for the address of `name`. */
export function dnsQuery(name: string): UdpClient {
  return async (wire) => {
    await wire.send(Buffer.from(encodeDnsQuery(name)).toString("latin1"));
    const answer = await wire.next();
    return Array.from(answer.slice(-4), (byte) => byte.charCodeAt(0)).join(".");
  };
}
