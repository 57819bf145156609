/**
 * A DNS query (RFC 1035 §4.1) for the addresses of a name, as a client sends it to a resolver.
 *
 * @module
 */

const MAX_LABEL_LENGTH = 63;
/** With the lengths of the labels. */
const MAX_NAME_LENGTH = 255;

/** ID 0, the flag "recursion desired", one question, no records. */
const HEADER = [0, 0, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
/** Type A, class IN. */
const TYPE_AND_CLASS = [0, 1, 0, 1];

/**
 * Writes the query.
 * @param name With or without a dot at its end; `.` is the root.
 * @throws {SyntaxError} If no query has such a name.
 */
export function encodeDnsQuery(name: string): Uint8Array {
  const text = name.endsWith(".") ? name.slice(0, -1) : name;
  const labels = text === "" && name !== "" ? [] : text.split(".");
  const encoded = labels.flatMap((label) => [
    label.length,
    ...new TextEncoder().encode(label),
  ]);
  const isName = labels.every(isLabel) && encoded.length < MAX_NAME_LENGTH;
  if (!isName) {
    throw new SyntaxError(
      `no DNS client asks for "${name}": labels have 1 to 63 characters, other scripts go as "xn--..."`,
    );
  }
  return Uint8Array.from([...HEADER, ...encoded, 0, ...TYPE_AND_CLASS]);
}

/** Anything in ASCII that needs no escape. */
function isLabel(label: string): boolean {
  return /^[!-[\]-~]+$/.test(label) && label.length <= MAX_LABEL_LENGTH;
}
