import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { MAX_FLOWS, readPcap, type TcpFlow, type UdpFlow } from "../../lib/pcap.ts";
import { MAX_FLOW_BYTES } from "../../lib/pcap/tcp_stream.ts";
import { MAX_FLOW_DATAGRAMS } from "../../lib/pcap/udp_exchange.ts";
import { dns } from "../../probes/dns.ts";
import { quic } from "../../probes/quic.ts";
import { tls } from "../../probes/tls.ts";
import { concat } from "../support/bytes.ts";
import {
  ACK,
  datagram,
  enhancedPacket,
  ethernet,
  FIN,
  ipv4,
  ipv6,
  pcap,
  section,
  segment,
  type SegmentParts,
  simplePacket,
  SYN,
} from "../support/capture.ts";

const ETHERNET = 1;
const RAW = 101;
const CLIENT = 50_000;
const SERVER = 443;

/** A segment of the client, 192.0.2.1, to the server, 192.0.2.2. */
function sent(sequence: number, data: Uint8Array | string = "", parts: Partial<SegmentParts> = {}) {
  return ipv4(1, 2, segment({ from: CLIENT, to: SERVER, sequence, data, ...parts }));
}

/** A segment of the server to the client. */
function answered(sequence: number, data = "", parts: Partial<SegmentParts> = {}) {
  return ipv4(2, 1, segment({ from: SERVER, to: CLIENT, sequence, data, ...parts }));
}

/** A datagram between ports of 192.0.2.1 and 192.0.2.2; the one from the client's port is the client's. */
function datagramBetween(from: number, to: number, data: Uint8Array | string = "") {
  const [source, destination] = from === CLIENT ? [1, 2] as const : [2, 1] as const;
  return ipv4(source, destination, datagram({ from, to, data }), { protocol: 17 });
}

/** The TCP connections in a file. */
function connectionsIn(file: Uint8Array): readonly TcpFlow[] {
  return readPcap(file).flows.filter((flow) => flow.transport === "tcp");
}

function flowsOf(...packets: Uint8Array[]): readonly TcpFlow[] {
  return connectionsIn(pcap(packets, { linkType: RAW }));
}

function udpFlowsOf(...packets: Uint8Array[]): readonly UdpFlow[] {
  return readPcap(pcap(packets, { linkType: RAW })).flows
    .filter((flow) => flow.transport === "udp");
}

function said({ datagrams }: UdpFlow): string[] {
  return datagrams.map((each) => new TextDecoder().decode(each));
}

function heads(flows: readonly TcpFlow[]): string[] {
  return flows.map(({ head }) => new TextDecoder().decode(head));
}

Deno.test("captures of tcpdump are read: a request of curl over IPv4, its ClientHello over IPv6", () => {
  // tcpdump 4.99.3 on the server's port while curl 7.88.1 asked once in plain and once with TLS:
  const captures: ReadonlyArray<readonly [file: string, clientPorts: readonly number[]]> = [
    ["capture_ethernet.pcap", [40960, 59184]], // -i lo
    ["capture_linux_sll.pcap", [50794, 49362]], // -i any -y LINUX_SLL
    ["capture_linux_sll2_ns.pcap", [44582, 54494]], // -i any --time-stamp-precision=nano
  ];
  for (const [file, ports] of captures) {
    const [plain, secure, ...more] = connectionsIn(
      readFileSync(new URL(`../samples/${file}`, import.meta.url)),
    );
    assert(plain !== undefined && secure !== undefined && more.length === 0, file);
    assert.deepEqual(plain.client, { address: "127.0.0.1", port: ports[0] });
    assert.deepEqual(plain.server, { address: "127.0.0.1", port: 8641 });
    assert.deepEqual(heads([plain]), [
      "GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
    ]);
    assert.equal(plain.ended, true);
    assert.deepEqual(secure.client, { address: "::1", port: ports[1] });
    const answer = tls(secure.head, false);
    assert.equal(answer.kind === "match" && answer.facts.serverName, "b.example");
    assert.equal(secure.ended, false);
  }
});

Deno.test("a connection is read from its SYN to its FIN, and both ends are named", () => {
  const flows = flowsOf(
    sent(99, "", { flags: SYN }),
    sent(99, "", { flags: SYN }),
    answered(999, "", { flags: SYN | ACK, acknowledgment: 100 }),
    sent(100, "ab"),
    answered(1000, "not ours"),
    sent(102, "c", { flags: FIN | ACK }),
  );
  assert.deepEqual(flows, [{
    transport: "tcp",
    client: { address: "192.0.2.1", port: CLIENT },
    server: { address: "192.0.2.2", port: SERVER },
    head: new TextEncoder().encode("abc"),
    ended: true,
  }]);
});

