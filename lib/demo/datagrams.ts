/**
 * The acts of the demo that are played over UDP, on the same port: a table as that of the connections, and a client
 * that moves in mid-session.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { ConnectionRecord } from "../access_log.ts";
import { encodeClientHello } from "../client_hello_encoder.ts";
import { encodeDnsQuery } from "../explain/dns_query.ts";
import { encodeInitials } from "../explain/quic_initial.ts";
import { HOST } from "./backends.ts";
import { mistakes, type Stage, within } from "./exchange.ts";
import type { Expected } from "./rows.ts";
import { connectionLine, headLine, mark, type Screen } from "./table.ts";
import { ANSWERS, latin1, vpnIndex } from "./udp_backends.ts";

/** A line of the table. */
interface DatagramRow {
  /** What is sent, in words. */
  readonly sent: string;
  readonly request: Uint8Array;
  readonly expected: Pick<Expected, "protocol" | "serverName" | "alpns"> & {
    readonly route: string;
    readonly backend: string;
  };
}

const INITIATION_LENGTH = 148;
const initiation = new Uint8Array(INITIATION_LENGTH);
initiation.set([1, 0, 0, 0, 7, 7, 7, 7]);

const RECORD_HEADER_LENGTH = 5;

/** A hello that fits one datagram. */
function quicHello(id: number, serverName: string): Uint8Array {
  const hello = encodeClientHello({ serverName, alpns: ["h3"] }).subarray(RECORD_HEADER_LENGTH);
  return encodeInitials(hello, new Uint8Array(8).fill(id))[0]!;
}

function rows(): readonly DatagramRow[] {
  const h3 = { protocol: "quic", alpns: ["h3"] };
  return [
    {
      sent: "DNS query: www.a.demo",
      request: encodeDnsQuery("www.a.demo"),
      expected: { protocol: "dns", route: "dns_a", backend: "dns-a" },
    },
    {
      sent: "DNS query: www.b.demo",
      request: encodeDnsQuery("www.b.demo"),
      expected: { protocol: "dns", route: "dns_b", backend: "dns-b" },
    },
    {
      sent: "QUIC to a.demo",
      request: quicHello(0xa, "a.demo"),
      expected: { ...h3, serverName: "a.demo", route: "site_a_h3", backend: "h3-a" },
    },
    {
      sent: "QUIC to www.b.demo",
      request: quicHello(0xb, "www.b.demo"),
      expected: { ...h3, serverName: "www.b.demo", route: "site_b_h3", backend: "h3-b" },
    },
    {
      sent: "WireGuard initiation",
      request: initiation,
      expected: { protocol: "wireguard", route: "vpn", backend: "vpn-1" },
    },
    {
      sent: "STUN binding request",
      request: Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...latin1("a sluice out")),
      expected: { protocol: "stun", route: "stun", backend: "stun" },
    },
    {
      sent: "SIP OPTIONS",
      request: latin1("OPTIONS sip:pbx.demo SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"),
      expected: { protocol: "sip", route: "sip", backend: "sip" },
    },
    {
      sent: "a line of text",
      request: latin1("good morning\n"),
      expected: { route: "default", backend: "udp-echo" },
    },
  ];
}

/**
 * Plays the table. All clients at once, because a flow is over only after a silence.
 * @returns How many rows there are, and how many are wrong.
 */
export async function showDatagrams(
  stage: Stage,
  { print, style }: Screen,
): Promise<{ readonly rows: number; readonly wrong: number }> {
  const all = rows();
  print(headLine("sent", style));
  const outcomes = await Promise.all(all.map(async (row) => {
    const client = new Client(stage);
    try {
      return { row, ...await play(row, client, stage) };
    } catch (error) {
      return { row, record: undefined, mistakes: [String(error)] };
    } finally {
      client.close();
    }
  }));
  for (const { row, record, mistakes } of outcomes) {
    const line = record ? connectionLine(row.sent, record, stage.backends) : `${row.sent}\n`;
    print(` ${mark(mistakes.length === 0, style)} ${line}`);
    for (const mistake of mistakes) print(`     ${style.bad(mistake)}\n`);
  }
  return { rows: all.length, wrong: outcomes.filter(({ mistakes }) => mistakes.length > 0).length };
}

async function play(
  { request, expected }: DatagramRow,
  client: Client,
  { backends, clock }: Stage,
): Promise<{ readonly record: ConnectionRecord; readonly mistakes: readonly string[] }> {
  const record = client.record();
  const answer = await client.ask(request);
  const found = await within(clock, record);
  const seen = { answer: text(answer), written: request.length, read: answer.length };
  const promised = ANSWERS[expected.backend]!(request);
  const all = { ...expected, reason: "idle_timeout", answer: text(promised!) } as const;
  return { record: found, mistakes: mistakes(all, found, seen, backends) };
}

/**
 * Plays the session that goes on elsewhere, and tells it line by line.
 * @returns Whether everything was right.
 * @throws {Error} If something did not come in time.
 */
export async function moveClient(stage: Stage, { print, style }: Screen): Promise<boolean> {
  let allRight = true;
  const tell = (text: string, right: boolean) => {
    allRight &&= right;
    print(` ${mark(right, style)} ${text}\n`);
  };
  const clients = Array.from({ length: 3 }, () => new Client(stage));
  const [home, away, stranger] = clients as [Client, Client, Client];
  try {
    const over = home.record();
    const number = (await home.ask(initiation))[4]!;
    const peer = `vpn-${number}`;
    tell(`A WireGuard client shakes hands with ${peer}, from port ${await home.port()}.`, true);
    const data = Uint8Array.of(4, 0, 0, 0, ...vpnIndex(number), ...new Uint8Array(24));
    const moved = whoAnswered(await away.ask(data));
    tell(`Its data comes from port ${await away.port()} now: ${moved} answers.`, moved === peer);
    await within(stage.clock, over);
    const back = whoAnswered(await home.ask(data));
    tell(`It is back, after its flow had expired: ${back} answers.`, back === peer);
    const other = `vpn-${(await stranger.ask(initiation))[4]}`;
    tell(`A new client has its turn with ${other}.`, other !== peer);
    return allRight;
  } finally {
    for (const client of clients) client.close();
  }
}

/** What the backends of the demo say in transport data. */
function whoAnswered(transport: Uint8Array): string {
  return text(transport.subarray(8)).replaceAll("\0", "");
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** A socket that asks the proxy. */
class Client {
  readonly #socket: Socket = createSocket("udp4");
  readonly #stage: Stage;
  readonly #bound: Promise<unknown>;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#bound = once(this.#socket, "listening");
    this.#socket.bind(0, HOST);
  }

  async port(): Promise<number> {
    await this.#bound;
    return this.#socket.address().port;
  }

  /** The record of its flow; to be asked for before that ends. */
  async record(): Promise<ConnectionRecord> {
    return await this.#stage.journal.recordOf(await this.port());
  }

  /** Sends a datagram and gives the one that comes back. */
  async ask(request: Uint8Array): Promise<Uint8Array> {
    await this.#bound;
    const heard = once(this.#socket, "message");
    this.#socket.send(request, this.#stage.port, HOST);
    const [answer] = await within(this.#stage.clock, heard);
    return Uint8Array.from(answer);
  }

  close(): void {
    this.#socket.close();
  }
}
