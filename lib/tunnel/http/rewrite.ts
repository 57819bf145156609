/**
 * What an http endpoint may change about the head of a request.
 *
 * @module
 */
import { formatAddress, type SocketAddress, unmapped } from "../../addr.ts";
import { type Field, listOf, valueOf } from "./fields.ts";
import { fromLatin1, type ParsedRequest, type RequestHead } from "./head.ts";

export interface Rewriting {
  readonly visitor: SocketAddress;
  readonly forwarded: "replace" | "append" | undefined;
  readonly host: string | undefined;
  /** Whether the agent asks for a password: then it is not passed on, and neither is a wish to go on without being asked. */
  readonly isGuarded: boolean;
}

const FORWARDED = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
]);
/** Of a connection that becomes HTTP/2 (RFC 7540 §3.2): its further requests could not be asked for a password. */
const H2C_UPGRADE = new Set(["upgrade", "http2-settings"]);

/**
 * The head as it is passed on, and its bytes. Lines that nothing is to be changed about stay as they are.
 * @param authority Whom the visitor asked for.
 */
export function rewrite(
  { head, lines }: ParsedRequest,
  authority: string | undefined,
  rewriting: Rewriting,
): { readonly head: RequestHead; readonly bytes: Uint8Array } {
  const { forwarded, host, isGuarded } = rewriting;
  const dropsUpgrade = isGuarded &&
    listOf(head.fields, "upgrade").some((name) => /^h2c$/i.test(name));
  const kept: Array<{ readonly field: Field; readonly line: string }> = [];
  const keep = (...field: Field) => kept.push({ field, line: `${field[0]}: ${field[1]}` });
  if (host !== undefined) keep("Host", host);
  head.fields.forEach((field, index) => {
    // Services that turn names into variables take X_Forwarded_For for X-Forwarded-For.
    const name = field[0].toLowerCase().replaceAll("_", "-");
    const isDropped = forwarded !== undefined && FORWARDED.has(name) ||
      host !== undefined && name === "host" ||
      isGuarded && name === "authorization" ||
      dropsUpgrade && H2C_UPGRADE.has(name);
    if (!isDropped) kept.push({ field, line: lines[index]! });
  });
  if (forwarded !== undefined) {
    const before = forwarded === "append" ? head.fields : [];
    for (const field of forwardedFields(before, rewriting.visitor, authority)) keep(...field);
  }
  const { method, version } = head;
  const target = host === undefined ? head.target : head.target.replace(
    /^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*/i,
    (_, scheme: string) => scheme + host,
  );
  const text = [`${method} ${target} HTTP/${version}`, ...kept.map(({ line }) => line), "", ""];
  return {
    head: { method, target, version, fields: kept.map(({ field }) => field) },
    bytes: fromLatin1(text.join("\r\n")),
  };
}

/** Who asked, for what, behind what `before` says of it. The way from the visitor to the edge is plain HTTP. */
function forwardedFields(
  before: readonly Field[],
  { address, port }: SocketAddress,
  authority: string | undefined,
): Field[] {
  const ip = unmapped(address);
  const node = ip.includes(":") ? `"[${ip}]:${port}"` : `"${ip}:${port}"`;
  const host = authority ? `;host="${authority}"` : "";
  const behind = (name: string, value: string) => [...listOf(before, name), value].join(", ");
  const first = (name: string, value: string) => valueOf(before, name) ?? value;
  return [
    ["X-Forwarded-For", behind("x-forwarded-for", ip)],
    ["X-Forwarded-Proto", first("x-forwarded-proto", "http")],
    ...authority ? [["X-Forwarded-Host", first("x-forwarded-host", authority)] as const] : [],
    ["Forwarded", behind("forwarded", `for=${node};proto=http${host}`)],
  ];
}

/** As `ip:port`. */
export function formatVisitor({ address, port }: SocketAddress): string {
  return formatAddress({ address: unmapped(address), port });
}
