/**
 * As much of HTTP/1.1 as it takes to be asked for a page: requests without a body, one on a connection.
 *
 * @module
 */

/** Who asks for what. */
export interface Request {
  readonly method: string;
  /** Without a query. */
  readonly path: string;
}

export interface Answer {
  readonly status: 200 | 400 | 404 | 405 | 500 | 503;
  readonly body: string;
  /** Without it the body is plain text. */
  readonly contentType?: string;
}

/** Makes its answer anew for every request. */
export type Page = () => Answer | Promise<Answer>;

/** By their paths. */
export type Pages = ReadonlyMap<string, Page>;

/** What the first bytes of a connection are. */
export type ParsedRequest =
  | { readonly kind: "match"; readonly request: Request }
  | { readonly kind: "no" }
  /** So many bytes must be there before it is worth to ask again. */
  | { readonly kind: "need"; readonly bytes: number };

/** RFC 9112 §3, with the methods that RFC 9110 §5.6.2 allows. */
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP\/1\.[0-9]$/;

/**
 * Reads the head of a request.
 * @param final Whether no more bytes will come.
 */
export function parseRequest(bytes: Uint8Array, final: boolean): ParsedRequest {
  const text = new TextDecoder("latin1").decode(bytes);
  const need = final ? { kind: "no" } as const : { kind: "need", bytes: bytes.length + 1 } as const;
  // Lines may end with a line feed alone (§2.2).
  const line = /^(.*?)\r?\n/.exec(text)?.[1];
  if (line === undefined) return need;
  const [, method, target] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined) return { kind: "no" };
  if (!/\n\r?\n/.test(text)) return need;
  // A proxy is asked for a whole URL (§3.2.2).
  const path = target.replace(/^https?:\/\/[^/?]*/i, "").replace(/\?.*$/, "");
  return { kind: "match", request: { method, path } };
}

/** Finds the page that is asked for. Only GET and HEAD are understood (RFC 9110 §9.1). */
export async function answer({ method, path }: Request, pages: Pages): Promise<Answer> {
  const page = pages.get(path);
  if (page === undefined) return { status: 404, body: `${[...pages.keys()].join("\n")}\n` };
  if (method !== "GET" && method !== "HEAD") return { status: 405, body: "GET or HEAD\n" };
  return await page();
}

const REASONS: Readonly<Record<Answer["status"], string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/**
 * An answer as it is sent; the connection ends with it.
 * @param date ms since 1970.
 * @param request What is answered; absent if it was no request.
 */
export function formatAnswer(
  { status, body, contentType = "text/plain; charset=utf-8" }: Answer,
  date: number,
  request?: Request,
): Uint8Array {
  const encoder = new TextEncoder();
  const content = encoder.encode(body);
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    `Date: ${new Date(date).toUTCString()}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${content.length}`,
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    ...status === 405 ? ["Allow: GET, HEAD"] : [],
    "Connection: close",
  ].map((line) => `${line}\r\n`).join("");
  const start = encoder.encode(`${head}\r\n`);
  if (request?.method === "HEAD") return start;
  const bytes = new Uint8Array(start.length + content.length);
  bytes.set(start);
  bytes.set(content, start.length);
  return bytes;
}