Deno.test("the client is known when the capture starts behind the SYN", () => {
  const answerFirst = flowsOf(
    answered(999, "", { flags: SYN | ACK, acknowledgment: 100 }),
    answered(1000, "banner"),
    sent(100, "ab"),
  );
  assert.equal(answerFirst[0]?.client.port, CLIENT);
  assert.deepEqual(heads(answerFirst), ["ab"]);
  assert.deepEqual(heads(flowsOf(sent(7, "in the "), sent(14, "middle"))), ["in the middle"]);
});

Deno.test("the stream ends where a segment was not captured", () => {
  const [flow] = flowsOf(
    sent(0, "", { flags: SYN }),
    sent(1, "ab"),
    sent(4, "de", { flags: FIN | ACK }),
  );
  assert(flow !== undefined);
  assert.deepEqual(heads([flow]), ["ab"]);
  assert.equal(flow.ended, false);
});

Deno.test("the probe of a keep-alive, a byte before what is new, adds nothing", () => {
  assert.deepEqual(
    heads(flowsOf(sent(0, "", { flags: SYN }), sent(0, "\0"), sent(1, "ab"), sent(2, "\0"))),
    ["ab"],
  );
});

Deno.test("a second connection between the same ends is another one", () => {
  const flows = flowsOf(
    sent(0, "", { flags: SYN }),
    sent(1, "first"),
    sent(7000, "", { flags: SYN }),
    sent(7001, "second"),
  );
  assert.deepEqual(heads(flows), ["first", "second"]);
});

Deno.test("the roles guessed from the middle of a connection are put right by the next SYN", () => {
  const flows = flowsOf(
    answered(5, "tail"),
    sent(7000, "", { flags: SYN }),
    sent(7001, "new"),
    answered(9, "answer"),
  );
  assert.deepEqual(flows.map(({ client }) => client.port), [SERVER, CLIENT]);
  assert.deepEqual(heads(flows), ["tail", "new"]);
});

Deno.test("at most 64 KiB of a connection are kept", () => {
  const piece = new Uint8Array(40_000).fill(1);
  const [flow] = flowsOf(
    sent(0, piece),
    sent(40_000, piece),
    sent(80_000, piece, { flags: FIN | ACK }),
  );
  assert.equal(flow?.head.length, MAX_FLOW_BYTES);
  assert.equal(flow?.ended, false);
});

Deno.test("at most 1024 connections are kept, the first ones", () => {
  const packets = Array.from({ length: MAX_FLOWS + 5 }, (_, port) => sent(0, "x", { from: port }));
  const flows = flowsOf(...packets);
  assert.equal(flows.length, 1024);
  assert.equal(flows.at(-1)?.client.port, 1023);
});

Deno.test("a capture of tcpdump with UDP is read: dig over both versions of IP, and a QUIC client", () => {
  // tcpdump 4.99.3 on the server's port: dig 9.18.49, QUIC of Deno 2.9.6.
  const file = readFileSync(new URL("../samples/capture_udp.pcap", import.meta.url));
  const { flows, packets, isCutOff } = readPcap(file);
  assert.deepEqual([packets, isCutOff], [5, false]);
  const [first, second, third, ...more] = flows.filter((flow) => flow.transport === "udp");
  assert(first !== undefined && second !== undefined && third !== undefined && more.length === 0);
  assert.deepEqual([first.client.port, second.client.port], [58065, 43929]);
  assert.deepEqual(third.client, { address: "::1", port: 46038 });
  assert.deepEqual(third.server, { address: "::1", port: 8642 });
  const query = dns(first.datagrams, false);
  assert.equal(query.kind === "match" && query.facts.dnsName, "a.example");
  const hello = quic(second.datagrams, false);
  assert.equal(hello.kind === "match" && hello.facts.serverName, "b.example");
});

Deno.test("who sends the first datagram is the client, and what it sends is kept in order", () => {
  const [flow, ...more] = udpFlowsOf(
    datagramBetween(CLIENT, SERVER, "one"),
    datagramBetween(SERVER, CLIENT, "answer"),
    datagramBetween(CLIENT, SERVER, ""),
    datagramBetween(CLIENT, SERVER, "two"),
  );
  assert(flow !== undefined && more.length === 0);
  assert.deepEqual(flow.client, { address: "192.0.2.1", port: CLIENT });
  assert.deepEqual(flow.server, { address: "192.0.2.2", port: SERVER });
  assert.deepEqual(said(flow), ["one", "", "two"]);
});

Deno.test("connections and flows stand in the order in which they begin, also between the same ports", () => {
  const { flows } = readPcap(pcap(
    [
      datagramBetween(CLIENT, SERVER, "first"),
      sent(1, "second"),
      datagramBetween(CLIENT, 53, "third"),
      datagramBetween(CLIENT, SERVER, "more of the first"),
    ],
    { linkType: RAW },
  ));
  assert.deepEqual(flows.map(({ transport, server }) => [transport, server.port]), [
    ["udp", SERVER],
    ["tcp", SERVER],
    ["udp", 53],
  ]);
});

