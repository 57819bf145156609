/**
 * Where the body of a message ends (RFC 9112 §6.3).
 *
 * @module
 */
import { listOf, valuesOf } from "./fields.ts";
import { BadMessage, type RequestHead, type ResponseHead } from "./head.ts";

export type Framing =
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until_close" };

const NONE: Framing = { kind: "length", length: 0 };
const CHUNKED: Framing = { kind: "chunked" };
const UNTIL_CLOSE: Framing = { kind: "until_close" };

/** Codings that may stand before `chunked` (RFC 9112 §7.2). */
const CODINGS = new Set(["gzip", "x-gzip", "deflate", "compress", "x-compress"]);

/**
 * Of a request.
 * @throws {BadMessage} If another reader might find another end.
 */
export function requestFraming({ version, fields }: RequestHead): Framing {
  const codings = valuesOf(fields, "transfer-encoding");
  const lengths = valuesOf(fields, "content-length");
  if (codings.length === 0) return lengths.length === 0 ? NONE : lengthOf(lengths);
  if (lengths.length > 0) {
    throw new BadMessage(400, "both Content-Length and Transfer-Encoding");
  }
  if (version === "1.0") throw new BadMessage(400, "Transfer-Encoding in HTTP/1.0");
  if (codings.length > 1) throw new BadMessage(400, "more than one Transfer-Encoding");
  const list = codings[0]!.toLowerCase().split(/[ \t]*,[ \t]*/);
  if (list.pop() !== "chunked") {
    throw new BadMessage(400, "a Transfer-Encoding that does not end with chunked");
  }
  if (!list.every((coding) => CODINGS.has(coding))) {
    throw new BadMessage(501, "an unknown Transfer-Encoding");
  }
  return CHUNKED;
}

/**
 * Of the answer to a request with `method`, if there was one.
 * @throws {BadMessage}
 */
export function responseFraming(
  { status, fields }: ResponseHead,
  method: string | undefined,
): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return NONE;
  const codings = listOf(fields, "transfer-encoding");
  if (codings.length > 0) {
    return codings.at(-1)?.toLowerCase() === "chunked" ? CHUNKED : UNTIL_CLOSE;
  }
  const lengths = listOf(fields, "content-length");
  if (lengths.length === 0) return UNTIL_CLOSE;
  return lengthOf([...new Set(lengths)]);
}

function lengthOf(values: readonly string[]): Framing {
  const [value = ""] = values;
  if (values.length > 1) throw new BadMessage(400, "more than one Content-Length");
  const length = Number(value);
  if (!/^[0-9]+$/.test(value) || !Number.isSafeInteger(length)) {
    throw new BadMessage(400, "the Content-Length is malformed");
  }
  return { kind: "length", length };
}
