/**
 * What a visitor of an http endpoint is shown where the service cannot answer.
 *
 * @module
 */
import type { EndReason } from "../../access_log.ts";
import style from "./pages.css" with { type: "text" };

interface Page {
  readonly status: string;
  readonly title: string;
  readonly text: string;
}

/** s */
const RETRY_AFTER = 5;

/** The page for who ends for such a reason; absent where a close says as much. */
const PAGES: Readonly<Partial<Record<EndReason, Page>>> = {
  no_route: {
    status: "404 Not Found",
    title: "Nobody is here",
    text: "There is no service of this name. It may have been given another one.",
  },
  agent_away: {
    status: "503 Service Unavailable",
    title: "Away for the moment",
    text:
      "The service has lost its connection to the tunnel. It comes back by itself: try again in a few seconds.",
  },
  connect_failed: {
    status: "502 Bad Gateway",
    title: "The service does not answer",
    text: "The tunnel is up, but the service behind it cannot be reached.",
  },
  limit_agent: {
    status: "503 Service Unavailable",
    title: "Too many visitors",
    text: "The service has as many visitors as it may have at once. Try again in a few seconds.",
  },
  acl_denied: {
    status: "403 Forbidden",
    title: "Not from your address",
    text: "The service takes visitors from certain addresses only.",
  },
};

/**
 * The whole answer, after which the connection is closed; `undefined` where there is none.
 * @param head What the visitor has sent so far: it says what kind of text he takes.
 */
export function pageFor(
  reason: EndReason,
  host: string,
  detail: string | undefined,
  head: Uint8Array,
): Uint8Array | undefined {
  const page = PAGES[reason];
  if (page === undefined) return undefined;
  const { method, wantsHtml } = readRequest(head);
  const shown = { ...page, host, ...detail !== undefined && { detail } };
  const body = new TextEncoder().encode(wantsHtml ? asHtml(shown) : asText(shown));
  const fields = [
    `HTTP/1.1 ${page.status}`,
    `Content-Type: text/${wantsHtml ? "html" : "plain"}; charset=utf-8`,
    `Content-Length: ${body.length}`,
    ...page.status.startsWith("503") ? [`Retry-After: ${RETRY_AFTER}`] : [],
    "Cache-Control: no-store",
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options: nosniff",
    "Connection: close",
  ];
  const start = new TextEncoder().encode(`${fields.join("\r\n")}\r\n\r\n`);
  if (method === "HEAD") return start;
  const whole = new Uint8Array(start.length + body.length);
  whole.set(start);
  whole.set(body, start.length);
  return whole;
}

function readRequest(head: Uint8Array) {
  const text = new TextDecoder("latin1").decode(head);
  const [fields = ""] = text.split(/\r?\n\r?\n/);
  return {
    method: text.slice(0, text.indexOf(" ")),
    wantsHtml: /^accept:[^\r\n]*\btext\/html\b/im.test(fields),
  };
}

interface Shown extends Page {
  readonly host: string;
  readonly detail?: string;
}

function asText({ status, host, text, detail }: Shown): string {
  return `${status}\n\n${host}: ${text}\n${detail === undefined ? "" : `\n${detail}\n`}`;
}

function asHtml({ status, title, host, text, detail }: Shown): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
<main>
<p class="status">${escaped(status)}</p>
<h1>${escaped(title)}</h1>
<p class="host">${escaped(host)}</p>
<p>${escaped(text)}</p>
${detail === undefined ? "" : `<pre>${escaped(detail)}</pre>\n`}</main>
<footer>sluice</footer>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
