import assert from "node:assert/strict";
import type { Journal } from "../../../../lib/tunnel/agent/journal.ts";
import { JsonJournal } from "../../../../lib/tunnel/agent/json_journal.ts";
import { TextJournal } from "../../../../lib/tunnel/agent/text_journal.ts";
import { Exchange } from "../../../../lib/tunnel/http/exchange.ts";

/** What is written, with what goes to stderr marked. */
function written(tell: (journal: Journal) => void, options: Options = {}): string {
  const lines: string[] = [];
  const { format = "text", quiet = false, hasColour = false, inspector } = options;
  const common = {
    edge: () => "edge.example:7835",
    inspector: () => inspector,
    quiet,
    writeOut: (line: string) => void lines.push(line),
    writeError: (line: string) => void lines.push(`! ${line}`),
  };
  tell(
    format === "text"
      ? new TextJournal({ ...common, hasColour, columns: () => undefined })
      : new JsonJournal({ ...common, date: () => 0 }),
  );
  return lines.join("");
}

interface Options {
  readonly format?: "text" | "json";
  readonly quiet?: boolean;
  readonly hasColour?: boolean;
  readonly inspector?: string;
}

const BLOG = {
  label: "blog",
  kind: "http",
  address: "http://blog.t.example",
  service: "localhost:3000",
} as const;
const SHELL = {
  label: "shell",
  kind: "tcp",
  address: "tcp://t.example:20001",
  service: "10.0.0.1:22",
} as const;

const VISIT = {
  label: "shell",
  kind: "tcp",
  visitor: "192.0.2.7:1234",
  up: 1234,
  down: 56,
  duration: 9.974,
  reason: "ended",
} as const;

function exchange(target = "/a"): Exchange {
  const request = { method: "GET", target, version: "1.1", fields: [] };
  const place = { endpoint: "blog", visitor: "192.0.2.7:1" };
  const made = new Exchange(place, 0, request, 0);
  made.response = { status: 200, reason: "OK", version: "1.1", fields: [] };
  made.duration = 9.974;
  made.outcome = "complete";
  return made;
}

Deno.test("one block says where everything is", () => {
  const inspector = "http://127.0.0.1:4040";
  assert.equal(
    written((journal) => journal.serving([BLOG, SHELL]), { inspector }),
    `
  http://blog.t.example  →  localhost:3000
  tcp://t.example:20001  →  10.0.0.1:22

  edge       edge.example:7835
  inspector  http://127.0.0.1:4040

`,
  );
});

Deno.test("a line for each request, with the endpoint where there are several", () => {
  const line =
    "GET      /a                                        200 OK                      9.97 ms       0 B\n";
  const last = (served: (typeof BLOG | typeof SHELL)[]) =>
    written((journal) => {
      journal.serving(served);
      journal.answered(exchange());
    }).split("\n").at(-2);
  assert.equal(`${last([BLOG])}\n`, line);
  assert.equal(`${last([BLOG, SHELL])}\n`, `blog   ${line}`);
});

Deno.test("a line for each visitor who has left, and why, unless he just did", () => {
  const text = written((journal) => {
    journal.visited(VISIT);
    journal.visited({ ...VISIT, reason: "conn_reset", duration: 61_000 });
  });
  assert.equal(
    text,
    `tcp   192.0.2.7:1234         ↑ 1.2 kB    ↓ 56 B       9.97 ms
tcp   192.0.2.7:1234         ↑ 1.2 kB    ↓ 56 B        61.0 s  the service broke off
`,
  );
});

Deno.test("what is wrong with the edge is told once, until something else is", () => {
  const text = written((journal) => {
    journal.away("Connection refused", 500);
    journal.away("Connection refused", 1000);
    journal.away("No route to host", 2000);
    journal.back();
    journal.away("Connection refused", 500);
  });
  assert.equal(
    text,
    `! the edge is away: Connection refused; it is tried again in 500 ms
! the edge is away: No route to host; it is tried again in 2.00 s
! the edge is there again, and every address is as it was
! the edge is away: Connection refused; it is tried again in 500 ms
`,
  );
});

Deno.test("an endpoint that cannot be had is told with what to do about it", () => {
  const text = written((journal) => journal.rejected("blog", "name_taken", "it is bob's"));
  assert.equal(
    text,
    "! blog is not exposed: it is bob's; choose another name, or leave it out and the edge gives one\n",
  );
});

Deno.test("nothing from outside is obeyed by the terminal, or ends a line", () => {
  const evil = "\x1b[2J\nevil\u202e";
  const text = written((journal) => {
    journal.serving([{ ...BLOG, address: evil }]);
    journal.away(evil, 500);
    journal.rejected("blog", "limit", evil);
    journal.serviceFailed("blog", evil);
    journal.visited({ ...VISIT, visitor: evil });
    journal.answered(exchange(evil));
  });
  for (const character of ["\x1b", "\u202e", "\nevil"]) assert.ok(!text.includes(character));
});

Deno.test("quiet is about visitors and requests alone", () => {
  for (const format of ["text", "json"] as const) {
    const tell = (journal: Journal) => {
      journal.visited(VISIT);
      journal.answered(exchange());
      journal.serviceFailed("blog", "Connection refused");
    };
    assert.match(written(tell, { format, quiet: true }), /^! .*Connection refused.*\n$/);
  }
});

Deno.test("colours are for terminals that take them", () => {
  const tell = (journal: Journal) => {
    journal.serving([BLOG]);
    journal.answered(exchange());
    journal.warn("beware");
  };
  assert.ok(!written(tell).includes("\x1b"));
  const text = written(tell, { hasColour: true });
  assert.ok(text.includes("\x1b[1mhttp://blog.t.example\x1b[22m"));
  assert.ok(text.includes("\x1b[33mbeware\x1b[0m"));
});

Deno.test("programs get an object a line", () => {
  const text = written((journal) => {
    journal.serving([BLOG]);
    journal.answered(exchange());
    journal.visited(VISIT);
    journal.rejected("blog", "name_taken", "it is bob's");
    journal.away("gone", 499.7);
    journal.back();
  }, { format: "json" });
  const objects = text.trimEnd().split("\n").map((line) => JSON.parse(line.replace(/^! /, "")));
  const time = "1970-01-01T00:00:00.000Z";
  assert.deepEqual(objects, [
    { event: "serving", time, ...BLOG, edge: "edge.example:7835" },
    {
      event: "request",
      time,
      endpoint: "blog",
      visitor: "192.0.2.7:1",
      method: "GET",
      target: "/a",
      status: 200,
      outcome: "complete",
      duration_ms: 9.97,
      bytes_up: 0,
      bytes_down: 0,
    },
    {
      event: "visit",
      time,
      label: "shell",
      kind: "tcp",
      visitor: "192.0.2.7:1234",
      bytes_up: 1234,
      bytes_down: 56,
      duration_ms: 9.97,
      reason: "ended",
    },
    { event: "rejected", time, label: "blog", code: "name_taken", message: "it is bob's" },
    { event: "away", time, why: "gone", retry_ms: 500 },
    { event: "back", time },
  ]);
});
