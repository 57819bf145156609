/**
 * The shape of an agent's file. The descriptions are for who edits it.
 *
 * @module
 */
import * as v from "valibot";
import {
  formatIp,
  type HostPort,
  isHostName,
  normalName,
  parseHostPort,
  parseIp,
  type SocketAddress,
} from "../../addr.ts";
import {
  expected,
  key,
  list,
  namedTables,
  oneOf,
  oneOrMore,
  read,
  requiredKey,
  table,
  text,
  wholeNumber,
  yesOrNo,
} from "../../config/shapes.ts";
import { parseEndpointName, parseNetwork } from "../../config/values.ts";
import { ENDPOINT_KINDS } from "../messages.ts";
import { parsePin } from "../pin.ts";

/** Where edges listen for agents, if nothing else is said. */
export const EDGE_PORT = 7835;

const port = wholeNumber(1, 65_535);

const service = v.union([
  v.pipe(port, v.transform((port): HostPort => ({ host: "localhost", port }))),
  read(parseService),
], expected('a port, or an address such as "192.0.2.7:8080"'));

const endpoint = table({
  kind: requiredKey(
    oneOf(ENDPOINT_KINDS),
    "http by name, tls by name without decryption, tcp or udp on a port",
  ),
  service: requiredKey(service, 'Where the service is: a port of this machine, or "host:port"'),
  name: key(
    read(parseName),
    "Name under the edge's domain, for http and tls; without it one that the edge chooses",
  ),
  port: key(port, "Port of the edge, for tcp and udp; without it one that the edge chooses"),
  allow: key(
    list(read(parseVisitors), "leave the key out to let everybody in"),
    "Addresses and networks of visitors; without it everybody",
  ),
  basic_auth: key(
    oneOrMore(read(parseCredentials), "leave the key out to let everybody in"),
    'Who may ask, as "user:password", for http; without it everybody',
  ),
  basic_auth_file: key(text, 'File with who may ask, each on a line as "user:password", for http'),
  forwarded: key(
    v.union([yesOrNo, v.literal("append")], expected('true, false or "append"')),
    "Tell the service who asked and for what: X-Forwarded-For, -Proto, -Host and Forwarded, for http; " +
      "append where what the visitor says of itself is to be believed",
    false,
  ),
  host_header: key(
    read(parseHostHeader),
    "Host that the service is asked for in place of the public one, for http",
  ),
  proxy_protocol: key(
    oneOf(["none", "v1", "v2"]),
    "Tell the service the visitor's address by a PROXY header: v1, v2 or none",
    "none",
  ),
}, misplaced);

const fileKeys = {
  edge: requiredKey(read(parseEdge), "Where the edge is: host or host:port"),
  token_file: key(text, "File with the token; without it the variable SLUICE_TOKEN"),
  pin: key(
    read(parsePin),
    "SHA-256 of the edge's certificate, as `sluice edge pin` prints it; without it and ca the system's authorities are believed",
  ),
  ca: key(text, "File with the authorities that are believed, in PEM"),
  insecure: key(
    yesOrNo,
    "Without TLS: whoever sees the network sees all, and can pass for either side",
    false,
  ),
  inspect: key(
    v.union(
      [v.literal(false), v.pipe(port, v.transform(onLoopback)), read(parseInspector)],
      expected('a port, an address of loopback such as "127.0.0.1:4040", or false'),
    ),
    "Where the page is that shows the requests to endpoints of http; false for nowhere",
    "127.0.0.1:4040 or the next port that is free",
  ),
  endpoints: requiredKey(
    namedTables(endpoint),
    "What is exposed; the table's name is for you alone",
  ),
};

/** The file. */
export const agentSchema = table(fileKeys);

export type AgentTable = v.InferOutput<typeof agentSchema>;
export type EndpointTable = v.InferOutput<typeof endpoint>;

/** What to say of a key that stands in a table below its own. */
function misplaced(name: string): string | undefined {
  return Object.hasOwn(fileKeys, name)
    ? "is a key of the top level: write it above the first [table]"
    : undefined;
}

/** A port of this machine, or a host and a port. */
function parseService(text: string): HostPort {
  return parseHostPort(/^\d+$/.test(text) ? `localhost:${text}` : text);
}

/** A host, with or without a port. */
function parseEdge(text: string): HostPort {
  const ip = parseIp(text.replace(/^\[(.*)\]$/, "$1"));
  if (ip !== undefined) return { host: formatIp(ip), port: EDGE_PORT };
  if (isHostName(text)) return { host: normalName(text), port: EDGE_PORT };
  return parseHostPort(text);
}

function parseName(text: string): string {
  const name = parseEndpointName(text);
  if (!name.includes("*")) return name;
  throw new SyntaxError(`expected one name such as "blog", got "${text}"`);
}

/** A network, as the edge is told it. */
function parseVisitors(text: string): string {
  const { ip, prefix } = parseNetwork(text);
  return `${formatIp(ip)}/${prefix}`;
}

/** They are secret, so the message does not repeat them. */
function parseCredentials(text: string): string {
  if (!/^[^:\p{C}]+:\P{C}+$/u.test(text)) {
    throw new SyntaxError(
      'expected a user and a password such as "anna:…", of printable characters',
    );
  }
  return text;
}

/** RFC 9110 §7.2 */
function parseHostHeader(text: string): string {
  const [, host = "", port] = /^(.+?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isIp = parseIp(host.replace(/^\[(.*)\]$/, "$1")) !== undefined;
  if (!(isHostName(host) || isIp) || Number(port ?? 1) > 65_535) {
    throw new SyntaxError(
      `expected a name such as "localhost" or "localhost:3000", got "${text}"`,
    );
  }
  return text;
}

/** Only who is on this machine sees what visitors ask for. */
function parseInspector(text: string): SocketAddress {
  if (/^\d+$/.test(text)) return onLoopback(parseHostPort(`localhost:${text}`).port);
  const { host, port } = parseHostPort(text);
  const address = host === "localhost" ? "127.0.0.1" : host;
  if (address !== "::1" && !(parseIp(address)?.family === 4 && address.startsWith("127."))) {
    throw new SyntaxError(
      `expected an address of loopback such as "127.0.0.1:4040", got "${text}"`,
    );
  }
  return { address, port };
}

function onLoopback(port: number): SocketAddress {
  return { address: "127.0.0.1", port };
}

export { parseCredentials };
