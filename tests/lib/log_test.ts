import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionRecord } from "../../lib/access_log.ts";
import { openLogFile } from "../../lib/log_files.ts";
import {
  type AccessBatch,
  counted,
  type LogOptions,
  type MainLog,
  openLog,
} from "../../lib/log.ts";
import { Tally } from "../../lib/tally.ts";
import { ManualClock } from "../support/clock.ts";
import { MemoryOutput } from "../support/process.ts";

const record: ConnectionRecord = {
  time: Date.UTC(2026, 0, 1),
  id: 1,
  transport: "tcp",
  listener: "default",
  client: { address: "192.0.2.7", port: 50022 },
  up: 1,
  down: 2,
  duration: 3,
  reason: "ended",
};

function options(
  changes: Partial<Pick<LogOptions, "level" | "format" | "colour" | "directory">> = {},
) {
  const memory = {
    stdout: new MemoryOutput(),
    stderr: new MemoryOutput(),
    clock: new ManualClock(),
  };
  return { ...memory, level: "info", format: "text", colour: false, ...changes } as const;
}

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-"));
  try {
    await test(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

Deno.test("its own lines go to stderr, access lines to stdout", async () => {
  const to = options();
  const log = await openLog(to);
  log.info("ready", { port: 8443, name: "a b", absent: undefined, odd: 'x"y' });
  log.access(record);
  await log.close();
  assert.equal(
    to.stderr.text,
    '2026-01-01T00:00:00.000Z info    ready port=8443 name="a b" odd=x\\x22y\n',
  );
  assert.match(to.stdout.text, /^2026-01-01T00:00:00.000Z reason=ended .*\n$/);
});

Deno.test("lines below the level are left out, the access log is not", async () => {
  const to = options({ level: "error" });
  const log = await openLog(to);
  log.debug("a");
  log.info("b");
  log.warning("c");
  log.error("d");
  log.access(record);
  await log.close();
  assert.match(to.stderr.text, /^\S+ error {3}d\n$/);
  assert.notEqual(to.stdout.text, "");
});

Deno.test("as JSON every line is an object", async () => {
  const to = options({ format: "json", level: "debug" });
  const log = await openLog(to);
  log.debug("größe\n{placeholder}", { port: 8443 });
  log.access(record);
  await log.close();
  assert.deepEqual(JSON.parse(to.stderr.text), {
    time: "2026-01-01T00:00:00.000Z",
    level: "debug",
    message: "größe\n{placeholder}",
    port: 8443,
  });
  assert.match(to.stderr.text, /^[ -~]+\n$/);
  assert.equal(JSON.parse(to.stdout.text).reason, "ended");
});

Deno.test("a name in a message is not taken for a placeholder, nor a line break for the end", async () => {
  const to = options();
  const log = await openLog(to);
  log.warning("no backend for {port}\nfake", { port: 1 });
  await log.close();
  assert.match(to.stderr.text, /^\S+ warning no backend for \{port\}\\x0afake port=1\n$/);
});

Deno.test("levels are coloured on a terminal that takes colours, never in JSON", async () => {
  const text = options({ colour: true });
  let log = await openLog(text);
  log.error("bad");
  await log.close();
  assert.ok(text.stderr.text.includes("\x1b[31merror  \x1b[0m bad"));

  const json = options({ colour: true, format: "json" });
  log = await openLog(json);
  log.error("bad");
  await log.close();
  assert.ok(!json.stderr.text.includes("\x1b"));
});

Deno.test("with a directory both logs are files in it, made if it is missing", () =>
  inDirectory(async (parent) => {
    const directory = join(parent, "var", "log");
    const to = options({ directory, colour: true });
    const log = await openLog(to);
    log.info("ready");
    log.access(record);
    await log.close();
    assert.deepEqual((await readdir(directory)).sort(), ["access.log", "sluice.log"]);
    const own = await readFile(join(directory, "sluice.log"), "utf8");
    assert.match(own, /^\S+ info {4}ready\n$/);
    assert.match(await readFile(join(directory, "access.log"), "utf8"), /reason=ended/);
    assert.equal(to.stdout.text + to.stderr.text, "");
  }));

Deno.test("a directory that cannot be made is an error that names it", () =>
  inDirectory(async (parent) => {
    await writeFile(join(parent, "file"), "");
    const directory = join(parent, "file", "log");
    await assert.rejects(openLog(options({ directory })), (error: Error) => {
      assert.ok(error.message.startsWith(`cannot write logs to ${directory}`), error.message);
      return true;
    });
  }));

Deno.test("a file that has grown too large becomes .1, and only so many old ones are kept", () =>
  inDirectory(async (directory) => {
    const file = openLogFile(directory, "access.log", 1000);
    const line = `${"x".repeat(99)}\n`;
    for (let i = 0; i < 100; i++) await file.write(line);
    await file.close();
    const names = (await readdir(directory)).sort();
    assert.deepEqual(names, ["access.log", ...[1, 2, 3, 4, 5].map((i) => `access.log.${i}`)]);
    for (const name of names) assert.equal((await stat(join(directory, name))).size, 1000);
  }));

Deno.test("a log file is appended to after a restart", () =>
  inDirectory(async (directory) => {
    for (const line of ["a\n", "b\n"]) {
      const file = openLogFile(directory, "sluice.log");
      await file.write(line);
      await file.close();
    }
    assert.equal(await readFile(join(directory, "sluice.log"), "utf8"), "a\nb\n");
  }));

Deno.test("files that were moved away are made anew when the log is told so", () =>
  inDirectory(async (directory) => {
    const to = options({ directory });
    const log = await openLog(to);
    const path = join(directory, "access.log");
    log.access(record);
    to.clock.advance(100);
    for (let i = 0; (await stat(path)).size === 0; i++) assert.ok(i < 10_000, "never written");
    await rename(path, `${path}.old`);
    log.reopen();
    log.access({ ...record, reason: "drained" });
    await log.close();
    assert.match(await readFile(`${path}.old`, "utf8"), /^\S+ reason=ended .*\n$/);
    assert.match(await readFile(path, "utf8"), /^\S+ reason=drained .*\n$/);
  }));

Deno.test("a full disk is told of on the terminal, once, and written to again when it is not full", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "access.log");
    await symlink("/dev/full", path);
    const to = options({ directory });
    const log = await openLog(to);
    for (let i = 0; i < 3; i++) {
      log.access(record);
      to.clock.advance(100);
      await to.stderr.until(/cannot write to/);
    }
    await rm(path);
    log.access(record);
    await log.close();
    assert.match(
      to.stderr.text,
      /^\S+ error {3}cannot write to \S+access\.log: .*[Nn]o space left.*\n$/,
    );
    assert.match(await readFile(path, "utf8"), /^\S+ reason=ended .*\n$/);
  }));

