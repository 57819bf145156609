import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfigFile, configFile, ConfigWatch, POLL_INTERVAL } from "../../lib/config_watch.ts";
import { ManualClock } from "../support/clock.ts";
import { files } from "../support/process.ts";

/** A file whose state the test sets. */
function setUp() {
  const clock = new ManualClock();
  const file = { path: "config.toml", state: "first", look: () => Promise.resolve(file.state) };
  let calls = 0;
  const watch = new ConfigWatch(
    { ...file, read: () => Promise.reject(new Error("a watch does not read")), look: file.look },
    file.state,
    clock,
    () => Promise.resolve(void calls++),
  );
  const poll = async () => {
    clock.advance(POLL_INTERVAL);
    await settle();
    const result = calls;
    calls = 0;
    return result;
  };
  return { clock, file, watch, poll };
}

/** Lets promises that are ready settle. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

Deno.test("a change is told once, when two polls in a row have seen it", async () => {
  const { file, watch, poll } = setUp();
  assert.deepEqual([await poll(), await poll(), await poll()], [0, 0, 0]);
  file.state = "second";
  assert.deepEqual([await poll(), await poll(), await poll()], [0, 1, 0]);
  watch.close();
});

Deno.test("a file that is still being written is left alone until it is not", async () => {
  const { file, watch, poll } = setUp();
  for (let size = 0; size < 20; size++) {
    file.state = `${size} bytes`;
    assert.equal(await poll(), 0);
  }
  assert.equal(await poll(), 1);
  watch.close();
});

Deno.test("a change between the first reading and the first poll is seen", async () => {
  const { file, watch, poll } = setUp();
  file.state = "second";
  assert.deepEqual([await poll(), await poll(), await poll()], [0, 1, 0]);
  watch.close();
});

Deno.test("a file that was away for one poll, as some editors do, has not changed", async () => {
  const { file, watch, poll } = setUp();
  file.state = "no such file or directory";
  assert.equal(await poll(), 0);
  file.state = "first";
  assert.deepEqual([await poll(), await poll()], [0, 0]);
  watch.close();
});

Deno.test("two polls fit into a second with time to spare", () => {
  assert.ok(3 * POLL_INTERVAL < 1000);
});

Deno.test("a watch that is closed polls no more", async () => {
  const { clock, watch, poll } = setUp();
  await poll();
  watch.close();
  assert.equal(clock.pending, 0);
});

Deno.test("a watch that is closed during a poll neither tells nor polls again", async () => {
  const { clock, watch, poll } = setUp();
  await poll();
  clock.advance(POLL_INTERVAL);
  watch.close();
  await settle();
  assert.equal(clock.pending, 0);
});

/** Whether `change` makes the file look different. */
async function looksDifferent(file: ConfigFile, change: () => Promise<void>): Promise<boolean> {
  const before = await file.look();
  assert.equal(await file.look(), before);
  await change();
  return await file.look() !== before;
}

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-"));
  try {
    await test(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

Deno.test("every way of changing a file is seen", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "config.toml");
    const other = join(directory, "other.toml");
    await writeFile(path, "a");
    const file = configFile(path, files);
    const changes: Record<string, () => Promise<void>> = {
      "written in place": () => writeFile(path, "ab"),
      "renamed over, same size and time": async () => {
        await writeFile(other, "cd");
        await utimes(other, 1, 1);
        await utimes(path, 1, 1);
        await rename(other, path);
      },
      "removed": () => rm(path),
      "a directory": () => mkdir(path).then(() => {}),
      "a file again": async () => {
        await rm(path, { recursive: true });
        await writeFile(path, "a");
      },
    };
    for (const [name, change] of Object.entries(changes)) {
      assert.ok(await looksDifferent(file, change), name);
    }
    assert.equal(await file.read(), "a");
  }));

Deno.test("a swapped link above the file is seen, as with a ConfigMap", () =>
  inDirectory(async (directory) => {
    for (const version of ["1", "2"]) {
      await mkdir(join(directory, version));
      await writeFile(join(directory, version, "config.toml"), version);
    }
    await symlink("1", join(directory, "..data"));
    await symlink("..data/config.toml", join(directory, "config.toml"));
    const file = configFile(join(directory, "config.toml"), files);
    assert.equal(await file.read(), "1");
    assert.ok(
      await looksDifferent(file, async () => {
        await symlink("2", join(directory, "..new"));
        await rename(join(directory, "..new"), join(directory, "..data"));
      }),
    );
    assert.equal(await file.read(), "2");
  }));

Deno.test("why a file cannot be read is said in words", () =>
  inDirectory(async (directory) => {
    await assert.rejects(configFile(join(directory, "none"), files).read(), {
      message: "no such file or directory",
    });
    await assert.rejects(configFile(directory, files).read(), { message: "it is a directory" });
    const huge = join(directory, "huge");
    await writeFile(huge, new Uint8Array(17 * 1024 * 1024));
    await assert.rejects(configFile(huge, files).read(), /17825792 bytes/);
  }));
