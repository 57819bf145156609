/**
 * What the demo sends by UDP, and what must become of it. Each client has a socket, and so a port, of its own.
 *
 * @module
 */
import { QUIC_V2 } from "../../probes/quic_packet.ts";
import { dnsQuery } from "./dns.ts";
import type { Way } from "./exchange.ts";
import { greeting } from "./host.ts";
import { quicConnection, type QuicHello } from "./quic.ts";
import type { Expected, Row } from "./rows.ts";
import { ADDRESSES } from "./udp_backends.ts";
import { UDP_OPENINGS, type UdpOpening } from "./udp_openings.ts";
import type { UdpClient, UdpWire } from "./udp_wire.ts";
import { wireguardSession } from "./wireguard.ts";

type UdpRow = Row<UdpWire>;

const ALPNS = ["h3"];

/** A client of every protocol. */
export function udpRows(): readonly UdpRow[] {
  const toB = { serverName: "b.demo", alpns: ALPNS };
  return [
    dns("www.a.demo", "dns_a", "dns-a"),
    dns("www.b.demo", "dns_b", "dns-b"),
    helloToA(),
    hello("QUIC, two datagrams", { ...toB, postQuantum: true }, "site_b_h3", "h3-b"),
    hello("QUIC version 2", { ...toB, version: QUIC_V2 }, "site_b_h3", "h3-b"),
    hello("QUIC to c.demo", { serverName: "c.demo", alpns: ALPNS }, "h3", "h3-1"),
    { sent: "WireGuard initiation", client: wireguardSession().opens, expected: vpn("vpn-1") },
    ...UDP_OPENINGS.map(opening),
    {
      sent: "a line of text",
      client: asks(["good morning\n"]),
      expected: over({ route: "default", backend: "echo", answer: "good morning\n" }),
    },
  ];
}

/** A client whose backend takes no turns with others. */
export function helloToA(): UdpRow {
  const said = { serverName: "a.demo", alpns: ALPNS };
  return hello("QUIC to a.demo", said, "site_a_h3", "h3-a");
}

/** Sessions that go on from other ports. Of two backends that take turns, each has the one that began with it. */
export interface Moves {
  readonly rows: readonly UdpRow[];
  /** The first client when all these are over, and its way: with the socket that it had. */
  readonly last: UdpRow;
  readonly back: Way<UdpWire>;
}

export function moves(): Moves {
  const session = wireguardSession();
  const toC = { serverName: "c.demo", alpns: ALPNS };
  const connection = quicConnection(toC);
  const expected = vpn("vpn-2");
  let home: UdpWire | undefined;
  const opens = (wire: UdpWire) => session.opens(wire).finally(() => home = wire.share());
  const moved = { protocol: "quic", route: "h3", backend: "h3-2", answer: greeting("h3-2") };
  return {
    rows: [
      { sent: "WireGuard initiation", client: opens, expected },
      { sent: "data, from a new port", client: session.goesOn, expected },
      { sent: "another client", client: wireguardSession().opens, expected: vpn("vpn-1") },
      { ...hello("QUIC to c.demo", toC, "h3", "h3-2"), client: connection.opens },
      { sent: "data, from a new port", client: connection.goesOn, expected: over(moved) },
      hello("another client", toC, "h3", "h3-1"),
    ],
    last: { sent: "data, after a silence", client: session.goesOn, expected },
    back: {
      transport: "udp",
      open: () => home ? Promise.resolve(home) : Promise.reject(new Error("it had no socket")),
    },
  };
}

/** No datagram says that it is the last one. */
function over(expected: Expected): Expected {
  return { ...expected, reason: "idle_timeout" };
}

function dns(dnsName: string, route: string, backend: keyof typeof ADDRESSES): UdpRow {
  return {
    sent: `DNS for ${dnsName}`,
    client: dnsQuery(dnsName),
    expected: over({ protocol: "dns", dnsName, route, backend, answer: ADDRESSES[backend] }),
  };
}

function hello(sent: string, said: QuicHello, route: string, backend: string): UdpRow {
  const { serverName, alpns } = said;
  const answer = greeting(backend);
  return {
    sent,
    client: quicConnection(said).opens,
    expected: over({ protocol: "quic", serverName, alpns, route, backend, answer }),
  };
}

function vpn(backend: string): Expected {
  return over({ protocol: "wireguard", route: "vpn", backend, answer: greeting(backend) });
}

function opening({ protocol, title, says, answer, read, heard, ...more }: UdpOpening): UdpRow {
  const { backend = protocol, serverName } = more;
  return {
    sent: title,
    client: answer === undefined ? tells(says) : asks(says, read),
    expected: over({
      protocol,
      ...serverName !== undefined && { serverName },
      route: protocol,
      backend,
      answer: heard,
    }),
  };
}

/** Says all of it and waits for an answer. */
function asks(says: readonly string[], read = (answer: string) => answer): UdpClient {
  return async (wire) => {
    await tells(says)(wire);
    return read(await wire.next());
  };
}

/** Says all of it: there will be no answer. */
function tells(says: readonly string[]): UdpClient {
  return async (wire) => {
    for (const datagram of says) await wire.send(datagram);
    return "";
  };
}
