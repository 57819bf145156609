import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import {
  EDGE_DEFAULTS,
  ENTRY_DEFAULTS,
  LISTENER_DEFAULTS,
  REPLY_TIMEOUT,
  TOP_DEFAULTS,
} from "../../../lib/config/defaults.ts";
import { configJsonSchema } from "../../../lib/config/json_schema.ts";
import { PROTOCOLS_ON } from "../../../lib/config/protocols.ts";
import { validate } from "../../../lib/config/validate.ts";
import { configOf } from "./loading.ts";

const example = readFileSync(new URL("../../../config.example.toml", import.meta.url), "utf8");
/** A setting that is off: `#` and a key or a table, with no space between them. */
const OFF = /^#(?=[a-z_0-9]+ = |\[)/gm;
/** The example with every setting on. It contradicts itself in places, but it is TOML, and every value is fine. */
const everything = example.replaceAll(OFF, "");

type Table = Readonly<Record<string, unknown>>;

const file = parse(everything) as Table;
const entries = Object.values({
  ...file["protocols"] as Table,
  ...file["protocol"] as Table,
}) as Table[];

Deno.test("the example loads as it is", async () => {
  const { tcp: [listener, ...others] } = await configOf(example);
  assert.equal(others.length, 0);
  assert.ok(listener?.defaultRoute !== undefined && listener.routes.length > 2);
});

Deno.test("every setting that the example has off is a key that exists, with a value that is fine", () => {
  assert.ok([...example.matchAll(OFF)].length > 30);
  assert.deepEqual(
    validate(structuredClone(file) as Record<string, unknown>, () => false).findings,
    [],
  );
});

Deno.test("the example has every key", () => {
  assert.deepEqual(missing(file, configJsonSchema() as Schema), []);
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  /** Of tables whose keys are names. */
  readonly additionalProperties?: Schema | boolean;
}

/** The keys of a schema that occur in none of the tables that it is for. */
function missing(table: Table, schema: Schema): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const value = table[key] as Table | undefined;
    if (value === undefined) return [key];
    if (inner.properties !== undefined) return missing(value, inner).map((one) => `${key}.${one}`);
    if (typeof inner.additionalProperties === "object" && key === "agents") {
      return missing(value["alice"] as Table, inner.additionalProperties);
    }
    // What one entry does not have, another may; an acl is shown once, and of listeners what is special about them.
    if (typeof inner.additionalProperties !== "object" || key !== "protocols") return [];
    const all = Object.assign({}, ...entries, { acl: table["acl"] }) as Table;
    return missing(all, inner.additionalProperties).map((one) => `${key}.*.${one}`);
  });
}

Deno.test("the defaults that the example states are the defaults", () => {
  const defaults = {
    ...LISTENER_DEFAULTS,
    ...TOP_DEFAULTS,
    udp_reply_timeout: REPLY_TIMEOUT,
    listen_address_v4: ["0.0.0.0"],
  };
  for (const [key, value] of Object.entries(defaults)) {
    const { file: alone } = validate({ [key]: file[key] }, () => false);
    assert.deepEqual(alone, { [key]: value }, key);
    assert.ok(new RegExp(`^#${key} = `, "m").test(example), `${key} is on`);
  }
  const stated = (key: string) => entries.map((entry) => entry[key]);
  const { weight, ...keys } = ENTRY_DEFAULTS;
  for (const [key, value] of Object.entries(keys)) assert.ok(stated(key).includes(value), key);
  assert.ok(example.includes(`weight = ${weight} }`));
});

Deno.test("the defaults of the edge that the example states are the defaults", () => {
  const edge = validate(structuredClone(file) as Record<string, unknown>, () => false).file.edge;
  const stated = { ...edge, ...edge?.agents?.["alice"] } as Table;
  for (const [key, value] of Object.entries(EDGE_DEFAULTS)) assert.equal(stated[key], value, key);
});

Deno.test("turning a default of the example on changes nothing", async () => {
  const turnOn = (key: string, text: string) =>
    text.replace(new RegExp(`^#(?=${key} = )`, "m"), "");
  const onBoth = turnOn("udp_target", example);
  const config = await configOf(onBoth);
  assert.equal(config.udp.length, 1);
  const top = { ...LISTENER_DEFAULTS, ...TOP_DEFAULTS };
  for (const key of Object.keys(top)) {
    const turnedOn = turnOn(key, onBoth);
    assert.notEqual(turnedOn, onBoth, key);
    assert.deepEqual(await configOf(turnedOn), config, key);
  }
});

Deno.test("the example names every protocol under its transport", () => {
  const [tcp = [], udp = [], both = []] = ["TCP", "UDP", "both"].map((heading) => {
    const [, list = ""] = new RegExp(`^#   on ${heading} +(.*)$`, "m").exec(example) ?? [];
    return list.split(/[,;] /).map((words) => words.replace(/ .*/, ""));
  });
  assert.deepEqual([...tcp, ...both].toSorted(), [...PROTOCOLS_ON.tcp].toSorted());
  assert.deepEqual([...udp, ...both].toSorted(), [...PROTOCOLS_ON.udp].toSorted());
});
