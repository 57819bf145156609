import assert from "node:assert/strict";
import { datagramTable } from "../../../lib/datagram_routing.ts";
import { datagramVerdicts } from "../../../lib/explain/datagram_verdicts.ts";
import { udpProbes } from "../../../probes/udp.ts";
import { udpRouteTo } from "../../support/routes.ts";
import { datagramSamples } from "../../support/samples.ts";

const TABLE = datagramTable({
  routes: [...Object.keys(udpProbes), "any"].map((protocol) => udpRouteTo(protocol, { protocol })),
});
const sample = (name: string) => datagramSamples().find((each) => each.name === name)!.datagrams;

Deno.test("probes are asked up to the first that does not say no, the others for information", () => {
  const verdicts = datagramVerdicts(TABLE, sample("dns_dig"), false, true);
  const at = verdicts.findIndex(({ verdict }) => verdict === "match");
  assert.equal(verdicts[at]?.protocol, "dns");
  assert.deepEqual(verdicts[at]?.routes, ["dns"]);
  assert.equal(verdicts[at]?.facts?.dnsName, "www.example.com");
  assert(verdicts.every(({ asked }, index) => asked === (index <= at)));
  assert.equal(verdicts.at(-1)?.verdict, "match");
});

Deno.test("no probe is asked of a client that does not get as far", () => {
  for (const { asked } of datagramVerdicts(TABLE, sample("dns_dig"), false, false)) {
    assert.equal(asked, false);
  }
});

Deno.test("what is sure only because no more is waited for is told from what the datagrams say", () => {
  const [first] = sample("dtls_openssl_fragments");
  const of = (final: boolean) =>
    datagramVerdicts(TABLE, [first!], final, true).find(({ protocol }) => protocol === "dtls");
  assert.deepEqual([of(false)?.verdict, of(false)?.byEnd], ["need", undefined]);
  assert.deepEqual([of(true)?.verdict, of(true)?.byEnd], ["no", true]);
});

Deno.test("the datagrams that it took are the fewest with an answer, for every probe and every sample", () => {
  let several = 0;
  for (const { name, datagrams } of datagramSamples()) {
    for (const verdict of datagramVerdicts(TABLE, datagrams, false, true)) {
      const probe = udpProbes[verdict.protocol];
      if (verdict.verdict === "need" || probe === undefined) continue;
      const answer = (count: number) => probe(datagrams.slice(0, count), false).kind;
      assert.equal(answer(verdict.datagrams), verdict.verdict, `${name} ${verdict.protocol}`);
      if (verdict.datagrams === 1) continue;
      several++;
      assert.equal(answer(verdict.datagrams - 1), "need", `${name} ${verdict.protocol}`);
    }
  }
  assert(several > 0, "no sample takes several datagrams");
});
