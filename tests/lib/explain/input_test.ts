import assert from "node:assert/strict";
import { capturedInputs, type Listeners } from "../../../lib/explain/input.ts";
import { type Capture, MAX_FLOWS } from "../../../lib/pcap.ts";
import { bytes } from "../../support/bytes.ts";
import { listenerWith, udpListenerWith } from "../../support/routes.ts";

const TCP = listenerWith({ name: "web" });
const UDP = udpListenerWith({ name: "names" });
const BOTH: Listeners = { tcp: TCP, udp: UDP };

const client = { address: "192.0.2.1", port: 5 };
const server = { address: "2001:db8::2", port: 53 };
const CONNECTION = { transport: "tcp", client, server, head: bytes("a"), ended: true } as const;
const FLOW = { transport: "udp", client, server, datagrams: [bytes("b"), bytes("c")] } as const;

const captureOf = (flows: Capture["flows"], isCutOff = false): Capture => ({
  flows,
  packets: 7,
  isCutOff,
});

Deno.test("each connection and flow comes to the listener of its transport, in their order", () => {
  const name = "192.0.2.1:5 > [2001:db8::2]:53";
  const { inputs, notes } = capturedInputs(captureOf([FLOW, CONNECTION]), BOTH, undefined);
  assert.deepEqual(inputs, [
    {
      transport: "udp",
      name,
      listener: UDP,
      asked: { datagrams: FLOW.datagrams, isMadeUp: false, peer: client },
    },
    {
      transport: "tcp",
      name,
      listener: TCP,
      asked: { head: CONNECTION.head, ended: true, peer: client },
    },
  ]);
  assert.deepEqual(notes, []);
});

Deno.test("all of them can be taken for one client", () => {
  const other = { address: "198.51.100.1" };
  const { inputs } = capturedInputs(captureOf([FLOW, CONNECTION]), BOTH, other);
  assert.deepEqual(inputs.map(({ asked }) => asked.peer), [other, other]);
});

Deno.test("what is left out of a capture is said", () => {
  const flows = [CONNECTION, FLOW, FLOW, { ...FLOW, datagrams: [] }];
  const notesOf = (capture: Capture, listeners: Listeners) =>
    capturedInputs(capture, listeners, undefined).notes;
  assert.deepEqual(notesOf(captureOf(flows, true), { ...BOTH, udp: undefined }), [
    "the capture is cut off behind packet 7",
    "3 UDP flows left out: no listener serves UDP",
  ]);
  assert.deepEqual(notesOf(captureOf(flows), { ...BOTH, name: "x", tcp: undefined }), [
    '1 TCP connection left out: listener "x" serves no TCP',
    "1 UDP flow left out: the first datagram was not captured whole",
  ]);
  const many = Array.from({ length: MAX_FLOWS }, () => CONNECTION);
  assert.deepEqual(notesOf(captureOf(many), BOTH), [
    "of a capture no more than 1024 clients are read",
  ]);
});
