/**
 * install.sh, with releases that are served on loopback.
 */
import assert from "node:assert/strict";
import { findTool, testWithTools } from "../support/children.ts";
import { Installation, SCRIPT } from "./installation.ts";

const TOOLS = ["sh", "awk", "tar", "gzip", "mktemp", "sha256sum", "curl"];

/** What prints its version is enough of a sluice. */
const WORKS = "#!/bin/sh\necho 0.1.0\n";

/** All that the script uses but for what downloads and what hashes. */
const BASICS = [
  ...["awk", "cat", "chmod", "cp", "cut", "grep", "gzip", "ldd", "mkdir", "mktemp", "mv", "rm"],
  ...["sh", "tar", "uname"],
];
/** Of Linux, on both processors. */
const LINUX = ["linux-x86_64", "linux-arm64"];

function testInstall(
  sentence: string,
  test: (installation: Installation) => Promise<void>,
  more: readonly string[] = [],
): void {
  testWithTools(
    `install.sh ${sentence}`,
    [...TOOLS, ...more],
    (scope) => Installation.with(scope, test),
  );
}

async function runs(path: string): Promise<string> {
  const { stdout } = await new Deno.Command(path).output();
  return new TextDecoder().decode(stdout);
}

testInstall(
  "installs the latest release to ~/.local/bin, and says that it is not in PATH",
  async (it) => {
    await it.release(WORKS, LINUX);
    const { code, stdout, stderr } = await it.run();
    assert.equal(code, 0, stderr);
    assert.equal(await runs(it.installed), "0.1.0\n");
    assert.match(stdout, /^installed sluice 0\.1\.0 in .*\/\.local\/bin\n.* is not in PATH; /m);
    assert.deepEqual(it.requests.map((path) => path.replace(/-(x86_64|arm64)/, "")), [
      "/latest/download/SHA256SUMS",
      "/latest/download/sluice-linux.tar.gz",
    ]);
    // A second time, over the first.
    assert.equal((await it.run()).code, 0);
    const names = Array.from(Deno.readDirSync(`${it.home}/.local/bin`), ({ name }) => name);
    assert.deepEqual(names, ["sluice"]);
  },
);

testInstall("installs a given release below a given directory", async (it) => {
  await it.release(WORKS, LINUX, "/download/v0.1.0");
  for (const version of ["0.1.0", "v0.1.0"]) {
    const prefix = `${it.home}/opt ${version}`;
    const { code, stderr } = await it.run(["--version", version, `--prefix=${prefix}`]);
    assert.equal(code, 0, stderr);
    assert.equal(await runs(`${prefix}/bin/sluice`), "0.1.0\n");
  }
});

testInstall("needs no curl where there is wget", async (it) => {
  await it.release(WORKS, LINUX);
  const path = await it.programs([...BASICS, "wget", "sha256sum"]);
  const { code, stderr } = await it.run([], { path });
  assert.equal(code, 0, stderr);
  assert.equal(await runs(it.installed), "0.1.0\n");
}, ["wget"]);

testInstall("needs no more than busybox", async (it) => {
  await it.release(WORKS, LINUX);
  const applets = [...BASICS.filter((name) => name !== "ldd"), "wget", "sha256sum"];
  const says = Object.fromEntries(
    applets.map((name) => [name, `exec ${findTool("busybox")} ${name} "$@"`]),
  );
  const path = await it.programs([], says);
  const { code, stderr } = await it.run([], { path, shell: ["busybox", "sh"] });
  assert.equal(code, 0, stderr);
  assert.equal(await runs(it.installed), "0.1.0\n");
}, ["busybox"]);

for (
  const [hasher, tools] of [["shasum", ["shasum", "perl"]], ["openssl", ["openssl"]]] as const
) {
  testInstall(`takes checksums by ${hasher} as well`, async (it) => {
    await it.release(WORKS, LINUX);
    const path = await it.programs([...BASICS, "curl", ...tools]);
    const { code, stderr } = await it.run([], { path });
    assert.equal(code, 0, stderr);
    assert.equal(await runs(it.installed), "0.1.0\n");
  }, tools);
}

for (
  const [system, machine, platform] of [
    ["Linux", "aarch64", "linux-arm64"],
    ["Linux", "x86_64", "linux-x86_64"],
    ["Darwin", "arm64", "macos-arm64"],
    ["Darwin", "x86_64", "macos-x86_64"],
  ] as const
) {
  testInstall(`takes ${platform} on ${system} ${machine}`, async (it) => {
    await it.release(WORKS, [platform]);
    const uname = `case $1 in -s) echo ${system} ;; -m) echo ${machine} ;; esac`;
    const tools = BASICS.filter((name) => name !== "uname");
    const path = await it.programs([...tools, "curl", "sha256sum"], { uname });
    const { code, stderr } = await it.run([], { path });
    assert.equal(code, 0, stderr);
    assert.equal(it.requests.at(-1), `/latest/download/sluice-${platform}.tar.gz`);
  });
}