Deno.test("lines from another thread are written as they are, between those of this one", async () => {
  const to = options();
  const log = await openLog(to);
  log.access({ ...record, id: 1 });
  log.accessBatch({ lines: "id=2\nid=3\n", count: 2, sums: new Tally().sums });
  log.access({ ...record, id: 4 });
  await log.close();
  assert.deepEqual(to.stdout.text.match(/\bid=\d/g), ["id=1", "id=2", "id=3", "id=4"]);
});

Deno.test("of the way to the tunnel's edge there is no line", async () => {
  const to = options();
  const log = await openLog(to);
  log.access({ ...record, hop: "visitor" });
  log.access({ ...record, hop: "agent" });
  await log.close();
  assert.equal(to.stdout.text, "");
});

Deno.test("a log that is counted is the same log, and everybody who has ended is in the tally", () => {
  const seen: unknown[] = [];
  const see = (what: unknown) => void seen.push(what);
  const log: MainLog = {
    format: "json",
    access: ({ id }) => see(id),
    accessBatch: ({ count }) => see(`batch of ${count}`),
    debug: see,
    info: see,
    warning: see,
    error: see,
  };
  const tally = new Tally();
  const both = counted(log, tally);
  assert.equal(both.format, "json");
  both.access(record);
  const elsewhere = new Tally();
  elsewhere.count(record);
  elsewhere.count(record);
  const batch: AccessBatch = { lines: "", count: 2, sums: elsewhere.take() };
  both.accessBatch(batch);
  both.debug("a");
  both.info("b");
  both.warning("c");
  both.error("d");
  assert.deepEqual(seen, [1, "batch of 2", "a", "b", "c", "d"]);
  assert.equal(tally.sums.series[0]?.count, 3);
  assert.equal(tally.sums.tcp.traffic.down, 6);
});
