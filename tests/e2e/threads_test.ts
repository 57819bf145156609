/**
 * Several data threads in one process.
 */
import assert from "node:assert/strict";
import { freePort, type Scope, testWithTools, until } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";
import { Client } from "./client.ts";
import { neededOfDeno } from "./command.ts";
import { startBackend } from "./servers.ts";
import { type Sluice, startSluice } from "./sluice.ts";
import { startUdpBackend } from "./udp_servers.ts";
import { UdpClient } from "./udp_socket.ts";

const THREADS = 3;
/** The kernel deals them out by chance: that one thread gets none of 40 happens once in three million times. */
const CLIENTS = 40;

/** Other runtimes have no engine with threads. */
const needed = neededOfDeno("the engine linux");

async function start(scope: Scope, port: number, keys: string): Promise<Sluice> {
  const sluice = await startSluice(
    scope,
    `engine = "linux"
     threads = ${THREADS}
     listen_address_v4 = "127.0.0.1"
     listen_port = ${port}
     ${keys}`,
    // Whatever the whole suite runs on.
    { under: ["env", "-u", "SLUICE_ENGINE"] },
  );
  await sluice.says(/engine: linux, 3 threads/);
  return sluice;
}

/** Clients that have asked, and who has answered each; `undefined`: nobody, it was closed. */
async function ask(scope: Scope, port: number, count: number) {
  const clients: Client[] = [];
  const answers: (string | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    const client = await Client.connect(scope, port);
    clients.push(client);
    answers.push(await client.ask("hello").catch(() => undefined));
  }
  return { clients, answers };
}

/** How many sockets listen at a port. */
function listening(port: number): number {
  const at = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const isIt = (line: string) => line.includes(`: ${at} `) && / 0A /.test(line);
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").filter(isIt).length;
}

testWithTools(
  "limits of all, of a listener and of a client hold for all threads together",
  needed,
  async (scope) => {
    const backend = await startBackend(scope, "echo", "echo");
    const target = `tcp_target = ["127.0.0.1:${backend.port}"]`;
    const cases = [
      ["limit_total", ""],
      ["limit_client", "max_connections_per_ip = 10"],
      ["limit_listener", "tcp_max_connections = 10"],
    ] as const;
    for (const [reason, keys] of cases) {
      const [top, port] = [freePort(), freePort()];
      const sluice = await start(
        scope,
        top,
        `tcp_max_connections = ${reason === "limit_total" ? 10 : 1000}
         ${target}
         [listeners.other]
         listen_port = ${port}
         ${target}
         ${keys}`,
      );
      assert.equal(listening(port), THREADS);
      const { clients, answers } = await ask(scope, port, CLIENTS);
      assert.equal(answers.filter((answer) => answer === "echo").length, 10, reason);
      for (const client of clients) client.close();
      for (let i = 0; i < CLIENTS; i++) await sluice.accessLine();
      const refused = sluice.accessLines.filter((line) => line.reason === reason);
      assert.equal(refused.length, CLIENTS - 10);
      // Nothing of those that are over is counted any more.
      assert.deepEqual((await ask(scope, port, 10)).answers, Array(10).fill("echo"));
    }
  },
);

testWithTools(
  "the backend with the fewest connections is the one that has them in all threads together",
  needed,
  async (scope) => {
    const names = ["a", "b", "c", "d"];
    const backends = await Promise.all(names.map((name) => startBackend(scope, "echo", name)));
    const port = freePort();
    const targets = backends.map((backend) => `"127.0.0.1:${backend.port}"`);
    const keys = `tcp_target = [${targets}]\ntcp_load_balance = "least_connections"`;
    await start(scope, port, keys);
    const { answers } = await ask(scope, port, CLIENTS);
    for (const name of names) {
      assert.equal(answers.filter((answer) => answer === name).length, CLIENTS / names.length);
    }
  },
);

testWithTools(
  "a reload reaches every thread, what is open lives on, metrics are of all, and a drain waits for all",
  needed,
  async (scope) => {
    const [one, two] = [
      await startBackend(scope, "echo", "one"),
      await startBackend(scope, "echo", "two"),
    ];
    const [port, admin] = [freePort(), freePort()];
    const keys = (target: number) =>
      `admin_address = "127.0.0.1:${admin}"
       tcp_target = ["127.0.0.1:${target}"]`;
    const sluice = await start(scope, port, keys(one.port));
    const before = await ask(scope, port, CLIENTS);
    assert.deepEqual(before.answers, Array(CLIENTS).fill("one"));

    const text = await Deno.readTextFile(sluice.file);
    await Deno.writeTextFile(sluice.file, text.replace(`:${one.port}"`, `:${two.port}"`));
    await sluice.says(/"reloaded /);
    const after = await ask(scope, port, CLIENTS);
    assert.deepEqual(after.answers, Array(CLIENTS).fill("two"));
    const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    assert.match(metrics, new RegExp(`^sluice_connections_active ${2 * CLIENTS}$`, "m"));

    sluice.child.signal("SIGTERM");
    await sluice.says(new RegExp(`draining ${2 * CLIENTS} connections`));
    await until("nobody listens", () => listening(port) === 0);
    for (const client of [...before.clients, ...after.clients]) {
      assert.equal(await client.line(), "hello");
      assert.equal(await client.ask("still there?"), "still there?");
      client.close();
    }
    assert.equal(await sluice.child.code, 0);
    assert.equal(sluice.accessLines.length, 2 * CLIENTS);
    assert.equal(new Set(sluice.accessLines.map(({ id }) => id)).size, 2 * CLIENTS);
  },
);

testWithTools(
  "a flow of UDP stays with the thread that has it, and nothing goes on at rest",
  needed,
  async (scope) => {
    const names = ["a", "b", "c"];
    const backends = await Promise.all(names.map((name) => startUdpBackend(scope, "echo", name)));
    const port = freePortOfBoth();
    const targets = backends.map((backend) => `"127.0.0.1:${backend.port}"`);
    const keys = `udp_target = [${targets}]\nudp_load_balance = "random"\nudp_max_connections = 30`;
    const sluice = await start(scope, port, keys);
    const clients = Array.from({ length: 30 }, () => new UdpClient(scope, port));
    const round = async () => {
      const answers = await Promise.all(clients.map((client) => client.insist("who?")));
      return answers.map(({ answer }) => answer.split(" ")[0]);
    };
    // A flow that went from thread to thread would get another backend, or find no room.
    const first = await round();
    for (let i = 0; i < 5; i++) assert.deepEqual(await round(), first);
    assert.deepEqual(sluice.accessLines, []);

    // Measured, not waited for: the time must pass.
    const { cpuTime } = sluice;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.ok(sluice.cpuTime - cpuTime < 0.1, `${sluice.cpuTime - cpuTime} s without work`);
  },
);