for (
  const [system, machine, said] of [
    ["Linux", "riscv64", /no executable for riscv64; with Deno/],
    ["FreeBSD", "amd64", /no executable for FreeBSD; with Deno/],
    ["MINGW64_NT-10.0", "x86_64", /on Windows download sluice-windows-x86_64\.zip/],
  ] as const
) {
  testInstall(`says what to do on ${system} ${machine}, and asks nobody`, async (it) => {
    const uname = `case $1 in -s) echo ${system} ;; -m) echo ${machine} ;; esac`;
    const tools = BASICS.filter((name) => name !== "uname");
    const path = await it.programs([...tools, "curl", "sha256sum"], { uname });
    const { code, stderr } = await it.run([], { path });
    assert.equal(code, 1);
    assert.match(stderr, said);
    assert.deepEqual(it.requests, []);
  });
}

testInstall("says on a system with musl that it needs glibc", async (it) => {
  const tools = BASICS.filter((name) => name !== "ldd" && name !== "uname");
  const path = await it.programs([...tools, "curl", "sha256sum"], {
    ldd: "echo 'musl libc (x86_64)' >&2; exit 1",
    uname: "case $1 in -s) echo Linux ;; -m) echo x86_64 ;; esac",
  });
  const { code, stderr } = await it.run([], { path });
  assert.equal(code, 1);
  assert.match(stderr, /musl, and the executable needs glibc/);
});

testInstall("keeps what is installed when the checksum is wrong", async (it) => {
  await it.release(WORKS, LINUX);
  assert.equal((await it.run()).code, 0);
  for (const platform of LINUX) it.replace(`/latest/download/sluice-${platform}.tar.gz`, "evil");
  const { code, stderr } = await it.run();
  assert.equal(code, 1);
  assert.match(stderr, /is not what was released: its checksum is [0-9a-f]{64}, and it should be /);
  assert.equal(await runs(it.installed), "0.1.0\n");
});

testInstall("keeps what is installed when the new one does not run", async (it) => {
  await it.release(WORKS, LINUX);
  assert.equal((await it.run()).code, 0);
  await it.release("#!/bin/sh\nexit 127\n", LINUX);
  const { code, stderr } = await it.run();
  assert.equal(code, 1);
  assert.match(stderr, /the executable does not run on this system/);
  assert.equal(await runs(it.installed), "0.1.0\n");
  const names = Array.from(Deno.readDirSync(`${it.home}/.local/bin`), ({ name }) => name);
  assert.deepEqual(names, ["sluice"]);
});

testInstall(
  "names the release that is not there, and the platform that a release has not",
  async (it) => {
    const missing = await it.run(["--version", "9.9.9"]);
    assert.equal(missing.code, 1);
    assert.match(
      missing.stderr,
      /cannot download .*\/v9\.9\.9\/SHA256SUMS; is there a release 9\.9\.9\?/,
    );
    await it.release(WORKS, ["macos-arm64"]);
    const other = await it.run();
    assert.equal(other.code, 1);
    assert.match(other.stderr, /this release has no executable for linux-/);
  },
);

testInstall("names what it lacks", async (it) => {
  await it.release(WORKS, LINUX);
  const noDownloader = await it.run([], { path: await it.programs([...BASICS, "sha256sum"]) });
  assert.equal(noDownloader.code, 1);
  assert.match(noDownloader.stderr, /neither curl nor wget/);
  const noHasher = await it.run([], { path: await it.programs([...BASICS, "curl"]) });
  assert.equal(noHasher.code, 1);
  assert.match(noHasher.stderr, /neither sha256sum nor shasum nor openssl/);
  await Deno.writeTextFile(`${it.home}/file`, "");
  const noFolder = await it.run(["--prefix", `${it.home}/file`]);
  assert.equal(noFolder.code, 1);
  assert.match(noFolder.stderr, /cannot write to .*\/file\/bin; --prefix DIR/);
  const noSense = await it.run(["--force"]);
  assert.equal(noSense.code, 2);
  assert.match(noSense.stderr, /^usage: sh install\.sh/);
});

testInstall("does nothing if it was cut off", async (it) => {
  await it.release(WORKS, LINUX);
  const script = await Deno.readTextFile(SCRIPT);
  const lines = script.split("\n");
  const cuts = [
    ...lines.keys().map((line) => lines.slice(0, line).join("\n").length),
    // Within the last line, anywhere.
    ...Array.from({ length: 15 }, (_, index) => script.length - 2 - index),
  ].filter((cut) => cut < script.length - 1);
  for (const cut of cuts) await it.run([], { input: script.slice(0, cut) });
  assert.deepEqual(it.requests, []);
  // And whole it works from a pipe.
  assert.equal((await it.run([], { input: script })).code, 0);
});

testWithTools("shellcheck has nothing to say about install.sh", ["shellcheck"], async (scope) => {
  const { code, stdout } = await scope.run("shellcheck", [SCRIPT]);
  assert.equal(code, 0, stdout);
});
