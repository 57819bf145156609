import assert from "node:assert/strict";
import { systemLookup, type TtlSource } from "../../../lib/runtime/dns.ts";

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
