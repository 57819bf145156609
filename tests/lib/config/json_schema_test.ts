import assert from "node:assert/strict";
import { configJsonSchema } from "../../../lib/config/json_schema.ts";
import { ENTRY_DEFAULTS, LISTENER_DEFAULTS, TOP_DEFAULTS } from "../../../lib/config/defaults.ts";
import { parseDuration } from "../../../lib/config/duration.ts";

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
}

const schema = configJsonSchema() as Schema;

/** Every key of the schema, with those of the tables within. */
function keysOf(table: Schema, path = ""): [string, Schema][] {
  return Object.entries(table.properties ?? {}).flatMap(([key, inner]): [string, Schema][] => {
    const named = typeof inner.additionalProperties === "object" ? inner.additionalProperties : {};
    const at = path + key;
    return [[at, inner], ...keysOf(inner, `${at}.`), ...keysOf(named, `${at}.*.`)];
  });
}

Deno.test("every key has a description for editors", () => {
  const keys = keysOf(schema);
  assert.ok(keys.length > 50);
  for (const [key, { description }] of keys) assert.ok(description, key);
});

Deno.test("keys that are not there are refused, and no key of a listener is required", () => {
  const listener = schema.properties?.["listeners"]?.additionalProperties as Schema;
  for (const table of [schema, listener, listener.properties?.["acl"]]) {
    assert.equal(table?.additionalProperties, false);
    assert.deepEqual(table?.required, []);
  }
});

Deno.test("the defaults of the schema are the defaults", () => {
  const listener = schema.properties;
  const entry = (listener?.["protocols"]?.additionalProperties as Schema).properties;
  const told = (value: unknown) =>
    typeof value === "string" && /^\d/.test(value) && !value.includes(".")
      ? parseDuration(value)
      : value;
  const defaults = { ...LISTENER_DEFAULTS, ...TOP_DEFAULTS, listen_address_v4: "0.0.0.0" };
  // Their meaning differs between the top level and a listener.
  const { tcp_max_connections: _, udp_max_connections: __, ...alike } = defaults;
  for (const [key, value] of Object.entries(alike)) {
    assert.deepEqual(told(listener?.[key]?.default), value, key);
  }
  const { weight: ___, ...keys } = ENTRY_DEFAULTS;
  for (const [key, value] of Object.entries(keys)) {
    assert.deepEqual(entry?.[key]?.default, value, key);
  }
});

Deno.test("closed lists of words are offered", () => {
  const words = (key: string) => schema.properties?.[key]?.enum;
  assert.deepEqual(words("tcp_send_proxy_protocol"), ["none", "v1", "v2"]);
  assert.ok(words("tcp_load_balance")?.includes("least_connections"));
  assert.ok(!words("tcp_load_balance")?.includes("quic_cid"));
  assert.ok(words("udp_load_balance")?.includes("quic_cid"));
});
