import assert from "node:assert/strict";
import { SharedTable, sharedTable } from "../../../lib/data_thread/shared_table.ts";

/** The table as each of so many threads sees it. */
function tables(threads: number): SharedTable[] {
  const table = sharedTable(threads);
  return Array.from(
    { length: threads },
    (_, thread) => new SharedTable({ table, threads, thread }),
  );
}

Deno.test("each thread sees what the others have told, and not its own", () => {
  const [one, two, three] = tables(3);
  one!.tell("a", 5);
  two!.tell("a", 7);
  assert.deepEqual([one, two, three].map((each) => each!.of("a")), [7, 5, 12]);
  assert.equal(one!.of("b"), 0);
  one!.tell("a", 4);
  two!.tell("a", 0);
  assert.deepEqual([one, two, three].map((each) => each!.of("a")), [0, 4, 4]);
});

Deno.test("what a thread has told that is gone counts no more, and its next one begins anew", () => {
  const table = sharedTable(2);
  const [one, two] = [0, 1].map((thread) => new SharedTable({ table, threads: 2, thread }));
  for (const key of ["a", "b", "c"]) one!.tell(key, 3);
  two!.tell("a", 1);
  new SharedTable({ table, threads: 2, thread: 0 }).clear();
  assert.deepEqual(["a", "b", "c"].map((key) => two!.of(key)), [0, 0, 0]);
  const again = new SharedTable({ table, threads: 2, thread: 0 });
  again.tell("a", 2);
  assert.deepEqual([again.of("a"), two!.of("a")], [1, 2]);
});

Deno.test("any number of clients comes and goes, and none is mistaken for another", () => {
  const [one, two] = tables(2);
  for (let round = 0; round < 20; round++) {
    const keys = Array.from({ length: 20_000 }, (_, i) => `tcp default 10.${round}.${i}`);
    for (const key of keys) one!.tell(key, 1);
    assert.ok(keys.every((key) => two!.of(key) === 1));
    assert.equal(two!.of(`tcp default 10.${round}.x`), 0);
    for (const key of keys) one!.tell(key, 0);
  }
});

Deno.test("where there are more than there is room for, the rest is not shared, and nothing breaks", () => {
  const [one, two] = tables(2);
  const keys = Array.from({ length: 200_000 }, (_, i) => `client ${i}`);
  for (const key of keys) one!.tell(key, 1);
  const shared = keys.filter((key) => two!.of(key) === 1).length;
  assert.ok(shared > 100_000 && shared <= 2 ** 17, `${shared} are shared`);
  for (const key of keys) one!.tell(key, 0);
  one!.tell("another", 1);
  assert.equal(two!.of("another"), 1);
});

/** Counts some keys up and down and leaves each at 1; every thread has the same ones. */
const COUNTER = `
  import { SharedTable } from "${import.meta.resolve("../../../lib/data_thread/shared_table.ts")}";
  onmessage = ({ data }) => {
    const table = new SharedTable(data);
    for (let round = 0; round < 300; round++) {
      for (let i = 0; i < 200; i++) table.tell("key " + i, 1);
      if (round === 299) break;
      for (let i = 0; i < 200; i++) table.tell("key " + i, 0);
    }
    postMessage("over");
  };
`;

Deno.test("threads that count the same things at the same time lose nothing", async () => {
  const threads = 4;
  const table = sharedTable(threads);
  const script = `data:text/javascript,${encodeURIComponent(COUNTER)}`;
  const workers = [0, 1, 2].map((thread) => {
    const worker = new Worker(script, { type: "module" });
    const over = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage({ table, threads, thread });
    return { worker, over };
  });
  await Promise.all(workers.map(({ over }) => over));
  for (const { worker } of workers) worker.terminate();
  const last = new SharedTable({ table, threads, thread: 3 });
  for (let i = 0; i < 200; i++) assert.equal(last.of(`key ${i}`), 3);
});
