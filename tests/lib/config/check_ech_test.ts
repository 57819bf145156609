import assert from "node:assert/strict";
import { configOf, problemsOf } from "./loading.ts";

/** Of rpxy-l4's example. */
const LIST = "ADz+DQA4ugAgACA9U8FCH7vKOFXVCCcAdpUUSfu3rzlooRNflhOXyV0uTwAEAAEAAQAJbG9jYWxob3N0AAA";
const KEY = "KwyvZOuPlflYlcmJbwhA24HMWUvxXXyan/oh9cJ6lNw";

/** A file with an entry whose table of ECH says this. */
function file(keys: Record<string, unknown>): string {
  const table = {
    ech_config_list: LIST,
    private_keys: [KEY],
    private_server_names: ["a"],
    ...keys,
  };
  const lines = Object.entries(table).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return `listen_port = 8448
[protocols.tls_ech]
protocol = "tls"
target = ["192.0.2.1:443"]
[protocols.tls_ech.ech]
${lines.join("\n")}
`;
}

Deno.test("a list and its key are taken, and a name without a port leads to the port listened on", async () => {
  const config = await configOf(file({ private_server_names: ["a.example", "b.example:1"] }));
  assert.deepEqual(config.tcp[0]?.routes[0]?.ech?.privateServerNames, [
    { host: "a.example", port: 8448 },
    { host: "b.example", port: 1 },
  ]);
});

Deno.test("keys that do not belong to the list, and names that lead to two places, are told", async () => {
  const other = btoa("\x01".repeat(32));
  const wrong: [Record<string, unknown>, string][] = [
    [
      { ech_config_list: "AAAA" },
      "6:19: protocols.tls_ech.ech.ech_config_list: expected an ECHConfigList",
    ],
    [
      { private_keys: [KEY, other] },
      "7:63: protocols.tls_ech.ech.private_keys[1]: its public key is in no configuration of ech_config_list",
    ],
    [
      { private_keys: ["AAAA"] },
      "7:17: protocols.tls_ech.ech.private_keys[0]: expected a raw X25519 private key of 32 bytes, got 3",
    ],
    [
      { private_server_names: ["a.example:1", "A.example:2"] },
      "8:39: protocols.tls_ech.ech.private_server_names[1]: a.example is in the list already",
    ],
  ];
  for (const [keys, problem] of wrong) {
    const problems = await problemsOf(file(keys));
    assert.equal(problems.length, 1, problem);
    assert.equal(problems[0]?.slice(0, 12 + problem.length), `config.toml:${problem}`);
    assert.ok(!problems[0]?.includes(other), "private keys are not told");
  }
  assert.equal(wrong.length, 4);
});
