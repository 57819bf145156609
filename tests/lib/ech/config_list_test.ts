import assert from "node:assert/strict";
import { keysOf, parseConfigList } from "../../../lib/ech/config_list.ts";
import { bytes, concat } from "../../support/bytes.ts";
import { parseBase64 } from "./conversations.ts";
import { configList, echConfig, PRIVATE_KEY } from "./ech_client.ts";
import { publicKeyOf, SUITES } from "./hpke_sender.ts";

Deno.test("a published list is read", () => {
  // What test.defo.ie published in DNS, as the tests of rpxy-l4 have it.
  const published = parseBase64(
    "AEb+DQBCqQAgACBlm7cfDx/gKuUAwRTe+Y9MExbIyuLpLcgTORIdi69uewAEAAEAAQATcHVibGljLnRlc3QuZGVmby5pZQAA",
  );
  assert.deepEqual(parseConfigList(published), [{
    bytes: published.subarray(2),
    id: 0xa9,
    kem: 0x20,
    publicKey: published.subarray(11, 43),
    suites: [{ kdf: 1, aead: 1 }],
  }]);
});

Deno.test("the list and the key of rpxy-l4's example belong together", () => {
  const configs = parseConfigList(
    parseBase64(
      "ADz+DQA4ugAgACA9U8FCH7vKOFXVCCcAdpUUSfu3rzlooRNflhOXyV0uTwAEAAEAAQAJbG9jYWxob3N0AAA",
    ),
  );
  const keys = keysOf(configs, parseBase64("KwyvZOuPlflYlcmJbwhA24HMWUvxXXyan/oh9cJ6lNw"));
  assert.deepEqual(keys.map(({ config }) => config), configs);
});

Deno.test("configurations that cannot be served are left out, as the RFC asks of clients", () => {
  const good = echConfig({ id: 1, suites: SUITES });
  const list = configList(
    echConfig({ version: 0xfe0a }),
    concat(0xab, 0xcd, 0, 3, "new"),
    echConfig({ kem: 0x10, publicKey: new Uint8Array(65) }),
    echConfig({ suites: [{ kdf: 3, aead: 1 }, { kdf: 1, aead: 0xffff }] }),
    good,
  );
  assert.deepEqual(parseConfigList(list).map(({ bytes }) => bytes), [good]);
});

Deno.test("a key is for every configuration with its public key", () => {
  const configs = parseConfigList(
    configList(
      echConfig({ id: 1 }),
      echConfig({ id: 2, privateKey: new Uint8Array(32).fill(0x43) }),
      echConfig({ id: 3 }),
    ),
  );
  const keys = keysOf(configs, PRIVATE_KEY);
  assert.deepEqual(keys.map(({ config }) => config.id), [1, 3]);
  for (const { config, info, key } of keys) {
    assert.deepEqual(key.publicKey, publicKeyOf(PRIVATE_KEY));
    assert.deepEqual(info, concat("tls ech\0", config.bytes));
  }
});

Deno.test("a list cut short, or with more behind it, is told from a good one", () => {
  const list = configList(echConfig());
  for (let length = 0; length < list.length; length++) {
    assert.throws(() => parseConfigList(list.subarray(0, length)), /expected an ECHConfigList/);
  }
  assert.throws(() => parseConfigList(concat(list, 0)), /expected an ECHConfigList/);
  assert.throws(() => parseConfigList(configList(echConfig().subarray(0, 40))), SyntaxError);
});

Deno.test("a configuration with more inside than it says is malformed", () => {
  const config = concat(echConfig(), 0);
  config[3]! += 1;
  assert.throws(() => parseConfigList(configList(config)), /expected an ECHConfigList/);
});

Deno.test("a list with nothing for sluice says what it needs", () => {
  for (const list of [configList(), configList(echConfig({ version: 1 }))]) {
    assert.throws(() => parseConfigList(list), /expected a configuration of version 0xfe0d/);
  }
});

Deno.test("a private key of the wrong length, or of no configuration, says so", () => {
  const configs = parseConfigList(configList(echConfig()));
  assert.throws(() => keysOf(configs, bytes("short")), {
    name: "SyntaxError",
    message: "expected a raw X25519 private key of 32 bytes, got 5",
  });
  assert.throws(() => keysOf(configs, new Uint8Array(32).fill(1)), {
    name: "SyntaxError",
    message: "its public key is in no configuration of ech_config_list",
  });
});
