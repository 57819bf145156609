/**
 * More clients than descriptors.
 */
import assert from "node:assert/strict";
import { freePort, testWithTools, until } from "../support/children.ts";
import { Client } from "./client.ts";
import { waitsForDescriptors } from "./command.ts";
import { startBackend } from "./servers.ts";
import { startSluice } from "./sluice.ts";

const DESCRIPTORS = 256;
const CLIENTS = 400;

testWithTools(
  "out of descriptors: no busy loop, those who are in are served, and so is who comes afterwards",
  ["prlimit"],
  async (scope) => {
    const backend = await startBackend(scope, "echo", "echo");
    const port = freePort();
    const sluice = await startSluice(
      scope,
      `listen_address_v4 = "127.0.0.1"
       listen_port = ${port}
       tcp_target = ["127.0.0.1:${backend.port}"]`,
      { under: ["prlimit", `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`] },
    );
    const idle = sluice.descriptors;
    const early = await Client.connect(scope, port);
    assert.equal(await early.ask("early"), "echo");
    assert.equal(await early.line(), "early");

    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => Client.connect(scope, port)),
    );
    await sluice.says(/cannot accept connections/);
    assert.ok(sluice.descriptors > DESCRIPTORS - 10, `${sluice.descriptors} descriptors are open`);

    const busy = await cpuTimeOfOneSecond(sluice);
    assert.ok(busy < 0.3, `it used ${busy} s of processor time in a second without work`);
    assert.equal(await early.ask("still there?"), "still there?");

    for (const client of clients) client.close();
    if (!waitsForDescriptors) await until("they are gone", () => sluice.descriptors < idle + 10);
    const late = await Client.connect(scope, port);
    assert.equal(await late.ask("late"), "echo");
    late.close();
    early.close();
    for (let line = 0; waitsForDescriptors && line < CLIENTS + 2; line++) await sluice.accessLine();
    await until("all are gone", () => sluice.descriptors <= idle + 2);
    const warnings = sluice.child.stderr.count(/cannot accept connections/);
    assert.ok(warnings < 10, `it complained ${warnings} times`);
  },
);

/** Measured, not waited for: the time must pass. */
async function cpuTimeOfOneSecond(sluice: { readonly cpuTime: number }): Promise<number> {
  const before = sluice.cpuTime;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return sluice.cpuTime - before;
}
