// Bodies: JSON with its structure, text, images, and everything else in hex.

import { element, size } from "./format.js";

/** Most bytes that are made of a compressed body, and that are shown in hex. */
const MOST_DECODED = 1_048_576;
const MOST_HEX = 16_384;

/** Elements that show a body. `fields` are those of its message. */
export async function bodyView(body, fields) {
  if (body.length === 0) return [element("p", { className: "quiet" }, "No body.")];
  if (body.kept === 0) return [note(`${size(body.length)}, of which nothing was kept.`)];
  const raw = Uint8Array.fromBase64?.(body.base64) ??
    Uint8Array.from(atob(body.base64), (c) => c.charCodeAt(0));
  const { bytes, notes } = await decoded(raw, valueOf(fields, "content-encoding"));
  if (body.kept < body.length) {
    notes.unshift(`Of ${size(body.length)} the first ${size(body.kept)} were kept.`);
  }
  const views = viewsOf(bytes, valueOf(fields, "content-type").toLowerCase());
  const shown = element("div");
  const show = (name) => {
    shown.replaceChildren(views[name]());
    for (const button of bar.children) {
      button.setAttribute("aria-pressed", button.textContent === name);
    }
  };
  const bar = element("div", { className: "views", role: "group", "aria-label": "Show as" });
  bar.append(
    ...Object.keys(views).map((name) =>
      element("button", { type: "button", onclick: () => show(name) }, name)
    ),
  );
  show(Object.keys(views)[0]);
  return [...notes.map(note), bar, shown];
}

function note(text) {
  return element("p", { className: "quiet" }, text);
}

function valueOf(fields, name) {
  return fields.find(([each]) => each.toLowerCase() === name)?.[1] ?? "";
}

/** The content of a body that was compressed for the way. */
async function decoded(bytes, encoding) {
  const format = {
    gzip: "gzip",
    "x-gzip": "gzip",
    deflate: "deflate",
    br: "brotli",
  }[encoding.trim().toLowerCase()];
  if (format === undefined) return { bytes, notes: [] };
  const parts = [];
  let length = 0;
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
    for await (const part of stream) {
      parts.push(part);
      length += part.length;
      if (length > MOST_DECODED) break;
    }
  } catch {
    // What came out before that can be shown; without any, what went in.
    if (parts.length === 0) return { bytes, notes: [`It is compressed (${encoding}).`] };
  }
  const content = new Uint8Array(await new Blob(parts).arrayBuffer()).subarray(0, MOST_DECODED);
  const notes = length > MOST_DECODED
    ? [`Of what was compressed the first ${size(MOST_DECODED)} are shown.`]
    : [];
  return { bytes: content, notes };
}

/** The ways to show it, the best one first. */
function viewsOf(bytes, type) {
  const views = {};
  const text = textOf(bytes);
  if (/^image\/(?!x-)/.test(type)) views.Image = () => image(bytes, type);
  if (text !== undefined) {
    const pretty = /json/.test(type) || /^\s*[[{]/.test(text) ? prettyJson(text) : undefined;
    if (pretty !== undefined) views.JSON = () => element("pre", {}, pretty);
    if (/^application\/x-www-form-urlencoded/.test(type)) views.Form = () => form(text);
    views.Text = () => element("pre", { className: "wraps" }, text);
  }
  views.Hex = () => element("pre", {}, hexOf(bytes));
  return views;
}

/** The text that bytes are, if they are one; its last character may have been cut off. */
function textOf(bytes) {
  if (bytes.some((byte) => byte < 0x09 || byte > 0x0d && byte < 0x1b)) return undefined;
  for (let cut = 0; cut < 4 && cut <= bytes.length; cut++) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(
        bytes.subarray(0, bytes.length - cut),
      );
    } catch {
      // Not so.
    }
  }
  return undefined;
}

function image(bytes, type) {
  const src = URL.createObjectURL(new Blob([bytes], { type: type.split(";")[0] }));
  const forget = () => URL.revokeObjectURL(src);
  return element("img", {
    className: "image",
    alt: "The body",
    src,
    onload: forget,
    onerror: forget,
  });
}

function form(text) {
  const pairs = [...new URLSearchParams(text)];
  return element(
    "dl",
    { className: "fields" },
    ...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

/** JSON in lines, every value as it was written; undefined if it is none. */
export function prettyJson(text) {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  return tokens.map((token, index) => {
    switch (token) {
      case "{":
      case "[":
        if (isClose(tokens[index + 1])) return token;
        depth++;
        return token + line();
      case "}":
      case "]":
        if (isOpen(tokens[index - 1])) return token;
        depth--;
        return line() + token;
      case ",":
        return token + line();
      case ":":
        return ": ";
      default:
        return token;
    }
  }).join("");
}

const isOpen = (token) => token === "{" || token === "[";
const isClose = (token) => token === "}" || token === "]";

function hexOf(bytes) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, MOST_HEX); at += 16) {
    const row = [...bytes.subarray(at, Math.min(at + 16, MOST_HEX))];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : ".")
      .join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  if (bytes.length > MOST_HEX) lines.push(`… ${size(bytes.length - MOST_HEX)} more`);
  return lines.join("\n");
}
