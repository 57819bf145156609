import assert from "node:assert/strict";
import { mqtt } from "../../probes/mqtt.ts";
import { bytes, concat, prefixed } from "../support/bytes.ts";
import { overlooked, range } from "../support/near_misses.ts";

const NO = { kind: "no" };
const match = (version: string, clientId?: string) => ({
  kind: "match",
  facts: { protocol: "mqtt", details: { version, ...(clientId !== undefined && { clientId }) } },
});

interface Parts {
  readonly start?: string;
  readonly flags?: number;
  /** With their length before them; MQTT 5 has them. */
  readonly properties?: Uint8Array | string;
  readonly clientId?: string;
  readonly payload?: string;
  readonly length?: number;
}

function connect(
  { start = "\0\x04MQTT\x04", flags = 2, properties = "", clientId = "unit", payload = "", length }:
    Parts = {},
) {
  const id = prefixed(2, new TextEncoder().encode(clientId));
  const body = concat(start, flags, "\0\x3c", properties, id, payload);
  return concat(0x10, varint(length ?? body.length), body);
}

function varint(value: number): Uint8Array {
  const rest = Math.floor(value / 128);
  return rest === 0 ? concat(value) : concat(value % 128 + 128, varint(rest));
}

const MQTT5 = { start: "\0\x04MQTT\x05", properties: "\0" };
const MQTT31 = { start: "\0\x06MQIsdp\x03" };

Deno.test("versions 3.1, 3.1.1 and 5 are told apart and give the client ID", () => {
  assert.deepEqual(mqtt(connect(), false), match("3.1.1", "unit"));
  assert.deepEqual(mqtt(connect(MQTT31), false), match("3.1", "unit"));
  assert.deepEqual(mqtt(connect(MQTT5), false), match("5", "unit"));
  assert.deepEqual(mqtt(connect({ clientId: "" }), false), match("3.1.1", ""));
  assert.deepEqual(mqtt(connect({ clientId: "fühler" }), false), match("3.1.1", "fühler"));
});

Deno.test("a bridge of mosquitto sets a bit of its own in the level", () => {
  const bridge = (start: string, properties = "") => mqtt(connect({ start, properties }), false);
  assert.deepEqual(bridge("\0\x04MQTT\x84"), match("3.1.1", "unit"));
  assert.deepEqual(bridge("\0\x04MQTT\x85", "\0"), match("5", "unit"));
  assert.deepEqual(bridge("\0\x06MQIsdp\x83"), match("3.1", "unit"));
});

Deno.test("properties are skipped, however long their own length is", () => {
  const properties = concat(varint(300), "\x26".repeat(300));
  assert.deepEqual(mqtt(connect({ ...MQTT5, properties }), false), match("5", "unit"));
});

Deno.test("nothing behind the client ID is waited for, and the client ID is", () => {
  const packet = connect({ payload: "x".repeat(500) });
  const idEnd = packet.length - 500;
  assert.deepEqual(mqtt(packet.subarray(0, idEnd), false), match("3.1.1", "unit"));
  assert.deepEqual(mqtt(packet.subarray(0, idEnd - 1), false), { kind: "need", bytes: idEnd });
  assert.deepEqual(mqtt(packet.subarray(0, idEnd - 1), true), NO);
});

Deno.test("a very long client ID, or one behind very long properties, is not waited for", () => {
  const id = connect({ clientId: "x".repeat(1025) });
  assert.deepEqual(mqtt(id.subarray(0, 15), false), match("3.1.1"));
  assert.deepEqual(mqtt(id, true), match("3.1.1"));
  assert.deepEqual(
    mqtt(connect({ clientId: "x".repeat(1024) }), false),
    match("3.1.1", "x".repeat(1024)),
  );
  const behind = (length: number) =>
    connect({ ...MQTT5, properties: concat(varint(length), "\x26".repeat(length)) });
  assert.deepEqual(mqtt(behind(4097).subarray(0, 15), false), match("5"));
  assert.deepEqual(mqtt(behind(4097), true), match("5"));
  assert.deepEqual(mqtt(behind(4096), false), match("5", "unit"));
});

Deno.test("one wrong byte in the name or before it says no", () => {
  assert.deepEqual(overlooked(mqtt, connect(), [0, 2, ...range(4, 8)]), []);
  assert.deepEqual(overlooked(mqtt, connect(), [3], 7), [], "a 6 would be that of MQIsdp");
  assert.deepEqual(overlooked(mqtt, connect(MQTT31), [0, 2, ...range(4, 10)]), []);
  assert.deepEqual(overlooked(mqtt, connect(MQTT31), [3], 7), [], "a 4 would be that of MQTT");
});

Deno.test("a level belongs to its name", () => {
  for (
    const start of ["\0\x04MQTT\x03", "\0\x04MQTT\x06", "\0\x06MQIsdp\x04", "\0\x06MQIsdp\x02"]
  ) {
    assert.deepEqual(mqtt(connect({ start }), false), NO, JSON.stringify(start));
  }
});

Deno.test("the reserved flag and quality of service 3 say no", () => {
  for (const flags of [0x01, 0x03, 0x1c, 0xff]) {
    assert.deepEqual(mqtt(connect({ flags }).subarray(0, 10), false), NO, `${flags}`);
  }
  for (const flags of [0x00, 0xc6, 0x2c, 0x16]) {
    assert.equal(mqtt(connect({ flags }), false).kind, "match", `${flags}`);
  }
});

Deno.test("a remaining length that is too short, too long or has five bytes says no", () => {
  assert.deepEqual(mqtt(bytes("\x10\x0b"), false), NO);
  assert.deepEqual(mqtt(bytes("\x10\xff\xff\xff\x7f"), false), NO, "256 MiB");
  assert.deepEqual(mqtt(bytes("\x10\x80\x80\x80\x80"), false), NO, "a fifth byte would follow");
  assert.equal(mqtt(connect({ length: 1024 * 1024 }), false).kind, "match");
  assert.deepEqual(mqtt(connect({ length: 1024 * 1024 + 1 }), false), NO);
});

Deno.test("a client ID or properties that go beyond the packet say no", () => {
  assert.deepEqual(mqtt(connect({ length: 15 }), false), NO);
  const properties = varint(40);
  assert.deepEqual(mqtt(connect({ ...MQTT5, properties }), false), NO);
  assert.deepEqual(mqtt(connect({ ...MQTT5, properties: "\x80\x80\x80\x80\x01" }), false), NO);
});