Deno.test("a flow ends at the first datagram that was not captured whole", () => {
  const cut = datagramBetween(CLIENT, SERVER, "two").subarray(0, -1);
  const [flow] = udpFlowsOf(
    datagramBetween(CLIENT, SERVER, "one"),
    cut,
    datagramBetween(CLIENT, SERVER, "three"),
  );
  assert.deepEqual(flow && said(flow), ["one"]);
  const [nothing] = udpFlowsOf(cut, datagramBetween(SERVER, CLIENT, "answer"));
  assert.deepEqual([nothing?.client.port, nothing?.datagrams], [CLIENT, []]);
});

Deno.test("at most 32 datagrams of a flow are kept", () => {
  const packets = Array.from(
    { length: MAX_FLOW_DATAGRAMS + 5 },
    (_, at) => datagramBetween(CLIENT, SERVER, String(at)),
  );
  const [flow] = udpFlowsOf(...packets);
  assert.equal(flow?.datagrams.length, 32);
  assert.equal(flow && said(flow).at(-1), "31");
});

Deno.test("connections and flows have one bound together", () => {
  const packets = Array.from(
    { length: MAX_FLOWS },
    (_, at) => at % 2 === 0 ? sent(0, "x", { from: at }) : datagramBetween(SERVER, at, "x"),
  );
  const late = [datagramBetween(CLIENT, 1, "late"), sent(0, "late", { from: CLIENT })];
  const { flows } = readPcap(pcap([...packets, ...late], { linkType: RAW }));
  assert.equal(flows.length, MAX_FLOWS);
  assert(flows.every(({ client }) => client.port !== CLIENT));
});

Deno.test("a capture without TCP and UDP has no connections and flows", () => {
  const nothing = { flows: [], packets: 0, isCutOff: false };
  assert.deepEqual(readPcap(pcap([], { linkType: RAW })), nothing);
  assert.deepEqual(readPcap(section([], [])), nothing);
});

Deno.test("a capture that is cut off in its last packet is read up to there", () => {
  const file = pcap([sent(1, "whole"), datagramBetween(CLIENT, SERVER, "cut")], { linkType: RAW });
  const { flows, packets, isCutOff } = readPcap(file.subarray(0, -1));
  assert.deepEqual([flows.map(({ transport }) => transport), packets, isCutOff], [
    ["tcp"],
    1,
    true,
  ]);
});

/** Pieces that cover `length` bytes and overlap in any way, in any order. */
const pieces = (length: number) =>
  fc.array(fc.tuple(fc.nat(length), fc.nat(length)), { maxLength: 20 }).chain((cuts) => {
    const step = Math.max(1, Math.ceil(length / 5));
    const whole = Array.from(
      { length: Math.ceil(length / step) },
      (_, i) => [i * step, i * step + step] as const,
    );
    const all = [...whole, ...cuts.map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)];
    return fc.shuffledSubarray(all, { minLength: all.length });
  });

Deno.test("a stream is whole again, however its segments were cut, repeated and reordered, across the wrap of 2^32", () => {
  const stream = fc.uint8Array({ minLength: 1, maxLength: 300 });
  const start = fc.oneof(fc.nat(2 ** 31 - 1), fc.constantFrom(2 ** 32 - 1, 2 ** 32 - 100));
  fc.assert(fc.property(
    stream.chain((data) => fc.tuple(fc.constant(data), pieces(data.length), start)),
    ([data, pieces, start]) => {
      const packets = pieces.map(([from, to]) =>
        sent((start + 1 + from) % 2 ** 32, data.subarray(from, to))
      );
      const end = sent((start + 1 + data.length) % 2 ** 32, "", { flags: FIN | ACK });
      const [flow, ...more] = flowsOf(sent(start, "", { flags: SYN }), end, ...packets);
      assert(flow !== undefined && more.length === 0);
      assert.deepEqual(flow.head, data);
      assert.equal(flow.ended, true);
    },
  ));
});

Deno.test("a damaged capture is read or refused, nothing else", () => {
  const files = [
    pcap([ethernet(0x0800, sent(1, "hello"), [0x8100])], { linkType: ETHERNET }),
    section([{ linkType: RAW }], [
      enhancedPacket(0, sent(1, "hello")),
      simplePacket(sent(6, "you")),
    ]),
    pcap([datagramBetween(CLIENT, SERVER, "query")], { linkType: RAW }),
    pcap(
      [ipv6(1, 2, concat(6, 0, 0, 0, 0, 0, 0, 9, segment({ from: 1, to: 2, sequence: 3 })), 44)],
      { linkType: RAW },
    ),
  ];
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...files), changes, fc.nat(), (file, changes, cut) => {
      const damaged = file.slice(0, file.length - cut % 20);
      for (const [at, value] of changes) damaged[at % damaged.length] = value;
      try {
        const { flows, packets } = readPcap(damaged);
        assert(flows.length <= packets);
      } catch (error) {
        assert(error instanceof SyntaxError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
