import assert from "node:assert/strict";
import fc from "fast-check";
import { joined } from "../../../lib/config/joined.ts";

Deno.test("what is on one transport, on the other or on both is there once, in the order of the file", () => {
  const file = fc.uniqueArray(fc.tuple(fc.nat(99), fc.constantFrom("tcp", "udp", "both")), {
    selector: ([name]) => name,
  });
  fc.assert(
    fc.property(file, (file) => {
      const on = (transport: string) =>
        file.filter(([, on]) => on === transport || on === "both")
          .map(([name]) => ({ name: `${name}`, transport }));
      const all = joined(on("tcp"), on("udp"));
      assert.deepEqual(
        all.map(({ name }) => name).toSorted(),
        file.map(([name]) => `${name}`).toSorted(),
      );
      // What the lists do not tell about the order is not told: each of them is as it was.
      assert.deepEqual(all.flatMap(({ tcp }) => tcp ?? []), on("tcp"));
      assert.deepEqual(all.flatMap(({ udp }) => udp ?? []), on("udp"));
      for (const { name, tcp, udp } of all) {
        assert.deepEqual([tcp?.name ?? name, udp?.name ?? name], [name, name]);
      }
    }),
  );
});
