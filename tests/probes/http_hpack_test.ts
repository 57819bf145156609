import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteReader } from "../../probes/bytes.ts";
import { FieldTable, type PackedField, unpackFields } from "../../probes/http_hpack.ts";
import { decodeHuffman } from "../../probes/http_huffman.ts";
import { attempt } from "../../probes/probe.ts";
import { parseHex } from "../support/samples.ts";

/** The fields of blocks, one after the other on a connection. */
function unpack(blocks: readonly string[], limit?: number): PackedField[][] {
  const table = new FieldTable(limit);
  return blocks.map((block) => [...unpackFields(new ByteReader(parseHex(block), false), table)]);
}

const REQUESTS = [
  [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "www.example.com"]],
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
    ["cache-control", "no-cache"],
  ],
  [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ],
];

const dated = (time: string) => [
  ["cache-control", "private"],
  ["date", `Mon, 21 Oct 2013 20:13:${time} GMT`],
  ["location", "https://www.example.com"],
];
const ANSWERS = [
  [[":status", "302"], ...dated("21")],
  [[":status", "307"], ...dated("21")],
  [
    [":status", "200"],
    ...dated("22"),
    ["content-encoding", "gzip"],
    ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
  ],
];

Deno.test("single fields of RFC 7541 C.2", () => {
  const fields: Readonly<Record<string, PackedField>> = {
    "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572": [
      "custom-key",
      "custom-header",
    ],
    "040c 2f73 616d 706c 652f 7061 7468": [":path", "/sample/path"],
    "1008 7061 7373 776f 7264 0673 6563 7265 74": ["password", "secret"],
    "82": [":method", "GET"],
  };
  for (const [block, field] of Object.entries(fields)) assert.deepEqual(unpack([block]), [[field]]);
});

Deno.test("the requests of RFC 7541 C.3 and C.4, plain and in Huffman code", () => {
  const plain = [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ];
  const coded = [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ];
  assert.deepEqual(unpack(plain), REQUESTS);
  assert.deepEqual(unpack(coded), REQUESTS);
});

Deno.test("the answers of RFC 7541 C.5 and C.6, with a table of 256 bytes, from which entries give way", () => {
  const plain = [
    "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133" +
    "3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "4803 3330 37c1 c0bf",
    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a" +
    "6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d" +
    "6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
  ];
  const coded = [
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d" +
    "29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    "4883 640e ffc1 c0bf",
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d" +
    "d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106" +
    "3d50 07",
  ];
  const [first, second, third] = ANSWERS;
  for (const blocks of [plain, coded]) {
    const [one, two, three] = unpack(blocks, 256);
    assert.deepEqual(one, first);
    assert.deepEqual(two, second);
    const { 0: status, 1: cache, 2: date, 3: location, ...rest } = third!;
    assert.deepEqual(three, [status, cache, date, location, ...Object.values(rest)]);
  }
});

Deno.test("the size of the table may change, but not beyond its limit", () => {
  // To 0, and back: what was in it is gone.
  assert.deepEqual(unpack(["40 01 61 01 62", "20 3f e1 1f be"]), [[["a", "b"]], []]);
  assert.deepEqual(unpack(["3f e2 1f 82"]), [[]]);
  assert.deepEqual(unpack(["3f e1 1f 82"]), [[[":method", "GET"]]]);
});

Deno.test("an entry that is larger than the table empties it", () => {
  assert.deepEqual(unpack(["40 01 61 01 62 40 01 63 02 64 64 be"], 34), [[["a", "b"], [
    "c",
    "dd",
  ]]]);
});

Deno.test("what is malformed ends a block, and what is cut off is a shortage", () => {
  for (
    const block of ["80", "ff 00 00", "be", "ff ff ff ff ff 7f", "40 81 00 01 61", "7f 00 01 61"]
  ) {
    const read = attempt(
      (reader) => [...unpackFields(reader, new FieldTable())],
      parseHex(block),
      true,
    );
    assert.ok(!Array.isArray(read) || read.length === 0, block);
  }
  for (const block of ["ff", "40", "40 01", "41 05 61", "40 85 00"]) {
    const read = attempt(
      (reader) => [...unpackFields(reader, new FieldTable())],
      parseHex(block),
      true,
    );
    assert.deepEqual(read, { kind: "no" }, block);
  }
});

Deno.test("padding of Huffman code is of ones, and shorter than a byte; its end is no symbol", () => {
  assert.equal(decodeHuffman(parseHex("")), "");
  assert.equal(decodeHuffman(parseHex("1f")), "a");
  assert.equal(decodeHuffman(parseHex("18")), undefined);
  assert.equal(decodeHuffman(parseHex("1f ff")), undefined);
  assert.equal(decodeHuffman(parseHex("ff ff ff ff")), undefined);
});

Deno.test("random blocks throw nothing but a shortage", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      attempt((reader) => [...unpackFields(reader, new FieldTable(100))], bytes, true);
    }),
    { numRuns: 2_000 },
  );
});
