/**
 * What the demo sends by TCP, and what must become of it.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { EndReason } from "../access_log.ts";
import type { Backends, Certificates } from "./backends.ts";
import { asks, http1, http2, listens, overTls, tells, throughSocks5 } from "./clients.ts";
import { greeting, HOST } from "./host.ts";
import { OPENINGS } from "./openings.ts";
import type { Wire } from "./wire.ts";

/** A line of the table, with the kind of socket that its client uses. */
export interface Row<Own extends Wire> {
  /** What is sent, in words. */
  readonly sent: string;
  /** Uses the socket to its end, and gives what the backend answered, one character a byte; rejects if it did not. */
  readonly client: (wire: Own) => Promise<string>;
  readonly expected: Expected;
}

type TcpRow = Row<Socket>;

export interface Expected {
  readonly protocol?: string;
  readonly serverName?: string;
  readonly alpns?: readonly string[];
  readonly host?: string;
  readonly dnsName?: string;
  readonly route?: string;
  /** The name of the backend; absent where the connection is closed without one. */
  readonly backend?: string;
  /** What the backend answers, to the byte. */
  readonly answer?: string;
  /** `ended` where it is absent. */
  readonly reason?: EndReason;
  /** Set where what the client reads is not in its socket's count on every runtime: HTTP/2 takes the socket over. */
  readonly isReadUncounted?: true;
}

/** A client of every protocol. */
export function rows(backends: Backends, certificates: Certificates): readonly TcpRow[] {
  const web = { host: HOST, port: backends.port("web") };
  return [
    ...httpRows(),
    ...tlsRows(certificates),
    {
      sent: "SSH banner",
      client: asks("SSH-2.0-visitor\r\n"),
      expected: { protocol: "ssh", route: "ssh", backend: "blue", answer: "SSH-2.0-blue\r\n" },
    },
    {
      sent: "HTTP through SOCKS5",
      client: throughSocks5(web, http1(`${HOST}:${web.port}`)),
      expected: { protocol: "socks5", route: "socks5", backend: "socks5", answer: greeting("web") },
    },
    ...OPENINGS.map(({ protocol, title, says, answer }) => ({
      sent: title,
      client: answer === undefined ? tells(says) : asks(says),
      expected: { protocol, route: protocol, backend: protocol, answer: answer ?? "" },
    })),
    {
      sent: "EHLO visitor.demo",
      client: asks("EHLO visitor.demo\r\n"),
      expected: {
        protocol: "regex",
        route: "mail",
        backend: "mail",
        answer: "220 mail.demo ESMTP\r\n250 mail.demo\r\n",
      },
    },
    {
      sent: "a line of text",
      client: asks("good morning\n"),
      expected: { route: "default", backend: "echo", answer: "good morning\n" },
    },
    {
      sent: "nothing: it listens",
      client: listens("QUIT\r\n"),
      expected: { route: "mail", backend: "mail", answer: "220 mail.demo ESMTP\r\n221 bye\r\n" },
    },
  ];
}

function httpRows(): readonly TcpRow[] {
  const get = (host: string, expected: Expected): TcpRow => ({
    sent: `HTTP to ${host}`,
    client: http1(host),
    expected: { protocol: "http", host, ...expected },
  });
  return [
    get("www.demo", { route: "web", backend: "web", answer: greeting("web") }),
    get("api.demo", { route: "api", backend: "api", answer: greeting("api") }),
    get("admin.demo", { route: "admin", reason: "rejected" }),
    {
      sent: "HTTP/2 to h2.demo",
      client: http2,
      expected: {
        protocol: "http",
        host: "h2.demo",
        route: "h2c",
        backend: "h2c",
        answer: greeting("h2c"),
        isReadUncounted: true,
      },
    },
  ];
}

/** Each client trusts the one certificate of the backend that it means to reach, and asks for it by name. */
function tlsRows({ a, b }: Certificates): readonly TcpRow[] {
  const h1 = ["http/1.1"];
  const h2 = ["h2", "http/1.1"];
  const get = (
    serverName: string,
    alpns: readonly string[],
    trusted: string,
    expected: Expected,
  ): TcpRow => ({
    sent: `${alpns === h2 ? "HTTP/2" : "HTTPS"} to ${serverName}`,
    client: overTls(serverName, alpns, trusted, alpns === h2 ? http2 : http1(serverName)),
    expected: { protocol: "tls", serverName, alpns, ...expected },
  });
  return [
    get("a.demo", h1, a.cert, { route: "site_a", backend: "site-a", answer: greeting("site-a") }),
    get("b.demo", h2, b.cert, {
      route: "site_b_h2",
      backend: "site-b-h2",
      answer: greeting("site-b-h2"),
    }),
    get("www.b.demo", h1, b.cert, {
      route: "site_b",
      backend: "site-b",
      answer: greeting("site-b"),
    }),
    get("c.demo", h1, a.cert, { reason: "no_route" }),
  ];
}
