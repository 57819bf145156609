/**
 * HPACK (RFC 7541): the fields of a request of HTTP/2, packed.
 *
 * ```
 * 1 index+                                     a field of the tables (§6.1)
 * 01 index+ [name] value                       a field, which goes into the dynamic table (§6.2.1)
 * 0000, 0001 index+ [name] value               a field that does not (§6.2.2, §6.2.3); with index 0 its name is there
 * 001 size+                                    the dynamic table's size from here on (§6.3)
 * ```
 *
 * `+` is an integer that fills the byte, and others if it has to (§5.1); a name or value is `H length+ bytes`, where H
 * says whether they are in Huffman code (§5.2).
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { decodeHuffman } from "./http_huffman.ts";

/** A field, one character a byte. */
export type PackedField = readonly [name: string, value: string];

/** What a field takes of the dynamic table beside its bytes (§4.1). */
const OVERHEAD = 32;

/** The fields that an index may name: of everybody, and of those that came before on the connection (§2.3). */
export class FieldTable {
  readonly #limit: number;
  /** The latest first. */
  #dynamic: PackedField[] = [];
  #most: number;

  /** @param limit The most that the dynamic table may hold: what the reader said, or 4,096 before it has. */
  constructor(limit = 4096) {
    this.#limit = this.#most = limit;
  }

  get(index: number): PackedField | undefined {
    return STATIC[index - 1] ?? this.#dynamic[index - 1 - STATIC.length];
  }

  add(field: PackedField): void {
    this.#dynamic.unshift(field);
    this.#evict();
  }

  /** Whether the size is one that it may have. */
  resize(size: number): boolean {
    this.#most = size;
    this.#evict();
    return size <= this.#limit;
  }

  #evict(): void {
    let size = 0;
    const fits = ([name, value]: PackedField) =>
      (size += name.length + value.length + OVERHEAD) <= this.#most;
    const end = this.#dynamic.findIndex((field) => !fits(field));
    if (end >= 0) this.#dynamic.length = end;
  }
}

/**
 * Reads the fields of a block in their order. What is malformed ends it, as does a closed reader that runs short, by its
 * `Shortage`.
 */
export function* unpackFields(block: ByteReader, table: FieldTable): Generator<PackedField> {
  while (block.remaining > 0) {
    const first = block.u8();
    if (first >> 5 === 0b001) {
      const size = integer(block, first, 5);
      if (size === undefined || !table.resize(size)) return;
      continue;
    }
    const field = first >= 0x80
      ? table.get(integer(block, first, 7) ?? 0)
      : literal(block, table, integer(block, first, first >= 0x40 ? 6 : 4));
    if (field === undefined) return;
    if (first >> 6 === 0b01) table.add(field);
    yield field;
  }
}

function literal(
  block: ByteReader,
  table: FieldTable,
  index: number | undefined,
): PackedField | undefined {
  if (index === undefined) return undefined;
  const name = index === 0 ? string(block) : table.get(index)?.[0];
  const value = name === undefined ? undefined : string(block);
  return name === undefined || value === undefined ? undefined : [name, value];
}

function string(block: ByteReader): string | undefined {
  const first = block.u8();
  const length = integer(block, first, 7);
  if (length === undefined) return undefined;
  return first < 0x80 ? block.text(length) : decodeHuffman(block.bytes(length));
}

/** An integer that begins in the last `bits` of `first`; `undefined` if it is far too long. */
function integer(block: ByteReader, first: number, bits: number): number | undefined {
  const most = (1 << bits) - 1;
  let value = first & most;
  if (value < most) return value;
  for (let shift = 0; shift <= 21; shift += 7) {
    const byte = block.u8();
    value += (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return undefined;
}

/** Appendix A: a name and a value a line. */
const STATIC: readonly PackedField[] = `\
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split("\n").map((line) => {
  const [name = "", ...value] = line.split(" ");
  return [name, value.join(" ")];
});
