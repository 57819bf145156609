/**
 * How conversations begin in the protocols of which the demo speaks no more than that: what a client says first,
 * and what a server answers. One character a byte.
 *
 * @module
 */

export interface Opening {
  /** Its name in the configuration. */
  readonly protocol: string;
  /** For the table. */
  readonly title: string;
  readonly says: string;
  /** Absent where servers never answer. */
  readonly answer?: string;
}

const STREAM =
  "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'";

export const OPENINGS: readonly Opening[] = [
  {
    protocol: "socks4",
    title: "SOCKS4 CONNECT",
    says: "\x04\x01\0\x50\x7f\0\0\x01\0",
    answer: "\0\x5a\0\0\0\0\0\0",
  },
  {
    protocol: "rdp",
    title: "RDP request",
    says: "\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
    answer: "\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x02\0\0\0",
  },
  {
    protocol: "postgres",
    title: "PostgreSQL SSLRequest",
    says: "\0\0\0\x08\x04\xd2\x16\x2f",
    answer: "N",
  },
  {
    protocol: "mqtt",
    title: "MQTT CONNECT",
    says: "\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04demo",
    answer: "\x20\x02\0\0",
  },
  {
    protocol: "redis",
    title: "Redis PING",
    says: "*1\r\n$4\r\nPING\r\n",
    answer: "+PONG\r\n",
  },
  {
    protocol: "amqp",
    title: "AMQP 1.0 header",
    says: "AMQP\0\x01\0\0",
    answer: "AMQP\0\x01\0\0",
  },
  {
    protocol: "xmpp",
    title: "XMPP stream",
    says: `<?xml version='1.0'?><stream:stream to='chat.demo' ${STREAM}>`,
    answer: `<?xml version='1.0'?><stream:stream from='chat.demo' id='1' ${STREAM}>`,
  },
  {
    protocol: "openvpn",
    title: "OpenVPN reset",
    says: "\0\x0e\x38sluicing\0\0\0\0\0",
    answer: "\0\x1a\x40answered\x01\0\0\0\0sluicing\0\0\0\0",
  },
  {
    protocol: "tinc",
    title: "tinc ID",
    says: "0 visitor 17.7\n",
    answer: "0 tinc 17.7\n",
  },
  {
    protocol: "adb",
    title: "adb CNXN",
    says: "CNXN\0\0\0\x01\0\0\x10\0\x07\0\0\0\x32\x02\0\0\xbc\xb1\xa7\xb1host::\0",
    answer: "CNXN\0\0\0\x01\0\0\x10\0\x09\0\0\0\xe4\x02\0\0\xbc\xb1\xa7\xb1device::\0",
  },
  {
    protocol: "syslog",
    title: "syslog message",
    says: "<14>1 2026-01-01T12:00:00Z demo sluice - - - it works\n",
  },
  {
    protocol: "teamspeak",
    title: "TeamSpeak 3 init",
    says: "TS3INIT1\0\x65\0\0\x88\x09\x83\x8c\xcf\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    answer: "TS3INIT1\0\x65\x88\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
  },
];
