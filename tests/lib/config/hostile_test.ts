import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { formatProblem, loadConfig } from "../../../lib/config/mod.ts";
import { configJsonSchema } from "../../../lib/config/json_schema.ts";

const example = readFileSync(new URL("../../../config.example.toml", import.meta.url), "utf8")
  .replaceAll(/^#(?=[a-z_0-9]+ = |\[)/gm, "");

/** Loads a text, which must be understood or complained about in one's own words, and never throw. */
async function load(text: string, file: string) {
  const loaded = await loadConfig(text, { file });
  const lines = (loaded.ok ? loaded.warnings : loaded.problems).map(formatProblem);
  assert.ok(loaded.ok || lines.length > 0, text);
  for (const line of lines) {
    assert.ok(line.startsWith(file), line);
    assert.doesNotMatch(line, /Invalid (type|value|key)|Expected |undefined/, line);
  }
  return lines;
}

Deno.test("a file with anything cut out or put in is understood or complained about", async () => {
  const piece = fc.constantFrom(
    "",
    '"',
    "[",
    "]",
    "{",
    "=",
    ".",
    "\n",
    "#",
    "-1",
    "1e9",
    "'''",
    "\\",
    "${",
    "é",
    "\0",
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(example.length), fc.nat(30), piece, async (at, length, piece) => {
      await load(example.slice(0, at) + piece + example.slice(at + length), "config.toml");
    }),
    { numRuns: 500 },
  );
});

Deno.test("any value of any key is taken or complained about", async () => {
  const schema = configJsonSchema() as { properties: Record<string, unknown> };
  const key = fc.constantFrom(
    ...Object.keys(schema.properties),
    ...[
      "a",
      "protocol",
      "transport",
      "reply_timeout",
      "dns_names",
      "target",
      "action",
      "alpn",
      "server_names",
      "hosts",
      "patterns",
      "ech",
      "allow",
      "address",
    ],
  );
  const leaf = fc.oneof(
    fc.constantFrom(
      "tls",
      "quic",
      "udp",
      "quic_cid",
      "any",
      "regex",
      "reject",
      "a:1",
      "10.0.0.0/8",
      "h2",
      "${A:-b:1}",
      "5s",
      "close",
      "::",
    ),
    fc.integer({ min: -1, max: 70_000 }),
    fc.constantFrom(null, true, 0.5, "", {}, []),
  );
  const { table } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, tie("list"), tie("table")),
    list: fc.array(tie("value"), { maxLength: 3 }),
    table: fc.dictionary(key, tie("value"), { maxKeys: 6 }),
  }));
  await fc.assert(
    fc.asyncProperty(table, async (table) => {
      await load(JSON.stringify(table), "config.json");
    }),
    { numRuns: 1000 },
  );
});
