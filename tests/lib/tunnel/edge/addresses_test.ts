import assert from "node:assert/strict";
import { addressOf } from "../../../../lib/tunnel/edge/addresses.ts";
import { configOf } from "../../config/loading.ts";

async function addressesWith(...ports: number[]) {
  const listeners = ports.map((port) => `[listeners.l${port}]\nlisten_port = ${port}\n`).join("");
  const { edge, ...config } = await configOf(
    `${listeners}[edge]\ndomain = "t.example"\nlisten_port = 7835\ntcp_ports = "20000-20010"\n`,
  );
  return (["http", "tls"] as const).map((kind) =>
    addressOf({ kind, place: "blog" }, edge!, config)
  );
}

Deno.test("an address is one that people can use, with the usual port if there is a listener on it", async () => {
  assert.deepEqual(await addressesWith(80, 443), [
    "http://blog.t.example",
    "tls://blog.t.example:443",
  ]);
  assert.deepEqual(await addressesWith(8443), [
    "http://blog.t.example:8443",
    "tls://blog.t.example:8443",
  ]);
});

Deno.test("an address of a port is the domain and the port", async () => {
  const { edge, ...config } = await configOf(
    '[edge]\ndomain = "t.example"\nlisten_port = 7835\ntcp_ports = "20000-20010"\n',
  );
  assert.equal(
    addressOf({ kind: "udp", place: 20_001 }, edge!, config),
    "udp://t.example:20001",
  );
});
