import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../../lib/cli.ts";
import { ManualClock } from "../support/clock.ts";
import { MemoryNet } from "../support/memory_net.ts";
import { MemoryProcess } from "../support/process.ts";
import { datagramSamples } from "../support/samples.ts";

const ENTRIES = `
[protocols.h3]
protocol = "quic"
server_names = ["a.example", "b.example"]
target = ["127.0.0.1:81"]

[protocols.names]
protocol = "dns"
target = ["127.0.0.1:82"]
`;
const BOTH = `
listen_port = 8443
tcp_target = ["127.0.0.1:80"]
${ENTRIES}`;
const UDP_ONLY = `
listen_port = 8443
${ENTRIES}`;
const TCP_ONLY = `
listen_port = 8443
tcp_target = ["127.0.0.1:80"]
`;
const TWO = `
[listeners.site]
listen_port = 8443
tcp_target = ["127.0.0.1:80"]

[listeners.dns]
listen_port = 53
udp_target = ["127.0.0.1:5353"]
`;

const CAPTURES = new URL("../samples/", import.meta.url);
const QUIC = datagramSamples().find(({ name }) => name === "quic_go_post_quantum")!;

/** Explains on a command line, with the configuration and files of these names written before. */
async function explained(
  config: string,
  args: readonly string[],
  files: Readonly<Record<string, Uint8Array>> = {},
) {
  const directory = await mkdtemp(join(tmpdir(), "sluice-"));
  try {
    const path = join(directory, "config.toml");
    await writeFile(path, config);
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(directory, name), content);
    }
    const named = args.map((arg) => arg in files ? join(directory, arg) : arg);
    const memory = new MemoryProcess(["explain", "-c", path, ...named], {}, false);
    const clock = new ManualClock();
    const lookup = () => Promise.reject(new Error("no names here"));
    const tls = () => Promise.reject(new Error("no TLS here"));
    const code = await main(
      { process: memory, clock, net: new MemoryNet(clock), lookup, tls },
      () => import("../../lib/cli_program.ts"),
    );
    return { code, out: memory.stdout.text, err: memory.stderr.text };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The explanation as data. */
async function json(
  config: string,
  args: readonly string[],
  files?: Readonly<Record<string, Uint8Array>>,
) {
  const { code, out, err } = await explained(config, [...args, "--json"], files);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

Deno.test("a name is asked for over QUIC with --udp, over TLS without", async () => {
  const { transport, outcome, facts } = await json(BOTH, ["--udp", "--sni", "a.example"]);
  assert.deepEqual([transport, outcome.route, facts.protocol], ["udp", "h3", "quic"]);
  const tcp = await json(BOTH, ["--sni", "a.example"]);
  assert.deepEqual([tcp.transport, tcp.outcome.route], ["tcp", "default"]);
  const text = await explained(BOTH, ["--udp", "--sni", "a.example", "--alpn", "h3"]);
  assert.match(text.out, /^→ route h3 → 127\.0\.0\.1:81\n/);
});

Deno.test("a DNS name is asked for over UDP, and on a listener that serves nothing else so is everything", async () => {
  const query = await json(BOTH, ["--dns-name", "a.example", "--from", "192.0.2.1"]);
  assert.deepEqual([query.transport, query.outcome.route], ["udp", "names"]);
  assert.deepEqual(query.client, { address: "192.0.2.1" });
  const hello = await json(UDP_ONLY, ["--sni", "a.example"]);
  assert.deepEqual([hello.transport, hello.outcome.route], ["udp", "h3"]);
  const named = await json(TWO, ["--listener", "dns", "--hex", "00"]);
  assert.deepEqual([named.transport, named.listener], ["udp", "dns"]);
  const first = await json(TWO, ["--udp", "--hex", "00"]);
  assert.deepEqual([first.transport, first.listener], ["udp", "dns"]);
  assert.equal((await json(TWO, ["--hex", "00"])).listener, "site");
});

Deno.test("several --hex, or several --file, are several datagrams of one client", async () => {
  const hex = QUIC.datagrams.flatMap((each) => ["--hex", each.toHex()]);
  const { facts, probes } = await json(UDP_ONLY, hex);
  assert.equal(facts.serverName, QUIC.facts["serverName"]);
  assert.equal(probes[0].datagrams, QUIC.datagrams.length);
  const files = Object.fromEntries(QUIC.datagrams.map((each, at) => [`datagram${at}`, each]));
  const named = Object.keys(files).flatMap((name) => ["--file", name]);
  assert.deepEqual((await json(UDP_ONLY, named, files)).facts, facts);
});

Deno.test("bytes from a file are explained as they are, and stay as they are", async () => {
  // Opening a packet must not write to it, also where what was read is a Buffer of node.
  const [sample] = datagramSamples().filter(({ name }) => name === "quic_rfc9001");
  const { probes } = await json(UDP_ONLY, ["--file", "one"], { one: sample!.datagrams[0]! });
  assert.deepEqual([probes[0].protocol, probes[0].verdict], ["quic", "match"]);
});

Deno.test("a capture of UDP is explained as what it shows, and one of TCP still is", async () => {
  const udp = await json(BOTH, ["--file", new URL("capture_udp.pcap", CAPTURES).pathname]);
  assert.deepEqual(
    udp.map(({ connection, transport, outcome }: Record<string, { route: string }>) => [
      connection,
      transport,
      outcome?.route,
    ]),
    [
      ["127.0.0.1:58065 > 127.0.0.1:8642", "udp", "names"],
      ["127.0.0.1:43929 > 127.0.0.1:8642", "udp", "h3"],
      ["[::1]:46038 > [::1]:8642", "udp", "names"],
    ],
  );
  const tcp = new URL("capture_ethernet.pcap", CAPTURES).pathname;
  const { out } = await explained(BOTH, ["--file", tcp]);
  assert.match(out, /^tcp 127\.0\.0\.1:40960 > 127\.0\.0\.1:8641: → route default/);
});

Deno.test("a capture that is cut off is explained up to there, with a note", async () => {
  const whole = await readFile(new URL("capture_udp.pcap", CAPTURES));
  const { code, out, err } = await explained(BOTH, ["--file", "cut", "--json"], {
    cut: whole.subarray(0, -1),
  });
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).length, 3);
  assert.equal(err, "note: the capture is cut off behind packet 4\n");
});

