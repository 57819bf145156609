/**
 * Clients of everything but the web, each with its own real server, through one port.
 */
import assert from "node:assert/strict";
import { freePort, listening, testWithTools } from "../support/children.ts";
import { startOnePort } from "./one_port.ts";
import {
  sshArguments,
  startMosquitto,
  startNginx,
  startPostgres,
  startRedis,
  startSshd,
} from "./servers.ts";

const CURL = ["-sS", "--max-time", "20"];

testWithTools(
  "ssh reaches the OpenSSH server, knows it by its key, and gets a command's output",
  ["ssh", "ssh-keygen", "sshd"],
  async (scope) => {
    const server = await startSshd(scope);
    const { port, sluice } = await startOnePort(scope, { ssh: server.port });
    const there = await sshArguments(scope, server, port);

    const words = await scope.run("ssh", [...there, "read line; echo $((6 * 7)) $line"], {
      input: "from here\n",
    });
    assert.deepEqual([words.code, words.stdout], [0, "42 from here\n"], words.stderr);
    const line = await sluice.accessLine();
    assert.deepEqual(
      [line.route, line.protocol, line.backend],
      ["ssh", "ssh", `127.0.0.1:${server.port}`],
    );

    const much = await scope.run("ssh", [...there, "head -c 3000000 /dev/zero; exit 7"]);
    assert.deepEqual([much.code, much.stdout.length], [7, 3_000_000], much.stderr);
    assert.ok((await sluice.accessLine()).bytes_down > 3_000_000);
  },
);

testWithTools(
  "curl reaches a web page through each kind of SOCKS",
  ["curl", "nginx", "ssh", "ssh-keygen", "sshd"],
  async (scope) => {
    const { page } = await startNginx(scope, { page: { says: "the page" } });
    const server = await startSshd(scope);
    const [socks4, socks5] = [freePort(), freePort()];
    // OpenSSH's client is a SOCKS server of all versions.
    const forwards = [socks4, socks5].flatMap((each) => ["-D", `127.0.0.1:${each}`]);
    const arguments_ = await sshArguments(scope, server, server.port);
    const proxy = scope.start("ssh", [
      "-N",
      "-o",
      "ExitOnForwardFailure=yes",
      ...forwards,
      ...arguments_,
    ]);
    for (const each of [socks4, socks5]) await listening(each, proxy);
    const { port, sluice } = await startOnePort(scope, { socks4, socks5 });

    for (
      const [option, host, backend] of [
        ["--socks4", "127.0.0.1", socks4],
        ["--socks4a", "localhost", socks4],
        ["--socks5", "127.0.0.1", socks5],
        ["--socks5-hostname", "localhost", socks5],
      ] as const
    ) {
      const through = ["--noproxy", "", option, `127.0.0.1:${port}`];
      const { stdout, stderr } = await scope.run("curl", [
        ...[...CURL, ...through, `http://${host}:${page}/`],
      ]);
      assert.equal(stdout, "the page\n", `${option}: ${stderr}`);
      const line = await sluice.accessLine();
      assert.equal(line.backend, `127.0.0.1:${backend}`, option);
      assert.equal(line.route, backend === socks4 ? "socks4" : "socks5", option);
    }
  },
);

testWithTools(
  "psql reaches PostgreSQL, in clear and with TLS",
  ["initdb", "openssl", "postgres", "psql"],
  async (scope) => {
    const server = await startPostgres(scope);
    const { port, sluice } = await startOnePort(scope, { postgres: server.port });
    const query = "SELECT ssl, 6 * 7, length(repeat('x', 200000)) FROM pg_stat_ssl " +
      "WHERE pid = pg_backend_pid()";
    for (const [mode, ssl] of [["disable", "f"], ["prefer", "t"], ["require", "t"]] as const) {
      const { stdout, stderr } = await scope.run("psql", [
        `host=127.0.0.1 port=${port} user=postgres dbname=postgres sslmode=${mode}`,
        ...["--no-psqlrc", "--no-align", "--tuples-only", "--command", query],
      ]);
      assert.equal(stdout, `${ssl}|42|200000\n`, `${mode}: ${stderr}`);
      const line = await sluice.accessLine();
      assert.deepEqual([line.route, line.protocol], ["postgres", "postgres"], mode);
    }
  },
);

testWithTools(
  "mosquitto_pub and mosquitto_sub meet at the broker, in every version of MQTT",
  ["mosquitto", "mosquitto_pub", "mosquitto_sub"],
  async (scope) => {
    const server = await startMosquitto(scope);
    const { port, sluice } = await startOnePort(scope, { mqtt: server.port });
    for (const version of ["mqttv31", "mqttv311", "mqttv5"]) {
      const topic = ["-h", "127.0.0.1", "-p", String(port), "-V", version, "-t", `to/${version}`];
      const subscriber = scope.start("mosquitto_sub", [...topic, "-q", "1", "-C", "1"]);
      await server.child.stderr.next(/Sending SUBACK/);
      const message = `a message of ${version}`;
      const { code, stderr } = await scope.run("mosquitto_pub", [
        ...[...topic, "-q", "1", "-m", message],
      ]);
      assert.equal(code, 0, stderr);
      await subscriber.stdout.next(new RegExp(`^${message}$`));
      assert.equal(await subscriber.code, 0);
      for (const line of [await sluice.accessLine(), await sluice.accessLine()]) {
        assert.deepEqual([line.route, line.protocol], ["mqtt", "mqtt"], version);
      }
    }
  },
);

testWithTools(
  "redis-cli reaches Redis, and so does a command typed by hand",
  ["ncat", "redis-cli", "redis-server"],
  async (scope) => {
    const server = await startRedis(scope);
    const { port, sluice } = await startOnePort(scope, { redis: server.port });
    const at = ["-h", "127.0.0.1", "-p", String(port)];

    const set = await scope.run("redis-cli", [...at, "SET", "key", "a value"]);
    assert.equal(set.stdout, "OK\n", set.stderr);
    const get = await scope.run("redis-cli", [...at, "-3", "GET", "key"]);
    assert.match(get.stdout, /a value/, get.stderr);
    const typed = await scope.run("ncat", ["127.0.0.1", String(port)], { input: "PING\r\n" });
    assert.equal(typed.stdout, "+PONG\r\n", typed.stderr);
    for (let connection = 0; connection < 3; connection++) {
      const line = await sluice.accessLine();
      assert.deepEqual([line.route, line.protocol, line.reason], ["redis", "redis", "ended"]);
    }
  },
);
