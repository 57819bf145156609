import assert from "node:assert/strict";
import { loadAgentOptions, loadAgentText } from "../../../../lib/tunnel/agent/agent_file.ts";

const PIN = "ab".repeat(32);

/** The problems of a file, without its name. */
async function problems(text: string, env = {}): Promise<readonly string[]> {
  const loaded = await loadAgentText(text, "agent.toml", env);
  assert.ok(!loaded.ok);
  return loaded.problems.map((problem) => problem.replace(/^agent\.toml:/, ""));
}

const TOP = 'edge = "edge.example"\n';

Deno.test("a file says which edge, and what is exposed", async () => {
  const loaded = await loadAgentText(
    `
edge = "Tunnel.Example.com:443"
token_file = "token"
pin = "${PIN}"
inspect = 4041
[endpoints.blog]
kind = "http"
service = 3000
name = "Blog"
allow = ["192.0.2.7", "2001:db8::/32"]
basic_auth = "anna:\${PASSWORD}"
forwarded = true
host_header = "localhost:3000"
proxy_protocol = "v2"
[endpoints.shell]
kind = "tcp"
service = "[::1]:22"
port = 20001
`,
    "agent.toml",
    { PASSWORD: "secret" },
  );
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.problems.join("\n"));
  assert.deepEqual(loaded.table, {
    edge: { host: "tunnel.example.com", port: 443 },
    token_file: "token",
    pin: Uint8Array.fromHex(PIN),
    inspect: { address: "127.0.0.1", port: 4041 },
    endpoints: {
      blog: {
        kind: "http",
        service: { host: "localhost", port: 3000 },
        name: "blog",
        allow: ["192.0.2.7/32", "2001:db8::/32"],
        basic_auth: ["anna:secret"],
        forwarded: true,
        host_header: "localhost:3000",
        proxy_protocol: "v2",
      },
      shell: { kind: "tcp", service: { host: "::1", port: 22 }, port: 20_001 },
    },
  });
});

for (
  const [edge, host, port] of [
    ["edge.example", "edge.example", 7835],
    ["192.0.2.7", "192.0.2.7", 7835],
    ["2001:DB8::1", "2001:db8::1", 7835],
    ["[2001:db8::1]", "2001:db8::1", 7835],
    ["[2001:db8::1]:443", "2001:db8::1", 443],
    ["localhost:1", "localhost", 1],
  ] as const
) {
  Deno.test(`the edge ${edge} is port ${port} of ${host}`, async () => {
    const text = `edge = "${edge}"\n[endpoints.a]\nkind = "udp"\nservice = 53\n`;
    const loaded = await loadAgentText(text, "agent.toml", {});
    assert.ok(loaded.ok);
    assert.deepEqual(loaded.table.edge, { host, port });
  });
}

