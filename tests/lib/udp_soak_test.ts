import assert from "node:assert/strict";
import type { Pool } from "../../lib/config/config.ts";
import { bytesOf, Rig, settled } from "../support/rig.ts";
import { udpDefaultTo, udpListenerWith } from "../support/routes.ts";

const SLUICE = { address: "127.0.0.1", port: 8443 };
const FLOWS = 50_000;
const PORTS = [1, 2, 3];
const POOL: Pool = {
  targets: PORTS.map((port) => ({ host: "127.0.0.1", port, weight: 1 })),
  algorithm: "source_socket",
};

Deno.test("50,000 flows live through reloads and the end of a backend, except those on it", async () => {
  const rig = new Rig();
  const reload = (minute: number) =>
    rig.applyUdp(
      [udpListenerWith({
        port: SLUICE.port,
        probeTimeout: minute,
        defaultRoute: udpDefaultTo(POOL),
      })],
      { maxFlows: FLOWS },
    );
  await reload(1);
  const backends = PORTS.map((port) => rig.responder(port, `${port}`));
  const clients = Array.from(
    { length: FLOWS },
    (_, i) => rig.net.peer({ address: `10.${i >> 14}.${i >> 7 & 127}.1`, port: 1 + (i & 127) }),
  );
  /** Which backend answers each client now; `undefined` for those that have no answer. */
  const round = async () => {
    for (const [i, client] of clients.entries()) {
      client.send(bytesOf("x"), SLUICE);
      // Not more at once than a socket takes.
      if (i % 32 === 31) await settled();
    }
    await settled();
    for (const { received, sources } of backends) received.length = sources.length = 0;
    return clients.map(({ received, sources }) => {
      sources.length = 0;
      const [answer] = received.splice(0);
      return answer?.[0];
    });
  };

  const first = await round();
  assert.ok(first.every((backend) => backend !== undefined));
  assert.equal(rig.server.activeFlows, FLOWS);
  const flowsOf = PORTS.map((port) => first.filter((by) => by === 48 + port).length);
  assert.ok(Math.min(...flowsOf) > FLOWS / 4, `${flowsOf}`);
  for (let second = 2; second < 5; second++) {
    await rig.pass(1000);
    await reload(second);
    assert.deepEqual(await round(), first);
  }

  backends[0]!.close();
  const lost = await round();
  await reload(9);
  const after = await round();
  for (const [i, backend] of first.entries()) {
    if (backend === 49) {
      assert.ok(after[i] === 50 || after[i] === 51);
    } else {
      assert.equal(lost[i], backend);
      assert.equal(after[i], backend);
    }
  }
  assert.equal(rig.server.activeFlows, FLOWS);

  for (let tick = 0; tick < 124; tick++) await rig.pass(250);
  while (rig.server.activeFlows > 0) rig.clock.advance(1);
  assert.equal(rig.net.datagrams.open, 0);
  await rig.close();
});
