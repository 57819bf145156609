import assert from "node:assert/strict";
import process from "node:process";
import fc from "fast-check";
import type { ConnectionRecord } from "../../lib/access_log.ts";
import { Metrics, type MetricSources } from "../../lib/metrics.ts";
import type { BackendState, Gauges, Traffic } from "../../lib/plane.ts";
import { MOST_SERIES, Tally } from "../../lib/tally.ts";
import { type Family, parseExposition, valueOf } from "../support/exposition.ts";

const RECORD: ConnectionRecord = {
  time: Date.UTC(2026, 0, 1),
  id: 1,
  transport: "tcp",
  listener: "default",
  client: { address: "192.0.2.7", port: 4711 },
  up: 0,
  down: 0,
  duration: 0,
  reason: "ended",
};

type EdgeState = NonNullable<NonNullable<MetricSources["edge"]>["gauges"]>;

/** What a server would say, for the test to change. */
class FakeServer implements Gauges {
  activeConnections = 0;
  activeFlows = 0;
  live: Record<"tcp" | "udp", Traffic> = { tcp: { up: 0, down: 0 }, udp: { up: 0, down: 0 } };
  drops = new Map<string, number>();
  backends: BackendState[] = [];
}

function setUp() {
  const gauges = new FakeServer();
  const config = { isGood: true, since: Date.UTC(2026, 0, 1) };
  const tally = new Tally();
  const metrics = new Metrics({ plane: { gauges: () => gauges }, ended: tally, config });
  const scrape = async () => parseExposition(await metrics.expose());
  return { gauges, config, tally, metrics, scrape };
}

function seriesOf(families: ReadonlyMap<string, Family>, name: string): Record<string, number> {
  const samples = families.get(name)?.samples ?? new Map<string, number>();
  return Object.fromEntries(
    Array.from(samples, ([series, value]) => [series.slice(name.length), value]),
  );
}

Deno.test("before anything has happened every series that can be known is there, at zero", async () => {
  const { scrape } = setUp();
  const families = await scrape();
  assert.deepEqual(seriesOf(families, "sluice_bytes_total"), {
    '{direction="up",transport="tcp"}': 0,
    '{direction="down",transport="tcp"}': 0,
    '{direction="up",transport="udp"}': 0,
    '{direction="down",transport="udp"}': 0,
  });
  assert.deepEqual(seriesOf(families, "sluice_datagrams_total"), {
    '{direction="up"}': 0,
    '{direction="down"}': 0,
  });
  for (const name of ["sluice_probe", "sluice_connect", "sluice_connection_duration"]) {
    assert.equal(valueOf(families, `${name}_seconds_count{transport="tcp"}`), 0);
    assert.equal(valueOf(families, `${name}_seconds_count{transport="udp"}`), 0);
  }
  assert.equal(valueOf(families, "sluice_connections_active"), 0);
  assert.equal(valueOf(families, "sluice_flows_active"), 0);
});

Deno.test("a connection that is over is counted by listener, transport, protocol, route and reason", async () => {
  const { tally, scrape } = setUp();
  tally.count({ ...RECORD, protocol: "tls", route: "shop", serverName: "secret.example" });
  tally.count({ ...RECORD, protocol: "tls", route: "shop" });
  tally.count({ ...RECORD, protocol: "tls", route: "shop", transport: "udp" });
  tally.count({ ...RECORD, reason: "acl_denied" });
  assert.deepEqual(seriesOf(await scrape(), "sluice_connections_total"), {
    '{listener="default",transport="tcp",protocol="tls",route="shop",reason="ended"}': 2,
    '{listener="default",transport="udp",protocol="tls",route="shop",reason="ended"}': 1,
    '{listener="default",transport="tcp",protocol="",route="",reason="acl_denied"}': 1,
  });
});

Deno.test("nothing that a client has sent, and no address of one, is in what is shown", async () => {
  const { tally, metrics } = setUp();
  tally.count({
    ...RECORD,
    serverName: "from.the.client",
    host: "from.the.client",
    alpns: ["from.the.client"],
    dnsName: "from.the.client",
    detail: "from.the.client",
    backend: { address: "198.51.100.1", port: 1 },
  });
  assert.doesNotMatch(await metrics.expose(), /from\.the\.client|192\.0\.2\.7|4711|198\.51\.100/);
});

Deno.test("names with quotes, backslashes and line ends stay one line each", async () => {
  const { tally, scrape } = setUp();
  tally.count({ ...RECORD, listener: 'a"b\\c\nd', route: "ü {x=1},\t" });
  assert.deepEqual(seriesOf(await scrape(), "sluice_connections_total"), {
    '{listener="a\\"b\\\\c\\nd",transport="tcp",protocol="",route="ü {x=1},\t",reason="ended"}': 1,
  });
});

