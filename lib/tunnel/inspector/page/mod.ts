/**
 * The files of the page, which come with the executable. They load nothing from elsewhere.
 *
 * @module
 */
import type { Page } from "../../../web/http.ts";
import bodies from "./bodies.js" with { type: "text" };
import chart from "./chart.js" with { type: "text" };
import details from "./details.js" with { type: "text" };
import format from "./format.js" with { type: "text" };
import list from "./list.js" with { type: "text" };
import main from "./main.js" with { type: "text" };
import page from "./page.html" with { type: "text" };
import style from "./style.css" with { type: "text" };

/** By their paths. */
export const files: ReadonlyArray<readonly [path: string, page: Page]> = [
  ["/", file(page, "text/html")],
  ["/style.css", file(style, "text/css")],
  ...Object.entries({ bodies, chart, details, format, list, main })
    .map(([name, text]) => [`/${name}.js`, file(text, "text/javascript")] as const),
];

/** Fields of every answer: the page runs its own scripts alone, is in no frame, and asks nobody but the inspector. */
export const HEADERS: readonly string[] = [
  "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; " +
  "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy: same-origin",
  "Cross-Origin-Opener-Policy: same-origin",
  "Referrer-Policy: no-referrer",
];

function file(body: string, contentType: string): Page {
  return () => ({ status: 200, body, contentType: `${contentType}; charset=utf-8` });
}
