import assert from "node:assert/strict";
import type { Config } from "../../lib/config/config.ts";
import type { Loaded } from "../../lib/config_file.ts";
import type { Log } from "../../lib/log.ts";
import { Reload } from "../../lib/reload.ts";
import { ManualClock } from "../support/clock.ts";
import { listenerWith } from "../support/routes.ts";

/** A configuration whose text is the port it listens on. */
function configOf(text: string): Config {
  return {
    tcp: [listenerWith({ port: Number(text) })],
    udp: [],
    maxFlows: 2048,
    maxConnections: 1024,
    drainTimeout: 30_000,
    engine: "auto",
    threads: 1,
    dns: { minTtl: 1, maxTtl: 2 },
  };
}

function load(text: string): Promise<Loaded> {
  return Promise.resolve(
    /^\d+$/.test(text)
      ? { ok: true, text, config: configOf(text), warnings: text === "3" ? ["3 is odd"] : [] }
      : { ok: false, problems: text.split(" ") },
  );
}

/** A file, a server and a log that the test sees. Port 1 runs, port 9 is in use. */
function setUp() {
  const lines: string[] = [];
  const applied: number[] = [];
  const line = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const log: Log = {
    access: () => {},
    debug: line("debug"),
    info: line("info"),
    warning: line("warning"),
    error: line("error"),
  };
  const file = {
    path: "c.toml",
    text: "1" as string | Error,
    look: () => Promise.resolve(""),
    read: () => file.text instanceof Error ? Promise.reject(file.text) : Promise.resolve(file.text),
  };
  const apply = (config: Config): Promise<void> => {
    const [port = 0] = config.tcp.map(({ port }) => port);
    if (port === 9) return Promise.reject(new Error("cannot listen on 127.0.0.1:9"));
    applied.push(port);
    return Promise.resolve();
  };
  const clock = new ManualClock();
  const reload = new Reload({ text: "1", config: configOf("1") }, {
    file,
    load,
    apply,
    log,
    clock,
  });
  /** Reloads what the file says then. */
  const reloadWith = async (text: string | Error, asked = false) => {
    file.text = text;
    await reload.reload(asked);
    return { lines: lines.splice(0), applied: applied.splice(0) };
  };
  return { reload, reloadWith, file, lines, applied, clock };
}

Deno.test("a good file runs, and one line says what changed", async () => {
  const { reload, reloadWith } = setUp();
  assert.deepEqual(await reloadWith("2"), {
    lines: ["info: reloaded c.toml: default: listen_port changed (0 ms)"],
    applied: [2],
  });
  assert.deepEqual(reload.config, configOf("2"));
});

Deno.test("a file that says the same is not applied, and only who asked hears of it", async () => {
  const { reloadWith } = setUp();
  assert.deepEqual(await reloadWith("1"), { lines: [], applied: [] });
  assert.deepEqual(await reloadWith("1", true), {
    lines: ["info: c.toml is unchanged"],
    applied: [],
  });
});

Deno.test("since when it runs, and whether the file is good, can be asked", async () => {
  const { reload, reloadWith, clock } = setUp();
  const start = clock.date();
  const state = () => [reload.isGood, reload.since - start];
  assert.deepEqual(state(), [true, 0]);
  clock.advance(100);
  for (const bad of ["bad", "9", new Error("no such file")]) {
    await reloadWith(bad);
    assert.deepEqual(state(), [false, 0], String(bad));
    await reloadWith("1");
    assert.deepEqual(state(), [true, 0], String(bad));
  }
  await reloadWith("bad");
  await reloadWith("2");
  assert.deepEqual(state(), [true, 100]);
});

Deno.test("warnings are told with a reload", async () => {
  const { reloadWith } = setUp();
  const { lines } = await reloadWith("3");
  assert.equal(lines[0], "warning: 3 is odd");
});

Deno.test("a file with problems changes nothing and says so once, in one line", async () => {
  const { reload, reloadWith } = setUp();
  assert.deepEqual(await reloadWith("bad"), {
    lines: ["error: not reloaded, what ran goes on: bad"],
    applied: [],
  });
  assert.deepEqual(await reloadWith("bad"), { lines: [], applied: [] });
  assert.deepEqual((await reloadWith("bad", true)).lines.length, 1);
  assert.deepEqual((await reloadWith("bad worse worst")).lines, [
    "error: not reloaded, what ran goes on: bad (and 2 more: `sluice check` lists them)",
  ]);
  assert.deepEqual(reload.config, configOf("1"));
});

Deno.test("a file that went away is told once, and so is that it came back as it was", async () => {
  const { reloadWith } = setUp();
  const gone = new Error("no such file");
  assert.deepEqual((await reloadWith(gone)).lines, [
    "error: not reloaded, what ran goes on: cannot read c.toml: no such file",
  ]);
  assert.deepEqual((await reloadWith(gone)).lines, []);
  assert.deepEqual(await reloadWith("1"), {
    lines: ["info: c.toml is again what runs"],
    applied: [],
  });
  assert.equal((await reloadWith(gone)).lines.length, 1);
});

Deno.test("a port in use changes nothing, and is tried again when the file is touched", async () => {
  const { reload, reloadWith } = setUp();
  assert.deepEqual((await reloadWith("9")).lines, [
    "error: not reloaded, what ran goes on: cannot listen on 127.0.0.1:9",
  ]);
  assert.deepEqual(reload.config, configOf("1"));
  assert.deepEqual(await reloadWith("9"), { lines: [], applied: [] });
  assert.deepEqual((await reloadWith("2")).applied, [2]);
});

Deno.test("reloads come one after the other, and those that wait are one", async () => {
  const { reload, file, lines, applied } = setUp();
  file.text = "2";
  const reloads = [reload.reload(false), reload.reload(false)];
  await Promise.resolve();
  file.text = "4";
  reloads.push(...Array.from({ length: 100 }, (_, i) => reload.reload(i === 50)));
  await Promise.all(reloads);
  assert.deepEqual(applied.at(-1), 4);
  assert.ok(applied.length <= 2);
  assert.ok(lines.length <= 2, lines.join("\n"));
});

Deno.test("a reload that is under way when sluice ends changes nothing", async () => {
  const { reload, file, applied } = setUp();
  file.text = "2";
  const reloading = reload.reload(false);
  reload.close();
  await reloading;
  assert.deepEqual(applied, []);
});
