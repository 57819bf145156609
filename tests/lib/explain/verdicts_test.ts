import assert from "node:assert/strict";
import { probeVerdicts, routeVerdicts } from "../../../lib/explain/verdicts.ts";
import { routeTable } from "../../../lib/routing.ts";
import { probe, tcpProbes } from "../../../probes/mod.ts";
import { bytes } from "../../support/bytes.ts";
import { routeTo } from "../../support/routes.ts";
import { samples } from "../../support/samples.ts";

const ROUTES = [
  routeTo("files", { protocol: "ssh" }),
  routeTo("numbers", { protocol: "regex", patterns: [/^\d+$/], minLength: 4 }),
  routeTo("rest", { protocol: "any" }),
];
const TABLE = routeTable({ routes: ROUTES, onProbeTimeout: { kind: "default" } });

/** The verdicts in short: protocol, asked or not, verdict, bytes. */
function short(head: string, state: "open" | "ended", reached = true): string[] {
  return probeVerdicts(TABLE, bytes(head), state, reached).map((each) =>
    [
      each.protocol,
      each.asked ? "asked" : "beside",
      each.verdict,
      each.bytes,
      ...each.byEnd ? ["end"] : [],
    ].join(" ")
  );
}

Deno.test("probes are asked up to the first that does not say no, the others for information", () => {
  assert.deepEqual(short("SSH-2.0-x\r\nmore", "open"), [
    "ssh asked match 11",
    "regex beside no 4",
    "any beside match 0",
  ]);
  assert.deepEqual(short("SS", "open"), [
    "ssh asked need 3",
    "regex beside need 4",
    "any beside match 0",
  ]);
  assert.deepEqual(short("1234", "open"), [
    "ssh asked no 1",
    "regex asked match 4",
    "any beside match 0",
  ]);
});

Deno.test("what is sure only because the stream ended is told from what the bytes say", () => {
  assert.deepEqual(short("12", "ended"), [
    "ssh asked no 1",
    "regex asked match 2 end",
    "any beside match 0",
  ]);
  assert.deepEqual(short("SS", "ended"), [
    "ssh asked no 2 end",
    "regex asked no 2 end",
    "any asked match 0",
  ]);
});

Deno.test("no probe is asked of a connection that does not get as far", () => {
  for (const { asked } of probeVerdicts(TABLE, bytes("1234"), "open", false)) {
    assert.equal(asked, false);
  }
});

Deno.test("the bytes that it took are the fewest with an answer, for every probe and every sample", () => {
  const table = routeTable({
    routes: Object.keys(tcpProbes).map((protocol) => routeTo(protocol, { protocol })),
    onProbeTimeout: { kind: "default" },
  });
  for (const { name, bytes } of samples()) {
    for (const verdict of probeVerdicts(table, bytes, "open", true)) {
      if (verdict.verdict === "need") continue;
      const answer = (count: number) =>
        tcpProbes[verdict.protocol]?.(bytes.subarray(0, count), false).kind;
      assert.equal(answer(verdict.bytes), verdict.verdict, `${name} ${verdict.protocol}`);
      if (verdict.bytes > 0) {
        assert.equal(answer(verdict.bytes - 1), "need", `${name} ${verdict.protocol}`);
      }
    }
  }
});

Deno.test("each route says what it wants and what it got", () => {
  const detector = {
    protocol: "tls",
    probe: probe(() => undefined),
    routes: [
      routeTo("both", { protocol: "tls", serverNames: ["a.example"], alpns: ["h3"] }),
      routeTo("named", { protocol: "tls", serverNames: ["b.example", "*.b.example"] }),
      routeTo("spoken", { protocol: "tls", alpns: ["h2", "h3"] }),
      routeTo("hosted", { protocol: "tls", hosts: ["c.example"] }),
      routeTo("all", { protocol: "tls" }),
      routeTo("more", { protocol: "tls" }),
    ],
  };
  const facts = { protocol: "tls", serverName: "a.example" };
  assert.deepEqual(routeVerdicts(detector, facts, detector.routes[4]), [
    { route: "both", verdict: "mismatch", on: "alpn", wanted: ["h3"], got: [] },
    {
      route: "named",
      verdict: "mismatch",
      on: "server_name",
      wanted: ["b.example", "*.b.example"],
      got: ["a.example"],
    },
    { route: "spoken", verdict: "mismatch", on: "alpn", wanted: ["h2", "h3"], got: [] },
    { route: "hosted", verdict: "mismatch", on: "host", wanted: ["c.example"], got: [] },
    { route: "all", verdict: "wins" },
    { route: "more", verdict: "later" },
  ]);
});
