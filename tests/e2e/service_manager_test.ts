/**
 * What a service manager hears: a socket in the place of systemd's.
 */
import assert from "node:assert/strict";
import { freePort, type Scope, testWithTools } from "../support/children.ts";
import { PATIENCE, within } from "../support/child.ts";
import { neededOfDeno } from "./command.ts";
import { startSluice } from "./sluice.ts";

const config = () =>
  `listen_address_v4 = "127.0.0.1"\nlisten_port = ${freePort()}\ntcp_target = ["127.0.0.1:9"]`;

/** Listens as a service manager does. */
function manager(scope: Scope, path: string) {
  const socket = Deno.listenDatagram({ transport: "unixpacket", path });
  scope.atEnd(() => socket.close());
  const next = async () => new TextDecoder().decode((await socket.receive())[0]);
  return { hears: () => within(PATIENCE, "word to the service manager", next()) };
}

for (const [kind, place] of [["with a path", "path"], ["in no directory", "abstract"]] as const) {
  testWithTools(
    `a service manager whose socket is one ${kind} hears when it is ready and when it stops`,
    ["env", ...neededOfDeno("sockets of AF_UNIX for datagrams")],
    async (scope) => {
      const name = `sluice-test-${crypto.randomUUID()}`;
      const [path, told] = place === "path"
        ? Array(2).fill(`${await scope.folder()}/notify`)
        : [`\0${name}`, `@${name}`];
      const { hears } = manager(scope, path);
      const sluice = await startSluice(scope, config(), {
        under: ["env", `NOTIFY_SOCKET=${told}`],
      });
      assert.equal(await hears(), "READY=1");
      sluice.child.signal("SIGTERM");
      assert.equal(await hears(), "STOPPING=1");
      assert.equal(await sluice.child.code, 0);
    },
  );
}

testWithTools(
  "a service manager that is gone is missed in the log, and by nobody else",
  ["env", ...neededOfDeno("sockets of AF_UNIX for datagrams")],
  async (scope) => {
    const nowhere = `${await scope.folder()}/notify`;
    const sluice = await startSluice(scope, config(), {
      under: ["env", `NOTIFY_SOCKET=${nowhere}`],
    });
    assert.match(
      (await sluice.says(/service manager/)).message,
      /^cannot tell the service manager READY=1: no such file or directory$/,
    );
    sluice.child.signal("SIGTERM");
    assert.equal(await sluice.child.code, 0);
  },
);
