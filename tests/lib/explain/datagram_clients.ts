/**
 * Listeners of datagrams whose ways differ, and clients that go all of them.
 *
 * @module
 */
import { AddressSet } from "../../../lib/acl.ts";
import { parseCidr } from "../../../lib/addr.ts";
import type { Pool, UdpListenerConfig } from "../../../lib/config/config.ts";
import { datagramsOf } from "../../../lib/explain/asked_datagrams.ts";
import { bytes, concat, prefixed } from "../../support/bytes.ts";
import { extension, helloBody } from "../../support/client_hello.ts";
import { poolOf, udpDefaultTo, udpListenerWith, udpRouteTo } from "../../support/routes.ts";
import { datagramSamples } from "../../support/samples.ts";

/** A set of these networks. */
export const networks = (...texts: string[]) =>
  new AddressSet(texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined));

const BALANCED: Pool = {
  algorithm: "quic_cid",
  targets: [443, 444, 445].map((port) => ({ host: "127.0.0.1", port, weight: 1 })),
};
export const H3 = udpRouteTo("h3", { protocol: "quic", serverNames: ["*.example"] }, BALANCED);
const DOQ = udpRouteTo("doq", { protocol: "quic", alpns: ["doq"] }, poolOf("127.0.0.1", 853));
export const NAMES = udpRouteTo("names", { protocol: "dns", dnsNames: ["*.example"] }, BALANCED);
const PHONES = udpRouteTo("phones", { protocol: "dtls" }, poolOf("127.0.0.1", 5061));
const TUNNEL = udpRouteTo("tunnel", { protocol: "wireguard" }, poolOf("127.0.0.1", 51_820));
const REFUSED = {
  ...udpRouteTo("refused", { protocol: "stun" }),
  action: { kind: "reject" },
} as const;
const DEFAULT = udpDefaultTo(poolOf("127.0.0.1", 99));
/** Of the backends. */
export const PORTS = [443, 444, 445, 853, 5061, 51_820, 99];

const ROUTES = [DOQ, H3, NAMES, PHONES, TUNNEL, REFUSED];
export const EVERYTHING = udpListenerWith({ routes: ROUTES, defaultRoute: DEFAULT });
/** A list that lets in others than {@linkcode CLIENT}. */
export const OUTSIDERS = { allow: networks("198.51.100.0/24") };

/** Listeners whose ways differ. */
export const LISTENERS: Readonly<Record<string, UdpListenerConfig>> = {
  everything: EVERYTHING,
  "no default": udpListenerWith({ routes: ROUTES }),
  "default only": udpListenerWith({ defaultRoute: DEFAULT }),
  "nobody is followed": { ...EVERYTHING, followClients: false },
  "a list": { ...EVERYTHING, acl: OUTSIDERS },
  "a list of a route": { ...EVERYTHING, acl: OUTSIDERS, routes: [{ ...H3, acl: {} }, PHONES] },
  "a refusing list of a route": { ...EVERYTHING, routes: [{ ...H3, acl: OUTSIDERS }, NAMES] },
  "a regex and any": udpListenerWith({
    routes: [
      udpRouteTo(
        "letters",
        { protocol: "regex", patterns: [/^[a-z]+$/], minLength: 3 },
        poolOf("127.0.0.1", 853),
      ),
      udpRouteTo("rest", { protocol: "any" }, poolOf("127.0.0.1", 99)),
    ],
  }),
};

/** A ClientHello, with so many bytes of padding in it, in datagrams of up to `size` bytes of it. */
export function dtlsFragments(size: number, padding = 0): Uint8Array[] {
  const padded = extension(21, new Uint8Array(padding));
  const hello = helloBody({ serverName: "a.example", extensions: [padded] });
  // DTLS has its own version, and a cookie behind the session ID.
  const body = concat(0xfe, 0xfd, hello.subarray(2, 67), 0, hello.subarray(67));
  const number = (value: number) => concat(value >> 16, value >> 8 & 0xff, value & 0xff);
  return Array.from({ length: Math.ceil(body.length / size) }, (_, at) => {
    const piece = body.subarray(at * size, (at + 1) * size);
    const fragment = concat(1, number(body.length), 0, 0, number(at * size), prefixed(3, piece));
    return concat(22, 0xfe, 0xfd, 0, 0, new Uint8Array(6), prefixed(2, fragment));
  });
}

/** What takes a QUIC client two datagrams to say. */
export const LONG = {
  serverName: "a.example",
  alpns: Array.from({ length: 9 }, () => "x".repeat(200)),
};

/** The first datagrams of clients. */
export const CLIENTS: readonly (readonly Uint8Array[])[] = [
  [new Uint8Array()],
  [bytes("abc")],
  [bytes("ab1")],
  ...[
    { serverName: "a.example" },
    { serverName: "a.test", alpns: ["doq"] },
    { serverName: "a.test" },
    { dnsName: "a.example" },
    { dnsName: "a.test" },
    LONG,
  ].map(datagramsOf),
  datagramsOf(LONG).slice(0, 1),
  datagramsOf(LONG).toReversed(),
  // From the middle of a session that nobody knows.
  [concat(0x41, new Uint8Array(30).fill(7))],
  [concat(4, 0, 0, 0, 1, 2, 3, 4, new Uint8Array(24))],
  // As many as can wait and more, by their number …
  dtlsFragments(8).slice(0, 7),
  dtlsFragments(8).slice(0, 8),
  dtlsFragments(8).slice(0, 9),
  dtlsFragments(8),
  // … and by their bytes: four datagrams of 16384 together, and of 16388.
  dtlsFragments(4071, 18_000).slice(0, 4),
  dtlsFragments(4071, 18_000),
  dtlsFragments(4072, 18_000).slice(0, 4),
  dtlsFragments(4072, 18_000),
  ...datagramSamples().map(({ datagrams }) => datagrams),
];
