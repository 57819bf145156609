/**
 * Thousands of flows in one process: reloads, the end of a backend, and what is left when they are over. In memory the
 * same is tried with 50,000 (tests/lib/udp_soak_test.ts); here each takes a descriptor on both sides.
 */
import assert from "node:assert/strict";
import { testWithTools } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { startSluice } from "./sluice.ts";
import { startUdpBackend } from "./udp_servers.ts";
import { UdpClient } from "./udp_socket.ts";

const FLOWS = 2000;
/** Clients that ask at once: more would only find the kernel's buffer full. */
const TOGETHER = 200;
const NAMES = ["a", "b", "c"];

testWithTools(
  "thousands of flows live through a reload every second and the end of a backend, and leave nothing behind",
  [],
  async (scope) => {
    const backends = await Promise.all(NAMES.map((name) => startUdpBackend(scope, "echo", name)));
    const port = freePortOfBoth();
    const configWith = (memory: number, lifetime = 15) => `
      listen_address_v4 = "127.0.0.1"
      listen_port = ${port}
      udp_target = [${backends.map((backend) => `"127.0.0.1:${backend.port}"`)}]
      udp_load_balance = "source_socket"
      udp_max_connections = ${FLOWS}
      udp_reply_timeout = "500ms"
      udp_idle_lifetime = "${lifetime}s"
      flow_memory = "${memory}s"
    `;
    const sluice = await startSluice(scope, configWith(1));
    const atRest = sluice.descriptors;

    let clients: UdpClient[] = [];
    const connect = () => {
      for (const client of clients) client.socket.close();
      clients = Array.from({ length: FLOWS }, () => new UdpClient(scope, port));
    };
    /** Which backend answers each client. */
    let rounds = 0;
    const round = async () => {
      const question = `${rounds++}`;
      const answers: string[] = [];
      for (let at = 0; at < FLOWS; at += TOGETHER) {
        const asking = clients.slice(at, at + TOGETHER).map((client) => client.insist(question));
        answers.push(...(await Promise.all(asking)).map(({ answer }) => answer));
      }
      return answers.map((answer) => answer.split(" ")[0]!);
    };

    let memory = 2;
    const reloads = setInterval(
      () => Deno.writeTextFileSync(sluice.file, configWith(memory++)),
      1000,
    );
    try {
      connect();
      const first = await round();
      assert.deepEqual(new Set(first), new Set(NAMES));
      await sluice.says(/"reloaded /);
      assert.deepEqual(await round(), first);

      backends[0]!.child.signal("SIGKILL");
      const second = await round();
      for (const [i, name] of first.entries()) {
        if (name === "a") assert.ok(second[i] === "b" || second[i] === "c");
        else assert.equal(second[i], name);
      }
      assert.ok(sluice.descriptors >= FLOWS);
    } finally {
      clearInterval(reloads);
    }
    const lines = async (count: number) => {
      while (sluice.accessLines.length < count) await sluice.accessLine();
    };
    await lines(FLOWS);
    assert.ok(sluice.accessLines.every(({ reason }) => reason === "idle_timeout"));
    assert.ok(sluice.descriptors < atRest + 20, `${sluice.descriptors} after ${atRest}`);
    const { now: afterOne } = sluice.memory;

    await Deno.writeTextFile(sluice.file, configWith(memory, 1));
    await sluice.says(/"reloaded .*route default/);

    connect();
    await round();
    await lines(2 * FLOWS);
    const { now: afterTwo } = sluice.memory;
    assert.ok(afterTwo < 1.3 * afterOne, `${afterTwo} after ${afterOne}`);
  },
  180_000,
);
