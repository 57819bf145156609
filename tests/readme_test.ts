import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { loadConfig } from "../lib/config/mod.ts";
import { loadAgentText } from "../lib/tunnel/agent/agent_file.ts";
import { tcpProbes, udpProbes } from "../probes/mod.ts";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const readme = read("README.md");
const blocks = (language: string) =>
  Array.from(
    readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms")),
    ([, text]) => text!,
  );

const isOfAgent = (text: string) => text.startsWith("edge = ");

Deno.test("every configuration of the README is good", async () => {
  const examples = blocks("toml").filter((text) => !isOfAgent(text));
  assert.ok(examples.length >= 4);
  for (const example of examples) {
    const loaded = await loadConfig(example, { file: "README.toml", format: "toml", env: {} });
    assert.ok(loaded.ok, loaded.ok ? "" : loaded.problems.map(({ message }) => message).join("\n"));
    assert.deepEqual(loaded.warnings, []);
  }
});

Deno.test("every agent's file of the README is good", async () => {
  const examples = blocks("toml").filter(isOfAgent);
  assert.ok(examples.length >= 1);
  for (const example of examples) {
    const loaded = await loadAgentText(example, "README.toml", {});
    assert.ok(loaded.ok, loaded.ok ? "" : loaded.problems.join("\n"));
  }
});

Deno.test("every task that the README names is there, and has a description", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  const named = new Set(
    Array.from(readme.matchAll(/deno(?:@[\d.]+)? task (\w+)/g), ([, task]) => task!),
  );
  assert.ok(named.size >= 5);
  for (const task of named) assert.ok(tasks[task]?.description, task);
});

Deno.test("the README lists the protocols of both transports in the order in which they are asked", () => {
  const lists = /^Protocols of TCP: (.*?); of UDP: (.*?) They are asked in this order/ms.exec(
    readme,
  );
  const names = (list = "") => Array.from(list.matchAll(/`(\w+)`/g), ([, name]) => name);
  assert.deepEqual(names(lists?.[1]), Object.keys(tcpProbes));
  assert.deepEqual(names(lists?.[2]), Object.keys(udpProbes));
});

Deno.test("the README explains every key of the configuration", () => {
  const keys = new Set(
    Array.from(read("config.example.toml").matchAll(/^#?(\w+) = /gm), ([, key]) => key!),
  );
  assert.ok(keys.size > 40);
  for (const key of keys) assert.ok(readme.includes(`\`${key}\``), key);
});

Deno.test("the README lists every reason why a connection ends and a datagram is dropped", () => {
  for (const [file, type] of [["access_log", "EndReason"], ["drops", "DropReason"]]) {
    const union = new RegExp(`^export type ${type} =$(.*?);$`, "ms").exec(read(`lib/${file}.ts`));
    const reasons = Array.from(union![1]!.matchAll(/^ {2}\| "(\w+)"/gm), ([, reason]) => reason!);
    assert.ok(reasons.length >= 12);
    for (const reason of reasons) assert.ok(readme.includes(`\`${reason}\``), reason);
  }
});

Deno.test("every file that the README links to is there", () => {
  const links = Array.from(readme.matchAll(/\]\(([^)#:]+)\)/g), ([, path]) => path!);
  assert.ok(links.length > 0);
  for (const path of links) assert.ok(read(path).length > 0, path);
});
