/**
 * Protocols in which the server speaks first: the client says nothing that could be detected.
 */
import assert from "node:assert/strict";
import { freePort, type Scope, testWithTools } from "../support/children.ts";
import { Client } from "./client.ts";
import { startOnePort } from "./one_port.ts";
import { startBackend } from "./servers.ts";
import { startSluice } from "./sluice.ts";

const PROBE_TIMEOUT = 400;

testWithTools(
  "beside detection, a silent client hears the server's greeting after the probe timeout",
  ["curl", "ncat"],
  async (scope) => {
    const server = await startBackend(scope, "smtp", "mail.example");
    const { port, sluice } = await startOnePort(scope, { default: server.port });

    const ncat = scope.start("ncat", ["--recv-only", "127.0.0.1", String(port)]);
    await ncat.stdout.next(/^220 mail\.example/);
    await ncat.end();
    const silent = await sluice.accessLine();
    assert.deepEqual([silent.route, silent.protocol, silent.bytes_up], ["default", undefined, 0]);
    assertBetween(silent.route_ms, PROBE_TIMEOUT - 1, 10 * PROBE_TIMEOUT);

    await sendMail(scope, port, "after the timeout");
    await server.child.stdout.next(/^Subject: after the timeout$/);
    assert.equal((await sluice.accessLine()).reason, "ended");
  },
);

testWithTools(
  "where one answer is possible, a silent client hears the server's greeting at once",
  ["curl", "ncat"],
  async (scope) => {
    const server = await startBackend(scope, "smtp", "mail.example");
    const port = freePort();
    const sluice = await startSluice(
      scope,
      `listen_address_v4 = "127.0.0.1"
       listen_port = ${port}
       probe_timeout = "1h"
       tcp_target = ["127.0.0.1:${server.port}"]`,
    );
    const ncat = scope.start("ncat", ["--recv-only", "127.0.0.1", String(port)]);
    await ncat.stdout.next(/^220 mail\.example/);
    await ncat.end();
    assertBetween((await sluice.accessLine()).route_ms, 0, PROBE_TIMEOUT);

    await sendMail(scope, port, "at once");
    await server.child.stdout.next(/^Subject: at once$/);
    assert.equal((await sluice.accessLine()).reason, "ended");
  },
);

testWithTools(
  "a silent client goes where on_probe_timeout says",
  ["ncat"],
  async (scope) => {
    const server = await startBackend(scope, "smtp", "mail.example");
    const [named, closing] = [freePort(), freePort()];
    const entries = `
      [listeners.NAME.protocols.mail]
      protocol = "regex"
      patterns = ["^EHLO "]
      target = ["127.0.0.1:${server.port}"]`;
    const sluice = await startSluice(
      scope,
      `listen_address_v4 = "127.0.0.1"
       listen_port = ${named}
       probe_timeout = "100ms"
       on_probe_timeout = "mail"
       [protocols.mail]
       protocol = "regex"
       patterns = ["^EHLO "]
       target = ["127.0.0.1:${server.port}"]
       [listeners.closing]
       listen_port = ${closing}
       on_probe_timeout = "close"
       ${entries.replaceAll("NAME", "closing")}`,
    );
    const ncat = scope.start("ncat", ["--recv-only", "127.0.0.1", String(named)]);
    await ncat.stdout.next(/^220 mail\.example/);
    await ncat.end();
    assert.equal((await sluice.accessLine()).route, "mail");

    const closed = await scope.run("ncat", ["--recv-only", "127.0.0.1", String(closing)]);
    assert.equal(closed.stdout, "");
    const line = await sluice.accessLine();
    assert.deepEqual([line.listener, line.reason, line.route], [
      ...["closing", "probe_timeout", undefined],
    ]);
  },
);

testWithTools(
  "a client is not silent whose words arrived while sluice could not run",
  [],
  async (scope) => {
    const [ssh, rest] = await Promise.all([
      startBackend(scope, "echo", "ssh"),
      startBackend(scope, "echo", "default"),
    ]);
    const { port, sluice } = await startOnePort(scope, { ssh: ssh.port, default: rest.port });
    const client = await Client.connect(scope, port);
    // It is accepted once one that came later has its answer.
    assert.equal(await (await Client.connect(scope, port)).ask("SSH-2.0-witness\r"), "ssh");
    sluice.child.signal("SIGSTOP");
    await client.send("SSH-2.0-client\r\n");
    await new Promise((resolve) => setTimeout(resolve, 1.5 * PROBE_TIMEOUT));
    sluice.child.signal("SIGCONT");
    assert.equal(await client.line(), "ssh");
  },
);

/** Sends a mail as real clients do: not a word before the server's greeting. */
async function sendMail(scope: Scope, port: number, subject: string): Promise<void> {
  const { code, stderr } = await scope.run("curl", [
    ...["-sS", "--max-time", "20", "--noproxy", "*", "--url", `smtp://127.0.0.1:${port}`],
    ...["--mail-from", "from@mail.example", "--mail-rcpt", "to@mail.example", "-T", "-"],
  ], { input: `Subject: ${subject}\r\n\r\nhello\r\n` });
  assert.equal(code, 0, stderr);
}

function assertBetween(value: number | undefined, low: number, high: number): void {
  assert.ok(value !== undefined && value >= low && value < high, `${value} in [${low}, ${high})`);
}
