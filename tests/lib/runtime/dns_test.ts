import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Answer } from "../../../lib/resolver.ts";
import { inTurn, systemLookup, type TtlSource } from "../../../lib/runtime/dns.ts";

/** Name servers that answer with these times to live, or not at all. */
const nameServers = (a: number[] | Error, aaaa: number[] | Error): TtlSource => {
  const answer = (ttls: number[] | Error) => () =>
    ttls instanceof Error ? Promise.reject(ttls) : Promise.resolve(ttls.map((ttl) => ({ ttl })));
  return { resolve4: answer(a), resolve6: answer(aaaa) };
};
const none = new Error("queryA ENOTFOUND localhost");

Deno.test("names of the hosts file are found although no name server knows them", async () => {
  const answer = await systemLookup(nameServers(none, none))("localhost");
  assert.ok(answer.addresses.some((address) => address === "127.0.0.1" || address === "::1"));
  assert.equal(await answer.ttl, 0);
});

Deno.test("of several times to live the shortest counts", async () => {
  assert.equal(await (await systemLookup(nameServers([300, 20], [60]))("localhost")).ttl, 20_000);
  assert.equal(await (await systemLookup(nameServers(none, [60]))("localhost")).ttl, 60_000);
});

Deno.test("a name that cannot be found is an error that names it", async () => {
  // A label of more than 63 characters is refused on the spot: no name server is asked.
  const name = `${"a".repeat(64)}.invalid`;
  await assert.rejects(systemLookup(nameServers(none, none))(name), new RegExp(name));
});

Deno.test("so many lookups are under way at once, and what waits begins when one of them has settled", async () => {
  const underWay = new Map<string, PromiseWithResolvers<Answer>>();
  const lookup = inTurn(2, (name) => {
    const answer = Promise.withResolvers<Answer>();
    underWay.set(name, answer);
    return answer.promise;
  });
  const answer: Answer = { addresses: ["192.0.2.1"], ttl: Promise.resolve(0) };
  const all = Promise.allSettled(["a", "b", "c", "d", "e"].map(lookup));
  await setImmediate();
  assert.deepEqual([...underWay.keys()], ["a", "b"]);
  underWay.get("b")?.resolve(answer);
  await setImmediate();
  assert.deepEqual([...underWay.keys()], ["a", "b", "c"]);
  underWay.get("a")?.reject(none);
  underWay.get("c")?.resolve(answer);
  await setImmediate();
  assert.deepEqual([...underWay.keys()], ["a", "b", "c", "d", "e"]);
  underWay.get("d")?.resolve(answer);
  underWay.get("e")?.resolve(answer);
  const settled = await all;
  assert.deepEqual(settled.map(({ status }) => status === "fulfilled"), [
    false,
    true,
    true,
    true,
    true,
  ]);
  // And the next two find free places again.
  const more = Promise.all(["f", "g"].map(lookup));
  await setImmediate();
  for (const name of ["f", "g"]) underWay.get(name)?.resolve(answer);
  await more;
});
