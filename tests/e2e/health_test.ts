/**
 * `sluice health`, as a container engine runs it.
 */
import assert from "node:assert/strict";
import { freePort, type Scope, testWithTools } from "../support/children.ts";
import { Client } from "./client.ts";
import { sluiceCommand } from "./command.ts";
import { startBackend } from "./servers.ts";
import { startSluice } from "./sluice.ts";

const health = (scope: Scope, file: string) => {
  const [program, ...args] = sluiceCommand(["health", "-c", file]);
  return scope.run(program, args, { env: { NO_COLOR: "1" } });
};

testWithTools(
  "a sluice is ready, then it drains and is not, then it is gone",
  [],
  async (scope) => {
    const port = freePort();
    const backend = await startBackend(scope, "echo", "one");
    const sluice = await startSluice(
      scope,
      `listen_address_v4 = "127.0.0.1"
       listen_port = ${port}
       tcp_target = ["127.0.0.1:${backend.port}"]
       admin_address = "127.0.0.1:${freePort()}"`,
    );
    assert.deepEqual(await health(scope, sluice.file), { code: 0, stdout: "ready\n", stderr: "" });
    const client = await Client.connect(scope, port);
    assert.equal(await client.ask("hello"), "one");
    sluice.child.signal("SIGTERM");
    await sluice.says(/draining 1 connection/);
    const draining = await health(scope, sluice.file);
    assert.deepEqual(draining, { code: 1, stdout: "takes no new connections\n", stderr: "" });
    client.close();
    assert.equal(await sluice.child.code, 0);
    const gone = await health(scope, sluice.file);
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /^error: 127\.0\.0\.1:\d+: .*refused/);
  },
);
