import assert from "node:assert/strict";
import type { Ear, SharedCounts, ToThread } from "../../../lib/data_thread/messages.ts";
import { RemoteThread } from "../../../lib/data_thread/remote_thread.ts";
import type { Log } from "../../../lib/log.ts";

/** A thread that says what the test says. */
async function setUp() {
  const logged: unknown[] = [];
  const said: ToThread[] = [];
  const outside: { ear?: Ear; shared?: SharedCounts } = {};
  const line = (...all: unknown[]) => void logged.push(all);
  const log: Log = { access: line, debug: line, info: line, warning: line, error: line };
  const failures: string[] = [];
  const thread = await RemoteThread.start({
    startThread: (shared, ear) => {
      Object.assign(outside, { ear, shared });
      return Promise.resolve({
        say: (message) => void said.push(message),
        end: () => Promise.resolve(),
      });
    },
    common: { ids: new SharedArrayBuffer(8) },
    lookup: (name) => Promise.resolve({ addresses: [name], ttl: Promise.resolve(name.length) }),
    log,
    onFailed: (why) => void failures.push(why),
  });
  const { ear, shared } = outside;
  assert.ok(ear && shared);
  return { thread, ear, taken: new Int32Array(shared.taken), said, logged, failures };
}

Deno.test("what is reported is logged, and counted as taken", async () => {
  const { ear, taken, logged } = await setUp();
  const lines = [{ level: "warning", message: "careful", properties: { a: 1 } }] as const;
  ear.hear({ kind: "report", records: '[{"id":1},{"id":2}]', lines, lost: 0 });
  assert.deepEqual(logged, [[{ id: 1 }], [{ id: 2 }], ["careful", { a: 1 }]]);
  assert.equal(taken[0], 3);
});

Deno.test("that something is lost is said", async () => {
  const { ear, taken, logged } = await setUp();
  ear.hear({ kind: "report", records: "[]", lines: [], lost: 7 });
  assert.match(String(logged), /^lost on their way .* 7 lines of the logs$/);
  assert.equal(taken[0], 0);
});

Deno.test("a name's addresses come first, and then how long they hold, once", async () => {
  const { ear, said } = await setUp();
  const ask = async (id: number, question: string, about: unknown) => {
    ear.hear({ kind: "question", id, question, about });
    await Promise.resolve().then(() => {}).then(() => {});
    return said.find((message) => message.id === id);
  };
  assert.deepEqual(await ask(1, "addresses", "four"), {
    kind: "answer",
    id: 1,
    answer: { addresses: ["four"], ticket: 1 },
  });
  assert.deepEqual(await ask(2, "ttl", 1), { kind: "answer", id: 2, answer: 4 });
  assert.deepEqual(await ask(3, "ttl", 1), { kind: "answer", id: 3, answer: 0 });
});

Deno.test("what a thread was asked fails with it", async () => {
  const { thread, ear, failures } = await setUp();
  const asked = thread.ask("drain", undefined);
  ear.failed("it broke");
  await assert.rejects(asked, /^Error: the data thread has failed: it broke$/);
  assert.deepEqual(failures, ["it broke"]);
});
