/**
 * The shape of a protocol entry, and of what listeners share with it: targets and access-control lists.
 * The descriptions are for who edits a file: editors show them.
 *
 * @module
 */
import * as v from "valibot";
import { type HostPort, parseHostPort } from "../addr.ts";
import type { Algorithm } from "./config.ts";
import { ENTRY_DEFAULTS } from "./defaults.ts";
import { PROTOCOLS, TRANSPORTS } from "./protocols.ts";
import {
  duration,
  expected,
  key,
  list,
  oneOf,
  read,
  requiredKey,
  table,
  text,
  wholeNumber,
} from "./shapes.ts";
import {
  parseAlpn,
  parseBase64,
  parseNamePattern,
  parseNetwork,
  parsePattern,
  parsePrivateServerName,
  parseProxyVersion,
} from "./values.ts";

const TCP_ALGORITHMS = [
  "none",
  "source_ip",
  "source_socket",
  "random",
  "round_robin",
  "least_connections",
  "random_two",
] as const satisfies readonly Algorithm[];

const LONGEST_MESSAGE = 1024;

export const tcpAlgorithm = oneOf(TCP_ALGORITHMS);
export const algorithm = oneOf([...TCP_ALGORITHMS, "quic_cid"]);
export const proxyVersion = v.pipe(
  read(parseProxyVersion),
  v.metadata({ enum: ["none", "v1", "v2"] }),
);
const target = read(parseHostPort);
export const networks = (hint: string) => list(read(parseNetwork), hint);
const names = list(read(parseNamePattern), "leave the key out to take every name");
const alpns = list(read(parseAlpn), "leave the key out to take every protocol");

/** A backend as the file gives it. */
export interface TargetTable extends HostPort {
  readonly weight?: number;
}

export const targets = list(
  v.union([
    v.pipe(target, v.transform((at): TargetTable => at)),
    v.pipe(
      table({
        address: requiredKey(target, 'A backend: "host:port"'),
        weight: key(
          wholeNumber(1, 1_000_000),
          "Share of the connections, relative to the other targets",
          ENTRY_DEFAULTS.weight,
        ),
      }),
      v.transform(({ address, ...weight }): TargetTable => ({ ...address, ...weight })),
    ),
  ], expected('"host:port" or { address = "host:port", weight = 1 }')),
  "name a backend, or leave the key out",
);

export const acl = table({
  allow: key(
    networks("leave the key out to let everybody in"),
    "Addresses and networks that may connect; without it everybody may",
  ),
  deny: key(
    networks("leave the key out to refuse nobody"),
    "Addresses and networks that may not connect, asked before allow",
  ),
  message: key(
    v.pipe(text, v.maxBytes(LONGEST_MESSAGE, `expected at most ${LONGEST_MESSAGE} bytes`)),
    "Text that a refused client is sent before its connection is closed",
  ),
});

const ech = table({
  ech_config_list: requiredKey(
    read(parseBase64),
    "The ECHConfigList that clients find in DNS, in base64",
  ),
  private_keys: requiredKey(
    list(read(parseBase64), "name the keys of the configurations"),
    "Raw private keys in base64, each belonging to a configuration of the list",
  ),
  private_server_names: requiredKey(
    list(read(parsePrivateServerName), "name the servers that clients may ask for"),
    'Names that a client may hide, as "host" or "host:port"; without a port, the port listened on',
  ),
});

export const entryKeys = {
  protocol: key(
    oneOf(PROTOCOLS),
    "What the client must speak; any is whatever no other entry takes",
  ),
  transport: key(
    oneOf(TRANSPORTS),
    "tcp or udp; without it every one that the protocol exists on",
  ),
  target: key(targets, 'Backends: "host:port", or { address = "host:port", weight = 1 }'),
  load_balance: key(
    algorithm,
    "How the backends share the connections; quic_cid is for quic",
    ENTRY_DEFAULTS.load_balance,
  ),
  action: key(
    oneOf(["forward", "reject"]),
    "reject closes the connections that this entry takes, and drops the datagrams",
    ENTRY_DEFAULTS.action,
  ),
  send_proxy_protocol: key(
    proxyVersion,
    "Tell the backends the client's address: v1, v2 or none; without it as tcp_send_proxy_protocol",
  ),
  server_names: key(
    names,
    "tls, quic, dtls: names that the client asks for (SNI), *.example.com for all below",
  ),
  alpns: key(
    alpns,
    "tls, quic, dtls: application protocols, of which the client offers one (ALPN)",
  ),
  alpn: key(alpns, "Another spelling of alpns"),
  hosts: key(names, "http: names in the Host header, *.example.com for all below"),
  dns_names: key(names, "dns: names that are asked for, *.example.com for all below"),
  patterns: key(
    list(read(parsePattern), "write a regular expression"),
    "regex: expressions, of which one matches the first min_length bytes, read as Latin-1",
  ),
  min_length: key(
    wholeNumber(1, 1_048_576),
    "regex: bytes that the patterns are shown",
    ENTRY_DEFAULTS.min_length,
  ),
  idle_lifetime: key(duration(0), "On UDP: as udp_idle_lifetime, which holds without it"),
  reply_timeout: key(duration(0), "On UDP: as udp_reply_timeout, which holds without it"),
  acl: key(acl, "Who may use this entry; takes the place of the listener's acl"),
  ech: key(ech, "tls: names hidden by Encrypted ClientHello"),
};
