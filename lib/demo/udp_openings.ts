/**
 * Conversations of UDP that are one question and one answer, both sides; those of which a client remembers something
 * have files of their own. One character a byte.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { HOST } from "./host.ts";
import { OPENINGS } from "./openings.ts";

/**
 * What a backend makes of a datagram: what it answers, if it does.
 * @param from The port that it came from.
 */
export type Answer = (datagram: string, from: number) => string | undefined;

export interface UdpOpening {
  /** Its name in the configuration. */
  readonly protocol: string;
  /** For the table. */
  readonly title: string;
  /** Datagrams. */
  readonly says: readonly string[];
  /** The name in them, if there is one. */
  readonly serverName?: string;
  /** Where they are to go; absent: the backend is called as the protocol. */
  readonly backend?: string;
  /** Absent where servers never answer. */
  readonly answer?: Answer;
  /** What the client reads in the answer: all of it, if absent. */
  readonly read?: (answer: string) => string;
  /** What that must be. */
  readonly heard: string;
}

/** As OpenSSL 3.0 says hello with one cipher suite and one curve, for sensor.demo. */
const DTLS_HELLO = "16feff00000000000000000072010000660000000000000066fefd0102d757f3071f6bff8706" +
  "b75dc6e8ecaeef38233c15e46ff559d40c02fb790300000004c02b00ff0100003800000010000e00000b73656e73" +
  "6f722e64656d6f000b000403000102000a00040002001d002300000016000000170000000d000400020403";

export const UDP_OPENINGS: readonly UdpOpening[] = [
  {
    protocol: "dtls",
    title: "DTLS to sensor.demo",
    says: [Buffer.from(DTLS_HELLO, "hex").toString("latin1")],
    serverName: "sensor.demo",
    answer: helloVerifyRequest,
    read: (answer) => answer.slice(-4),
    heard: "demo",
  },
  {
    protocol: "stun",
    title: "STUN binding request",
    says: ["\0\x01\0\0\x21\x12\xa4\x42a sluice out"],
    answer: bindingResponse,
    read: (answer) => answer.slice(-4),
    heard: "demo",
  },
  ofTcp("openvpn", (packet) => packet.slice(2)), // Over TCP its length goes first.
  {
    protocol: "sip",
    title: "SIP OPTIONS",
    says: [sipOptions(1)],
    backend: "sip-blue",
    answer: sipAnswer("sip-blue"),
    read: sipServer,
    heard: "sip-blue",
  },
  {
    protocol: "ntp",
    title: "NTP request",
    says: ["\x23" + "\0".repeat(39) + "a sluice"],
    answer: ntpAnswer,
    read: (answer) => answer.slice(12, 16),
    heard: "DEMO",
  },
  {
    protocol: "tftp",
    title: "TFTP for hello.txt",
    says: ["\0\x01hello.txt\0octet\0"],
    // Block 1, and the last one because it is short; the client's receipt needs no answer.
    answer: (packet) => packet[1] === "\x01" ? "\0\x03\0\x01hello from tftp\n" : undefined,
    read: (answer) => answer.slice(4),
    heard: "hello from tftp\n",
  },
  ofTcp("teamspeak"),
  ofTcp("syslog"),
  {
    protocol: "rtp",
    title: "RTP, two packets",
    says: [1, 2].map((number) =>
      `\x80\0\0${String.fromCharCode(number)}\0\0${String.fromCharCode(number)}\0demo`.padEnd(172)
    ),
    heard: "",
  },
];

/** A protocol that is the same by TCP, but for what `without` takes away. */
function ofTcp(name: string, without = (said: string) => said): UdpOpening {
  const { protocol, title, says, answer } = OPENINGS.find((each) => each.protocol === name)!;
  const heard = without(answer ?? "");
  return {
    protocol,
    title,
    says: [without(says)],
    ...answer !== undefined && { answer: () => heard },
    heard,
  };
}

/** Asks the client to show, by a cookie, that it hears (RFC 6347 §4.2.1). */
function helloVerifyRequest(hello: string): string {
  const record = `\x16\xfe\xff\0\0${hello.slice(5, 11)}\0\x13`;
  return `${record}\x03\0\0\x07\0\0\0\0\0\0\0\x07\xfe\xff\x04demo`;
}

/** Tells the client its address, XORed, and the name of the software (RFC 8489 §14.2, §14.14). */
function bindingResponse(request: string, from: number): string {
  const bytes = [from >> 8, from, ...HOST.split(".").map(Number)];
  const cookie = [0x21, 0x12, 0x21, 0x12, 0xa4, 0x42];
  const address = String.fromCharCode(...bytes.map((byte, i) => (byte ^ cookie[i]!) & 0xff));
  return `\x01\x01\0\x14${request.slice(4, 20)}\0\x20\0\x08\0\x01${address}\x80\x22\0\x04demo`;
}

const SECONDS_UNTIL_1970 = 2_208_988_800;
const VERSION_BITS = 0x38;
const MODE_SERVER = 4;

/** A time server that trusts the clock of this machine (RFC 5905 §7.3). */
function ntpAnswer(request: string): string {
  const seconds = Date.now() / 1000 + SECONDS_UNTIL_1970;
  const time = Buffer.alloc(8);
  time.writeUInt32BE(Math.floor(seconds));
  time.writeUInt32BE(Math.floor(seconds % 1 * 2 ** 32), 4);
  const now = time.toString("latin1");
  const mode = String.fromCharCode(request.charCodeAt(0) & VERSION_BITS | MODE_SERVER);
  // Stratum 1, a poll of 2^6 s, a precision of 2^-20 s, no delay and dispersion.
  const about = "\x01\x06\xec" + "\0".repeat(8) + "DEMO";
  return mode + about + now + request.slice(40, 48) + now + now;
}

/** The `number`th question of a phone. */
export function sipOptions(number: number): string {
  return [
    "OPTIONS sip:phone.demo SIP/2.0",
    `Via: SIP/2.0/UDP ${HOST};rport;branch=z9hG4bK${number}`,
    "From: <sip:visitor@demo>;tag=1",
    "To: <sip:phone.demo>",
    "Call-ID: visit@demo",
    `CSeq: ${number} OPTIONS`,
    "Content-Length: 0",
    "\r\n",
  ].join("\r\n");
}

/** A server that answers in the name `name` (RFC 3261 §8.2.6). */
export function sipAnswer(name: string): Answer {
  return (request) => {
    const repeated = request.match(/^(?:Via|From|To|Call-ID|CSeq):.*\r\n/gim)?.join("");
    return `SIP/2.0 200 OK\r\n${repeated}Server: ${name}\r\nContent-Length: 0\r\n\r\n`;
  };
}

/** Who gave the answer. */
export function sipServer(answer: string): string {
  return /^Server: (.*)\r$/m.exec(answer)?.[1] ?? "nobody";
}
