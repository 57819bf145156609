/**
 * What a visitor is answered whose request goes no further.
 *
 * @module
 */
import type { BadMessage, RefusalStatus, ResponseHead } from "./head.ts";

const REASONS: Readonly<Record<RefusalStatus, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/** The answer's head, and all of it. The connection ends with it. */
export function refusalOf(
  { status, why }: BadMessage,
  method: string,
): { readonly head: ResponseHead; readonly body: Uint8Array; readonly bytes: Uint8Array } {
  const encoder = new TextEncoder();
  const body = encoder.encode(`${status} ${REASONS[status]}: ${why}\n`);
  const fields = [
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Content-Length", String(body.length)],
    ["Cache-Control", "no-store"],
    ...status === 401
      ? [["WWW-Authenticate", 'Basic realm="sluice", charset="UTF-8"'] as const]
      : [],
    ["Connection", "close"],
  ] as const;
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    "",
    "",
  ];
  const head = encoder.encode(lines.join("\r\n"));
  const bytes = new Uint8Array(head.length + (method === "HEAD" ? 0 : body.length));
  bytes.set(head);
  if (method !== "HEAD") bytes.set(body, head.length);
  return { head: { status, reason: REASONS[status], version: "1.1", fields }, body, bytes };
}