Deno.test("whatever the names of a configuration are, what is shown can be read", async () => {
  const name = fc.string({ unit: "binary", maxLength: 12 });
  const record = fc.record({ listener: name, protocol: name, route: name });
  await fc.assert(fc.asyncProperty(fc.array(record, { maxLength: 4 }), async (records) => {
    const { tally, scrape } = setUp();
    for (const names of records) tally.count({ ...RECORD, ...names });
    const counts = Object.values(seriesOf(await scrape(), "sluice_connections_total"));
    assert.equal(counts.reduce((a, b) => a + b, 0), records.length);
  }));
});

Deno.test("bytes and datagrams are those of the connections that are over, and what live ones have moved so far", async () => {
  const { gauges, tally, scrape } = setUp();
  const bytes = async () => seriesOf(await scrape(), "sluice_bytes_total");
  tally.count({ ...RECORD, up: 10, down: 200 });
  gauges.live.tcp = { up: 5, down: 0 };
  gauges.live.udp = { up: 7, down: 70, datagramsUp: 2, datagramsDown: 3 };
  assert.deepEqual(await bytes(), {
    '{direction="up",transport="tcp"}': 15,
    '{direction="down",transport="tcp"}': 200,
    '{direction="up",transport="udp"}': 7,
    '{direction="down",transport="udp"}': 70,
  });
  const over = { up: 8, down: 80, datagramsUp: 3, datagramsDown: 4 };
  tally.count({ ...RECORD, ...over, transport: "udp" });
  gauges.live.udp = { up: 0, down: 0 };
  assert.equal((await bytes())['{direction="down",transport="udp"}'], 80);
  assert.deepEqual(seriesOf(await scrape(), "sluice_datagrams_total"), {
    '{direction="up"}': 3,
    '{direction="down"}': 4,
  });
});

Deno.test("a total never goes down, and goes on from where it was", async () => {
  const { gauges, scrape } = setUp();
  const up = async () =>
    valueOf(await scrape(), 'sluice_bytes_total{direction="up",transport="tcp"}');
  gauges.live.tcp = { up: 100, down: 0 };
  assert.equal(await up(), 100);
  gauges.live.tcp = { up: 90, down: 0 };
  assert.equal(await up(), 100);
  gauges.live.tcp = { up: 101, down: 0 };
  assert.equal(await up(), 101);
});

Deno.test("dropped datagrams are counted by reason", async () => {
  const { gauges, scrape } = setUp();
  gauges.drops.set("no_route", 3).set("limit_client", 1);
  await scrape();
  gauges.drops.set("no_route", 5);
  assert.deepEqual(seriesOf(await scrape(), "sluice_datagrams_dropped_total"), {
    '{reason="no_route"}': 5,
    '{reason="limit_client"}': 1,
  });
});

Deno.test("times of the record are seconds in the histograms, and absent times are not observed", async () => {
  const { tally, scrape } = setUp();
  tally.count({ ...RECORD, timeToRoute: 2, timeToConnect: 30, duration: 1500 });
  tally.count({ ...RECORD, duration: 40 });
  const families = await scrape();
  const tcp = (series: string) => valueOf(families, series.replace("}", 'transport="tcp"}'));
  assert.equal(tcp("sluice_probe_seconds_count{}"), 1);
  assert.equal(tcp("sluice_probe_seconds_sum{}"), 0.002);
  assert.equal(tcp('sluice_probe_seconds_bucket{le="0.001",}'), 0);
  assert.equal(tcp('sluice_probe_seconds_bucket{le="0.0025",}'), 1);
  assert.equal(tcp('sluice_connect_seconds_bucket{le="0.025",}'), 0);
  assert.equal(tcp('sluice_connect_seconds_bucket{le="0.05",}'), 1);
  assert.equal(tcp("sluice_connection_duration_seconds_count{}"), 2);
  assert.equal(tcp('sluice_connection_duration_seconds_bucket{le="0.1",}'), 1);
  assert.equal(tcp('sluice_connection_duration_seconds_bucket{le="10",}'), 2);
});

Deno.test("backends are those that are there now", async () => {
  const { gauges, scrape } = setUp();
  const backends = async () => seriesOf(await scrape(), "sluice_backend_up");
  const v4 = { address: "10.0.0.1", port: 80 };
  const v6 = { address: "2001:db8::1", port: 443 };
  gauges.backends = [
    { transport: "tcp", backend: v4, isUp: true },
    { transport: "tcp", backend: v6, isUp: false },
    { transport: "udp", backend: v6, isUp: true },
  ];
  assert.deepEqual(await backends(), {
    '{backend="10.0.0.1:80",transport="tcp"}': 1,
    '{backend="[2001:db8::1]:443",transport="tcp"}': 0,
    '{backend="[2001:db8::1]:443",transport="udp"}': 1,
  });
  gauges.backends = [{ transport: "tcp", backend: v6, isUp: true }];
  assert.deepEqual(await backends(), { '{backend="[2001:db8::1]:443",transport="tcp"}': 1 });
});