for (
  const [what, text, expected] of [
    ["syntax", "edge = 1 2", ["1:10: expected the end of the line after the value"]],
    ["nothing", "", [" edge: is missing", " endpoints: is missing"]],
    [
      "unknown keys and kinds",
      `${TOP}pni = "x"\n[endpoints.a]\nkind = "htp"\nservice = 1\nnmae = "x"\n`,
      [
        '2:1: pni: unknown key; did you mean "pin"?',
        '4:8: endpoints.a.kind: expected one of "http", "tls", "tcp", "udp", got "htp"; did you mean "http"?',
        '6:1: endpoints.a.nmae: unknown key; did you mean "name"?',
      ],
    ],
    [
      "keys of other kinds",
      `${TOP}[endpoints.a]\nkind = "udp"\nservice = 1\nname = "x"\nproxy_protocol = "v1"\nforwarded = true\n` +
      `[endpoints.b]\nkind = "tls"\nservice = 1\nport = 5\nbasic_auth = "a:b"\n`,
      [
        "5:1: endpoints.a.name: is for http, tls, and this endpoint is udp",
        "6:1: endpoints.a.proxy_protocol: is for http, tls, tcp, and this endpoint is udp",
        "7:1: endpoints.a.forwarded: is for http, and this endpoint is udp",
        "11:1: endpoints.b.port: is for tcp, udp, and this endpoint is tls",
        "12:1: endpoints.b.basic_auth: is for http, and this endpoint is tls",
      ],
    ],
    [
      "ways to trust that contradict each other",
      `${TOP}insecure = true\npin = "${PIN}"\n[endpoints.a]\nkind = "tcp"\nservice = 1\n`,
      ["3:1: pin: contradicts insecure = true"],
    ],
    [
      "an authority beside a pin",
      `${TOP}ca = "ca.pem"\npin = "${PIN}"\n[endpoints.a]\nkind = "tcp"\nservice = 1\n`,
      ["2:1: ca: has no effect beside pin, which is that of one certificate"],
    ],
    [
      "a name twice",
      `${TOP}[endpoints.a]\nkind = "http"\nservice = 1\nname = "x"\n[endpoints.b]\nkind = "http"\nservice = 2\nname = "X"\n`,
      ["9:8: endpoints.b.name: is that of endpoints.a, too"],
    ],
    [
      "values out of bounds",
      `edge = "a b"\npin = "12"\ninspect = "0.0.0.0:4040"\n[endpoints.a]\nkind = "http"\nservice = 70000\n` +
      `allow = ["nobody"]\nname = "dev-*"\nhost_header = "a b"\nbasic_auth = ["anna"]\n`,
      [
        '1:8: edge: expected host:port, got "a b"',
        '2:7: pin: expected the SHA-256 of a certificate, 64 hexadecimal digits, got "12"',
        '3:11: inspect: expected an address of loopback such as "127.0.0.1:4040", got "0.0.0.0:4040"',
        "6:11: endpoints.a.service: expected a whole number from 1 to 65535, got the number 70000",
        '7:10: endpoints.a.allow[0]: expected an address or a network such as "192.0.2.0/24" or "2001:db8::/32", got "nobody"',
        '8:8: endpoints.a.name: expected one name such as "blog", got "dev-*"',
        '9:15: endpoints.a.host_header: expected a name such as "localhost" or "localhost:3000", got "a b"',
        '10:15: endpoints.a.basic_auth[0]: expected a user and a password such as "anna:…", of printable characters',
      ],
    ],
    [
      "a variable that is not set",
      `${TOP}[endpoints.a]\nkind = "http"\nservice = "\${PORT}"\n`,
      [
        '4:11: endpoints.a.service: the variable PORT is not set; "${PORT:-default}" would give a default',
      ],
    ],
    [
      "a key of the top that stands in a table",
      `[endpoints.a]\nkind = "http"\nservice = 1\nedge = "x"\n`,
      [
        " edge: is missing",
        "4:1: endpoints.a.edge: is a key of the top level: write it above the first [table]",
      ],
    ],
    ["no endpoint", `${TOP}[endpoints]\n`, [
      "2:1: endpoints: is empty: there is nothing to expose",
    ]],
  ] as const
) {
  Deno.test(`a file is told at once all that is wrong with it: ${what}`, async () => {
    assert.deepEqual(await problems(text), expected);
  });
}

Deno.test("what the command line says is text, and what is wrong is told by option", () => {
  const endpoint = { kind: "tcp", service: "22", port: "20001", name: "x" };
  const nameOf = (key: string) => `--${key}`;
  const loaded = loadAgentOptions({ edge: "e", pin: "1", endpoints: { a: endpoint } }, nameOf);
  assert.deepEqual(loaded, {
    ok: false,
    problems: [
      'command line: --pin: expected the SHA-256 of a certificate, 64 hexadecimal digits, got "1"',
    ],
  });
  const { name: _, ...good } = endpoint;
  const right = loadAgentOptions({ edge: "e", endpoints: { a: good } }, nameOf);
  assert.ok(right.ok);
  assert.deepEqual(right.table.endpoints["a"], {
    kind: "tcp",
    service: { host: "localhost", port: 22 },
    port: 20_001,
  });
});
