/**
 * Who may look, and who may do something: the pages that the inspector served itself, and no other web page that is open
 * in the same browser.
 *
 * @module
 */
import type { Answer, Request } from "../../web/http.ts";

/**
 * The field that a POST must have. A page of another origin cannot send it without asking first (the Fetch standard,
 * "CORS-preflight fetch"), and is not answered then.
 */
const OWN_FIELD = "x-sluice";

/**
 * @param port Where the inspector listens, on loopback.
 * @returns Why a request is turned away; `undefined` if it may go on.
 */
export function turnAway(
  { method, path, fields }: Request,
  port: number,
): Answer | undefined {
  // A name of somebody else that leads here (DNS rebinding) would make this page one of his.
  const host = fields.get("host")?.toLowerCase() ?? "";
  const names = ["127.0.0.1", "localhost", "[::1]"];
  const hosts = names.flatMap((name) => port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]);
  if (!hosts.includes(host)) return no("ask for this page at 127.0.0.1");
  const origin = fields.get("origin");
  if (origin !== undefined && origin !== `http://${host}`) {
    return no("not for pages from elsewhere");
  }
  const site = fields.get("sec-fetch-site");
  const isLink = method === "GET" && path === "/";
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isLink) {
    return no("not for pages from elsewhere");
  }
  if (method === "POST" && (origin === undefined || !fields.has(OWN_FIELD))) {
    return no("only the page itself does this");
  }
  return undefined;
}

function no(why: string): Answer {
  return { status: 403, body: `${why}\n` };
}