const mistakes: ReadonlyArray<
  readonly [config: string, args: readonly string[], said: RegExp]
> = [
  [TCP_ONLY, ["--udp", "--hex", "00"], /^error: no listener serves UDP\n$/],
  [TWO, ["--listener", "site", "--dns-name", "a"], /^error: listener "site" serves no UDP\n$/],
  [TWO, ["--listener", "dns", "--host", "a"], /^error: listener "dns" serves no TCP\n$/],
  [BOTH, ["--udp"], /^error: over UDP a client that sends nothing is not there/],
  [BOTH, ["--hex", "00", "--hex", "01"], /^error: several datagrams are explained with --udp\n$/],
  [BOTH, ["--udp", "--hex", "0"], /^error: --hex wants two hexadecimal digits/],
  [BOTH, ["--udp", "--host", "a"], /cannot be used with option/],
  [BOTH, ["--dns-name", "a", "--sni", "a"], /cannot be used with option/],
  [BOTH, ["--dns-name", "a", "--hex", "00"], /cannot be used with option/],
  [BOTH, ["--dns-name", "ä.example"], /^error: no DNS client asks for "ä.example"/],
  [BOTH, ["--udp", "--sni", "192.0.2.1"], /^error: no client sends the server name "192.0.2.1"/],
  [
    BOTH,
    ["--file", new URL("capture_udp.pcap", CAPTURES).pathname, "--file", "/dev/null"],
    /^error: a capture is explained alone/,
  ],
  [
    TCP_ONLY,
    ["--file", new URL("capture_udp.pcap", CAPTURES).pathname],
    /nothing to explain in the capture: 3 UDP flows left out: no listener serves UDP\n$/,
  ],
];

assert.ok(mistakes.length > 0);
for (const [config, args, said] of mistakes) {
  const told = args.map((arg) => arg.replace(CAPTURES.pathname, "")).join(" ");
  Deno.test(`\`explain ${told}\` says what is wrong with it, with exit code 2`, async () => {
    const { code, out, err } = await explained(config, args);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(err, said);
  });
}

Deno.test("a visitor of the tunnel goes to the edge, and so does an agent", async () => {
  const config = `${TCP_ONLY}[edge]\ndomain = "t.example"\n`;
  const visitor = await explained(config, ["--host", "blog.t.example"]);
  assert.match(visitor.out, /^→ route edge-http → edge:0\n/);
  const agent = await explained(config, ["--sni", "t.example", "--alpn", "sluice-tunnel/1"]);
  assert.match(agent.out, /^→ route edge-agents-by-name → edge:0\n/);
  const other = await explained(config, ["--host", "t.example"]);
  assert.match(other.out, /^→ route default → 127\.0\.0\.1:80\n/);
});
