import assert from "node:assert/strict";
import { datagramSamples, parseDatagramSample, parseSample, samples } from "./samples.ts";

Deno.test("a sample's comments say what it is, the rest is hex", () => {
  const text = "# protocol: tls\n# made with: curl 7: fast\n# fact alpns: h2,http/1.1\n" +
    "# fact serverName:\n# the record header\n16 03\n0100\t05\n";
  assert.deepEqual(parseSample("tls_curl", text), {
    name: "tls_curl",
    protocol: "tls",
    madeWith: "curl 7: fast",
    facts: { alpns: "h2,http/1.1", serverName: "" },
    bytes: Uint8Array.of(0x16, 3, 1, 0, 5),
  });
});

Deno.test("a sample of a UDP protocol has its datagrams apart", () => {
  const text = "# protocol: dns\n# transport: udp\n# made with: dig\n00 01\n02\n--\n# and\n03\n";
  assert.deepEqual(parseDatagramSample("dns_dig", text), {
    name: "dns_dig",
    protocol: "dns",
    madeWith: "dig",
    facts: {},
    datagrams: [Uint8Array.of(0, 1, 2), Uint8Array.of(3)],
  });
  assert.throws(() => parseDatagramSample("odd", `${text}--\n`), /^Error: odd: no bytes/);
});

Deno.test("a sample that is not of the form is an error that names it", () => {
  const texts = [
    "00",
    "# protocol: tls\n00",
    "# made with: curl\n00",
    "# protocol: tls\n# made with: curl\n",
    "# protocol: tls\n# made with: curl\n0",
    "# protocol: tls\n# made with: curl\nxy",
  ];
  for (const text of texts) assert.throws(() => parseSample("odd", text), /^Error: odd: /, text);
});

Deno.test("a folder without samples is an error, not an empty list", () => {
  assert.throws(() => samples(new URL("./", import.meta.url)), /no samples/);
});

Deno.test("every sample is named after its protocol", () => {
  for (const { name, protocol } of [...samples(), ...datagramSamples()]) {
    assert.ok(name.startsWith(`${protocol}_`), name);
  }
});
