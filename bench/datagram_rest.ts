/**
 * What is measured of UDP beside traffic: the memory of a flow, and what garbage costs.
 *
 * @module
 */
import { datagramSamples } from "../tests/support/samples.ts";
import { type Contender, mainPort } from "./contenders.ts";
import type { DatagramLoad } from "./datagram_load.ts";
import { cpuTime, memory, type Processes } from "./processes.ts";

/** Flows that are held. */
export const FLOWS = 5000;

/** Until memory has settled, ms. */
const SETTLE = 1000;
/** In which every client has had its first echo, s. */
const OPENING = 3;

const FLOOD = { sockets: 64, seconds: 2 };

/** Starts a contender anew and measures the memory of each flow, bytes. */
export async function perFlow(
  contender: Contender,
  { command, readiness }: NonNullable<Contender["process"]>,
  load: DatagramLoad,
  processes: Processes,
): Promise<number> {
  const process = await processes.start(command, readiness);
  // So that code which is loaded late is not counted as theirs.
  const first = await load.clients(mainPort(contender), 10);
  await load.burst({ clients: 10, size: 64, window: 1 }, contender, process, first, 0.1);
  await settle();
  const before = memory(process, "own");
  const clients = await load.clients(mainPort(contender), FLOWS);
  await load.burst({ clients: FLOWS, size: 64, window: 0 }, contender, process, clients, OPENING);
  await settle();
  const bytes = (memory(process, "own") - before) / FLOWS;
  for (const each of [clients, first, process]) await processes.end(each);
  return bytes;
}

/** A client's first datagram of QUIC version 1, as the RFC has it. */
export function initial(): Uint8Array<ArrayBuffer> {
  const sample = datagramSamples().find(({ name }) => name === "quic_rfc9001");
  if (sample?.datagrams[0] === undefined) throw new Error("there is no sample of QUIC");
  return sample.datagrams[0];
}

/**
 * Floods a contender that only takes QUIC with Initials whose tag is wrong: as much work as a datagram can make.
 * @param directory Where the datagram is written.
 * @returns What each costs the process, µs of its CPU time; `undefined` where it cannot be told how many it received.
 */
export async function invalidInitial(
  contender: Contender,
  load: DatagramLoad,
  processes: Processes,
  directory: string,
): Promise<number | undefined> {
  const { command, readiness } = contender.process!;
  const file = `${directory}/invalid-initial`;
  const datagram = initial();
  datagram[datagram.length - 1]! ^= 1;
  await Deno.writeFile(file, datagram);
  const process = await processes.start(command, readiness);
  const port = mainPort(contender);
  await load.flood(port, FLOOD.sockets, file, 0.5);
  await settle();
  const [cpuBefore, lostBefore] = [cpuTime(process), lostAt(port)];
  const sent = await load.flood(port, FLOOD.sockets, file, FLOOD.seconds);
  await settle();
  const [cpuAfter, lostAfter] = [cpuTime(process), lostAt(port)];
  await processes.end(process);
  if (lostBefore === undefined || lostAfter === undefined) return undefined;
  return (cpuAfter - cpuBefore) * 1e6 / (sent - (lostAfter - lostBefore));
}

/** Datagrams that found no room in the socket at a port; `undefined` if there is no such socket. */
function lostAt(port: number): number | undefined {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  // The second field is the socket's own address, the last one what it had no room for.
  const fields = Deno.readTextFileSync("/proc/net/udp").split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => fields[1]?.endsWith(local));
  return fields && Number(fields.at(-1));
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE));
}
