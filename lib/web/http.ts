/**
 * As much of HTTP/1.1 as it takes to be asked for a page: requests whose body is of no account, one on a connection.
 *
 * @module
 */
import type { Conn } from "../runtime/runtime.ts";

/** Who asks for what. */
export interface Request {
  readonly method: string;
  /** Without a query. */
  readonly path: string;
  /** Behind the `?`. */
  readonly query: string;
  /** By names in lower case; what is said twice stands in one value, with a comma between. */
  readonly fields: ReadonlyMap<string, string>;
}

export interface Answer {
  readonly status: 200 | 400 | 403 | 404 | 405 | 409 | 429 | 500 | 502 | 503;
  readonly body: string | Stream;
  /** Without it the body is plain text. */
  readonly contentType?: string;
  /** With 405: the methods that would do. */
  readonly allow?: string;
}

/** A body without an end: writes to the client until that one leaves, and is then told so by an error of `write`. */
export type Stream = (to: Pick<Conn, "write">) => Promise<void>;

/** Makes its answer anew for every request. */
export type Page = (request: Request) => Answer | Promise<Answer>;

/** By their paths. */
export type Pages = ReadonlyMap<string, Page>;

/** What is served. */
export interface Site {
  readonly pages: Pages;
  /** What a POST does, by its path. */
  readonly actions?: Pages;
  /** Asked before everything else: the answer for who has no business here. */
  readonly guard?: (request: Request) => Answer | undefined;
  /** Fields of every answer, as lines without their ends. */
  readonly fields?: readonly string[];
}

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
  const end = /\n\r?\n/.exec(text)?.index;
  if (end === undefined) return need;
  // A proxy is asked for a whole URL (§3.2.2).
  const [, path = "", query = ""] = /^([^?]*)\??(.*)$/.exec(
    target.replace(/^https?:\/\/[^/?]*/i, ""),
  ) ?? [];
  return {
    kind: "match",
    request: { method, path, query, fields: parseFields(text.slice(0, end)) },
  };
}

function parseFields(head: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of head.split(/\r?\n/).slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const values = [fields.get(name), line.slice(colon + 1).trim()];
    fields.set(name, values.filter((value) => value !== undefined).join(", "));
  }
  return fields;
}

/** Finds the page that is asked for. Only GET and HEAD are understood (RFC 9110 §9.1), and POST by actions. */
export async function answer(request: Request, site: Site): Promise<Answer> {
  const { pages, actions, guard } = site;
  const refused = guard?.(request);
  if (refused !== undefined) return refused;
  const { method, path } = request;
  const action = actions?.get(path);
  const page = action ?? pages.get(path);
  if (page === undefined) return { status: 404, body: `${[...pages.keys()].join("\n")}\n` };
  const methods = action === undefined ? ["GET", "HEAD"] : ["POST"];
  if (!methods.includes(method)) {
    return { status: 405, body: `${methods.join(" or ")}\n`, allow: methods.join(", ") };
  }
  return await page(request);
}

const REASONS: Readonly<Record<Answer["status"], string>> = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

/**
 * An answer as it is sent, of a stream the head; the connection ends with it.
 * @param date ms since 1970.
 * @param request What is answered; absent if it was no request.
 */
export function formatAnswer(
  { status, body, contentType = "text/plain; charset=utf-8", allow }: Answer,
  date: number,
  request?: Request,
  fields: readonly string[] = [],
): Uint8Array {
  const encoder = new TextEncoder();
  const content = typeof body === "string" ? encoder.encode(body) : undefined;
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    `Date: ${new Date(date).toUTCString()}`,
    `Content-Type: ${contentType}`,
    ...content === undefined ? [] : [`Content-Length: ${content.length}`],
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    ...allow === undefined ? [] : [`Allow: ${allow}`],
    ...fields,
    "Connection: close",
  ].map((line) => `${line}\r\n`).join("");
  const start = encoder.encode(`${head}\r\n`);
  if (content === undefined || request?.method === "HEAD") return start;
  const bytes = new Uint8Array(start.length + content.length);
  bytes.set(start);
  bytes.set(content, start.length);
  return bytes;
}