Deno.test("the configuration's state is shown", async () => {
  const { config, scrape } = setUp();
  const state = async () => {
    const families = await scrape();
    return [
      valueOf(families, "sluice_config_last_reload_success"),
      valueOf(families, "sluice_config_last_reload_timestamp_seconds"),
    ];
  };
  assert.deepEqual(await state(), [1, Date.UTC(2026, 0, 1) / 1000]);
  config.isGood = false;
  config.since += 1500;
  assert.deepEqual(await state(), [0, Date.UTC(2026, 0, 1) / 1000 + 1.5]);
});

Deno.test("the process and the version are shown", async () => {
  const families = await setUp().scrape();
  assert.match([...families.get("sluice_build_info")!.samples.keys()].join(), /version="\d+\.\d+/);
  assert.ok(valueOf(families, "process_resident_memory_bytes") > 1e6);
  assert.ok(valueOf(families, "process_heap_bytes") > 1e5);
  assert.ok(valueOf(families, "process_cpu_seconds_total") > 0);
  const age = Date.now() / 1000 - valueOf(families, "process_start_time_seconds");
  assert.ok(age >= 0 && age < 86_400, `${age} s`);
  if (process.platform === "linux") {
    const open = valueOf(families, "process_open_fds");
    assert.ok(open > 2 && open < valueOf(families, "process_max_fds"), `${open}`);
  }
});

Deno.test("names that come and go with reloads are kept up to a bound, and nothing is lost beyond it", async () => {
  const { tally, scrape } = setUp();
  const more = 50;
  for (let i = 0; i < MOST_SERIES + more; i++) tally.count({ ...RECORD, listener: `l${i}` });
  tally.count({ ...RECORD, listener: "l0" });
  const series = seriesOf(await scrape(), "sluice_connections_total");
  assert.equal(Object.keys(series).length, MOST_SERIES + 1);
  const of = (listener: string, rest: string) =>
    series[`{listener="${listener}",transport="tcp",${rest},reason="ended"}`];
  assert.equal(of("other", 'protocol="other",route="other"'), more);
  assert.equal(of("l0", 'protocol="",route=""'), 2);
});

Deno.test("backends are shown up to a bound", async () => {
  const { gauges, scrape } = setUp();
  gauges.backends = Array.from({ length: MOST_SERIES + 50 }, (_, i) => ({
    transport: "tcp",
    backend: { address: `10.0.${i >> 8}.${i & 255}`, port: 80 },
    isUp: true,
  }));
  assert.equal((await scrape()).get("sluice_backend_up")?.samples.size, MOST_SERIES);
});

Deno.test("the tunnel's edge is told of once there is one, and its visitors count with the others", async () => {
  const gauges = new FakeServer();
  const edge: { gauges: EdgeState | undefined } = { gauges: undefined };
  const metrics = new Metrics({
    plane: { gauges: () => gauges },
    ended: new Tally(),
    config: { isGood: true, since: 0 },
    edge,
  });
  const scrape = async () => parseExposition(await metrics.expose());
  assert.equal((await scrape()).get("sluice_edge_agents"), undefined);
  gauges.activeConnections = 2;
  gauges.live.tcp = { up: 10, down: 20 };
  const traffic = { up: 1, down: 2, datagramsUp: 3, datagramsDown: 4 };
  edge.gauges = {
    agents: 3,
    endpoints: { http: 2, udp: 1 },
    activeConnections: 5,
    activeFlows: 7,
    live: { tcp: traffic, udp: traffic },
  };
  const families = await scrape();
  assert.equal(valueOf(families, "sluice_edge_agents"), 3);
  assert.deepEqual(seriesOf(families, "sluice_edge_endpoints"), {
    '{kind="http"}': 2,
    '{kind="udp"}': 1,
  });
  assert.equal(valueOf(families, "sluice_connections_active"), 7);
  assert.equal(valueOf(families, "sluice_flows_active"), 7);
  assert.equal(valueOf(families, 'sluice_bytes_total{direction="up",transport="tcp"}'), 11);
  assert.equal(valueOf(families, 'sluice_bytes_total{direction="down",transport="udp"}'), 2);
  assert.equal(valueOf(families, 'sluice_datagrams_total{direction="up"}'), 3);
  edge.gauges = undefined;
  const after = await scrape();
  assert.equal(valueOf(after, "sluice_edge_agents"), 0);
  assert.deepEqual(seriesOf(after, "sluice_edge_endpoints"), {});
});
