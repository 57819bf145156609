import assert from "node:assert/strict";
import type { Ear, Report, ThreadStart, ToThread } from "../../../lib/data_thread/messages.ts";
import { RemoteThread } from "../../../lib/data_thread/remote_thread.ts";
import type { MainLog } from "../../../lib/log.ts";
import { Tally } from "../../../lib/tally.ts";

const NOTHING: Report = {
  kind: "report",
  access: { lines: "", count: 0, sums: new Tally().sums },
  lines: [],
  lost: 0,
  size: 0,
};

/** A thread that says what the test says. */
async function setUp() {
  const logged: unknown[] = [];
  const said: ToThread[] = [];
  const outside: { ear?: Ear; start?: ThreadStart } = {};
  const line = (...all: unknown[]) => void logged.push(all);
  const log: MainLog = {
    format: "json",
    access: line,
    accessBatch: line,
    debug: line,
    info: line,
    warning: line,
    error: line,
  };
  const failures: string[] = [];
  const thread = await RemoteThread.start({
    startThread: (start, ear) => {
      Object.assign(outside, { ear, start });
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
  const { ear, start } = outside;
  assert.ok(ear && start);
  assert.equal(start.logFormat, "json");
  return { thread, ear, taken: new Int32Array(start.shared.taken), said, logged, failures };
}

Deno.test("what is reported is logged, and counted as taken", async () => {
  const { ear, taken, logged } = await setUp();
  const lines = [{ level: "warning", message: "careful", properties: { a: 1 } }] as const;
  const access = { lines: "a\nb\n", count: 2, sums: new Tally().sums };
  ear.hear({ ...NOTHING, access, lines, size: 4 });
  assert.deepEqual(logged, [[access], ["careful", { a: 1 }]]);
  assert.equal(taken[0], 4);
});

Deno.test("that something is lost is said", async () => {
  const { ear, taken, logged } = await setUp();
  ear.hear({ ...NOTHING, lost: 7 });
  assert.match(String(logged[1]), /^lost on their way .* 7 lines of the logs$/);
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
