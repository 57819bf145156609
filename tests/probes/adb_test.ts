import assert from "node:assert/strict";
import { adb } from "../../probes/adb.ts";
import { bytes, concat } from "../support/bytes.ts";
import { overlooked, range } from "../support/near_misses.ts";

const NO = { kind: "no" };

/** A connect message, its checksum left out as versions since 0x01000001 do. */
function connect(identity = "host::", { version = 1, length = identity.length } = {}) {
  return concat(
    ...["CNXN", version, "\0\0\x01", "\0\0\x10\0"],
    ...[
      length & 0xff,
      length >> 8 & 0xff,
      length >> 16,
      0,
      "\0\0\0\0",
      "\xbc\xb1\xa7\xb1",
      identity,
    ],
  );
}

Deno.test("a connect message of a host is adb, in both versions", () => {
  for (const version of [0, 1]) {
    assert.deepEqual(adb(connect("host::", { version }), false), {
      kind: "match",
      facts: { protocol: "adb", details: { version: `0x0100000${version}` } },
    });
  }
  assert.deepEqual(adb(connect("host::", { version: 2 }), false), NO);
});

Deno.test("nothing behind the identity is waited for", () => {
  const message = connect("host::features=shell_v2,cmd");
  assert.equal(adb(message.subarray(0, 30), false).kind, "match");
  assert.deepEqual(adb(message.subarray(0, 29), false), { kind: "need", bytes: 30 });
  assert.deepEqual(adb(message.subarray(0, 29), true), NO);
});

Deno.test("one wrong byte in the constant parts says no", () => {
  const constant = [...range(0, 4), ...range(5, 8), 14, 15, ...range(20, 30)];
  assert.deepEqual(overlooked(adb, connect(), constant), []);
});

Deno.test("an identity of a device, or of an impossible length, says no", () => {
  assert.deepEqual(adb(connect("device::"), false), NO);
  assert.deepEqual(adb(connect("host::", { length: 5 }), false), NO);
  assert.deepEqual(adb(connect("host::", { length: 4097 }), false), NO);
  assert.deepEqual(adb(connect("host::", { length: 0x1_0006 }), false), NO);
  assert.equal(adb(connect("host::", { length: 4096 }), false).kind, "match");
});

Deno.test("other messages of adb, and the request for TLS, do not come first", () => {
  for (const command of ["STLS", "AUTH", "OPEN", "SYNC", "CNXM"]) {
    assert.deepEqual(adb(bytes(command), false), NO, command);
  }
});
