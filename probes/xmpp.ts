/**
 * XMPP. The client opens a stream first (RFC 6120 §4.2):
 *
 * ```
 * [ BOM ] [ space ] [ "<?xml version='1.0'" … "?>" ] [ space ]
 * "<stream:stream" { space name = 'value' }* [ space ] ">"
 * ```
 *
 * Among the attributes are the two name spaces that make it XMPP (§4.8.1, §4.8.2).
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { probe } from "./probe.ts";

/** Where the tag must have ended, counted from the first byte; real ones take 200. */
const MAX_HEADER_LENGTH = 2048;
const MAX_SPACE = 64;
const MAX_DECLARATION_LENGTH = 128;
const STREAMS = "http://etherx.jabber.org/streams";
const GREATER_THAN = 0x3e;

const ATTRIBUTES = /^(?:[ \t\r\n]+[\w:.-]+[ \t\r\n]*=[ \t\r\n]*(?:'[^'<]*'|"[^"<]*"))*[ \t\r\n]*$/;
const ATTRIBUTE = /([\w:.-]+)[ \t\r\n]*=[ \t\r\n]*(?:'([^'<]*)'|"([^"<]*)")/g;

/** Matches the opening of a stream; gives `details.namespace`, and `details.to` where it is said. */
export const xmpp = probe((head) => {
  head.starts("\xef\xbb\xbf");
  if (!skipSpace(head)) return undefined;
  if (head.starts("<?xml")) {
    const declaration = head.until(GREATER_THAN, MAX_DECLARATION_LENGTH);
    if (!declaration || !/^[ \t\r\n]+version[^<]*\?$/.test(declaration)) return undefined;
    if (!skipSpace(head)) return undefined;
  }
  if (!head.starts("<stream:stream")) return undefined;
  const attributes = readAttributes(head.until(GREATER_THAN, MAX_HEADER_LENGTH - head.offset));
  const namespace = attributes?.get("xmlns");
  if (!namespace?.startsWith("jabber:")) return undefined;
  if (attributes?.get("xmlns:stream") !== STREAMS) return undefined;
  const to = attributes.get("to");
  return { protocol: "xmpp", details: { namespace, ...(to !== undefined && { to }) } };
});

/** Whether there is not too much of it. */
function skipSpace(head: ByteReader): boolean {
  for (let skipped = 0; " \t\r\n".includes(String.fromCharCode(head.peek())); skipped++) {
    if (skipped === MAX_SPACE) return false;
    head.skip(1);
  }
  return true;
}

/** The attributes of a tag, `text` being what stands behind its name. */
function readAttributes(text: string | undefined): ReadonlyMap<string, string> | undefined {
  if (text === undefined || !ATTRIBUTES.test(text)) return undefined;
  return new Map(
    Array.from(
      text.matchAll(ATTRIBUTE),
      ([, name = "", single, double]) => [name, single ?? double ?? ""],
    ),
  );
}
