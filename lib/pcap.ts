/**
 * What clients said in a capture (tcpdump, Wireshark), so that `explain` can say what would become of them.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import { readCaptureFile } from "./pcap/capture_file.ts";
import {
  type Datagram,
  readDatagram,
  readIpPacket,
  readSegment,
  type Segment,
} from "./pcap/packet.ts";
import { type TcpFlow, TcpStream } from "./pcap/tcp_stream.ts";
import { UdpExchange, type UdpFlow } from "./pcap/udp_exchange.ts";

export type { TcpFlow, UdpFlow };

/** What a capture shows. */
export interface Capture {
  /** In the order in which they begin. */
  readonly flows: readonly (TcpFlow | UdpFlow)[];
  /** How many packets were read. */
  readonly packets: number;
  /** Whether the file ends in the middle of the packet behind them. */
  readonly isCutOff: boolean;
}

/** Most connections and flows read from a capture; those that begin later are passed over. */
export const MAX_FLOWS = 1024;

/**
 * Reads the TCP connections and UDP flows of a capture.
 * @param bytes A pcap or pcapng file of Ethernet, raw IP, loopback or Linux "any" packets.
 * @throws {SyntaxError} If it is no such file, or a damaged one.
 */
export function readPcap(bytes: Uint8Array): Capture {
  const { packets, isCutOff } = readCaptureFile(bytes);
  const flows = new Flows();
  for (const packet of packets) {
    const ip = readIpPacket(packet);
    const segment = ip && readSegment(ip);
    const datagram = ip && readDatagram(ip);
    if (segment !== undefined) flows.addSegment(segment);
    if (datagram !== undefined) flows.addDatagram(datagram);
  }
  return { flows: flows.all.map((each) => each.flow()), packets: packets.length, isCutOff };
}

/** The flows of a capture, while it is read. */
class Flows {
  readonly all: Array<TcpStream | UdpExchange> = [];
  /** By who sends to whom: the latest between them. */
  readonly #streams = new Map<string, TcpStream>();
  readonly #exchanges = new Map<string, UdpExchange>();

  addSegment(segment: Segment): void {
    const forth = key(segment.source, segment.destination);
    const back = key(segment.destination, segment.source);
    let stream = this.#streams.get(forth) ?? this.#streams.get(back);
    if (stream === undefined || stream.isReopenedBy(segment)) {
      if (this.all.length === MAX_FLOWS) return;
      stream = new TcpStream(segment);
      this.all.push(stream);
      this.#streams.delete(back);
      this.#streams.set(key(stream.client, stream.server), stream);
    }
    if (forth === key(stream.client, stream.server)) stream.add(segment);
  }

  addDatagram(datagram: Datagram): void {
    const forth = key(datagram.source, datagram.destination);
    if (this.#exchanges.has(key(datagram.destination, datagram.source))) return;
    let exchange = this.#exchanges.get(forth);
    if (exchange === undefined) {
      if (this.all.length === MAX_FLOWS) return;
      exchange = new UdpExchange(datagram);
      this.all.push(exchange);
      this.#exchanges.set(forth, exchange);
    }
    exchange.add(datagram);
  }
}

function key(from: SocketAddress, to: SocketAddress): string {
  return `${formatAddress(from)} ${formatAddress(to)}`;
}
