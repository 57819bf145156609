/**
 * Where visitors find an endpoint, in a form that people can use.
 *
 * @module
 */
import type { Config, EdgeConfig } from "../../config/config.ts";
import type { EndpointKind } from "../messages.ts";

/** What leaves the port out of an address. */
const USUAL_PORTS = { http: 80, tls: 443 } as const;

/** Writes `http://blog.tunnel.example.com`, `tls://…:443`, `tcp://tunnel.example.com:20001`, `udp://…`. */
export function addressOf(
  { kind, place }: { readonly kind: EndpointKind; readonly place: string | number },
  { domain, listeners }: EdgeConfig,
  { tcp }: Pick<Config, "tcp">,
): string {
  if (kind === "tcp" || kind === "udp") return `${kind}://${domain}:${place}`;
  const ports = tcp.filter(({ name }) => listeners.includes(name)).map(({ port }) => port);
  const usual = USUAL_PORTS[kind];
  const port = ports.includes(usual) ? usual : ports[0] ?? usual;
  // A name alone says nothing of TLS: what is spoken within is the service's affair.
  const shown = kind === "http" && port === usual ? "" : `:${port}`;
  return `${kind}://${place}.${domain}${shown}`;
}
