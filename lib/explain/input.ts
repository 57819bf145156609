/**
 * A client and the listener that it comes to, and those that a capture shows.
 *
 * @module
 */
import { formatAddress } from "../addr.ts";
import type { TcpListenerConfig, UdpListenerConfig } from "../config/config.ts";
import { type Capture, MAX_FLOWS } from "../pcap.ts";
import type { Asked } from "./asked.ts";
import type { AskedDatagrams } from "./asked_datagrams.ts";
import type { Client } from "./client.ts";
import { count } from "./lines.ts";

/** A client to explain. */
export type Input = ConnectionInput | DatagramInput;

interface ConnectionInput {
  readonly transport: "tcp";
  /** Which one of a capture. */
  readonly name?: string;
  readonly listener: TcpListenerConfig;
  readonly asked: Asked;
}

interface DatagramInput {
  readonly transport: "udp";
  /** Which one of a capture. */
  readonly name?: string;
  readonly listener: UdpListenerConfig;
  readonly asked: AskedDatagrams;
}

/** The listeners that clients come to. */
export interface Listeners {
  /** The one that is asked for; absent: the first of each transport is. */
  readonly name?: string;
  readonly tcp: TcpListenerConfig | undefined;
  readonly udp: UdpListenerConfig | undefined;
}

/** Says that there is none of a transport. */
export function unserved({ name }: Listeners, transport: Input["transport"]): string {
  const protocol = transport.toUpperCase();
  return name === undefined
    ? `no listener serves ${protocol}`
    : `listener "${name}" serves no ${protocol}`;
}

/** What is to be explained, and in words what is not. */
export interface Inputs {
  readonly inputs: readonly Input[];
  readonly notes: readonly string[];
}

/**
 * The clients of a capture, in the order in which they begin.
 * @param client Who all of them are taken for; absent: as the capture shows.
 */
export function capturedInputs(
  { flows, packets, isCutOff }: Capture,
  listeners: Listeners,
  client: Client | undefined,
): Inputs {
  const inputs: Input[] = [];
  const skipped = { tcp: 0, udp: 0, cut: 0 };
  for (const flow of flows) {
    const peer = client ?? flow.client;
    const name = `${formatAddress(flow.client)} > ${formatAddress(flow.server)}`;
    if (flow.transport === "tcp") {
      const { head, ended } = flow;
      const { tcp: listener } = listeners;
      if (listener === undefined) skipped.tcp++;
      else inputs.push({ transport: "tcp", name, listener, asked: { head, ended, peer } });
    } else {
      const { datagrams } = flow;
      const { udp: listener } = listeners;
      const asked = { datagrams, isMadeUp: false, peer };
      if (listener === undefined) skipped.udp++;
      else if (datagrams.length === 0) skipped.cut++;
      else inputs.push({ transport: "udp", name, listener, asked });
    }
  }
  const notes = [
    isCutOff && `the capture is cut off behind packet ${packets}`,
    flows.length === MAX_FLOWS && `of a capture no more than ${MAX_FLOWS} clients are read`,
    skipped.tcp > 0 &&
    `${count(skipped.tcp, "TCP connection")} left out: ${unserved(listeners, "tcp")}`,
    skipped.udp > 0 && `${count(skipped.udp, "UDP flow")} left out: ${unserved(listeners, "udp")}`,
    skipped.cut > 0 &&
    `${count(skipped.cut, "UDP flow")} left out: the first datagram was not captured whole`,
  ];
  return { inputs, notes: notes.filter((note) => note !== false) };
}
