import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configFile } from "../../../../lib/config_watch.ts";
import { loadAgentFile } from "../../../../lib/tunnel/agent/load_agent.ts";
import { createToken, formatToken } from "../../../../lib/tunnel/auth.ts";
import { files as systemFiles } from "../../../support/process.ts";

const TOKEN = createToken("alice");

/** What becomes of a file, in a folder with others that it may name as `DIR/…`. */
async function load(text: string, files: Readonly<Record<string, string>> = {}, env = {}) {
  const folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
  try {
    const all = { ...files, "agent.toml": text };
    for (const [name, content] of Object.entries(all)) {
      await writeFile(join(folder, name), content.replaceAll("DIR", folder));
    }
    const loaded = await loadAgentFile(
      configFile(join(folder, "agent.toml"), systemFiles),
      env,
    );
    return loaded.ok
      ? { config: loaded.config, problems: "" }
      : { problems: loaded.problems.join("\n").replaceAll(folder, "DIR") };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const WEB = `edge = "e"\n[endpoints.web]\nkind = "http"\nservice = 3000\n`;

Deno.test("a token comes from its file, comments and all, or from the environment", async () => {
  const printed = `# The token, for the agent alone.\n${
    formatToken(TOKEN)
  }\n\n# For the edge:\n[edge]\n`;
  const { config } = await load(`token_file = "DIR/t"\n${WEB}`, { t: printed });
  assert.deepEqual(config?.token, TOKEN);
  const fromEnv = await load(WEB, {}, { SLUICE_TOKEN: formatToken(TOKEN) });
  assert.deepEqual(fromEnv.config?.token, TOKEN);
});

Deno.test("what is said of files that are missing, or that have something else in them, names them", async () => {
  const env = { SLUICE_TOKEN: formatToken(TOKEN) };
  assert.match((await load(WEB)).problems, /^there is no token: name its file with --token-file/);
  assert.match(
    (await load(WEB, {}, { SLUICE_TOKEN: "alice.short" })).problems,
    /^SLUICE_TOKEN: there is no token in it, which `sluice edge token` makes$/,
  );
  assert.equal(
    (await load(`token_file = "DIR/t"\n${WEB}`)).problems,
    "DIR/t: cannot be read: no such file or directory",
  );
  assert.equal(
    (await load(`ca = "DIR/ca"\n${WEB}`, { ca: "no PEM" }, env)).problems,
    "DIR/ca: there is no certificate in PEM in it",
  );
  const file = `${WEB}basic_auth_file = "DIR/users"\n`;
  assert.equal(
    (await load(file, { users: "# nobody\n" }, env)).problems,
    "DIR/users: there is nobody in it who may ask",
  );
  const { problems } = await load(file, { users: "anna\n" }, env);
  assert.match(problems, /^DIR\/users: expected a user and a password/);
});

Deno.test("how the edge is trusted: the system's authorities, a pin, a file's, or nothing", async () => {
  const env = { SLUICE_TOKEN: formatToken(TOKEN) };
  const trust = async (line: string, files = {}) =>
    (await load(line + WEB, files, env)).config?.trust;
  assert.deepEqual(await trust(""), { kind: "system" });
  const pin = "ab".repeat(32);
  assert.deepEqual(await trust(`pin = "${pin}"\n`), {
    kind: "pin",
    sha256: Uint8Array.fromHex(pin),
  });
  const pem = "-----BEGIN CERTIFICATE-----\n";
  assert.deepEqual(await trust('ca = "DIR/ca"\n', { ca: pem }), { kind: "authorities", pem });
  assert.equal(await trust("insecure = true\n"), undefined);
});

Deno.test("who may ask comes from the file and from another file", async () => {
  const env = { SLUICE_TOKEN: formatToken(TOKEN) };
  const file = `${WEB}basic_auth = "a:b"\nbasic_auth_file = "DIR/users"\n`;
  const { config } = await load(file, { users: "c:d\n\n# more\ne:f\n" }, env);
  assert.deepEqual(config?.endpoints[0]?.credentials, ["a:b", "c:d", "e:f"]);
});
