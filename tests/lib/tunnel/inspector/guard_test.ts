import assert from "node:assert/strict";
import { turnAway } from "../../../../lib/tunnel/inspector/guard.ts";

const asked = (method: string, path: string, fields: Readonly<Record<string, string>>) => ({
  method,
  path,
  query: "",
  fields: new Map(Object.entries(fields)),
});
const isAdmitted = (...request: Parameters<typeof asked>) =>
  turnAway(asked(...request), 4040) === undefined;

Deno.test("the page is there under the names of this machine alone, with its port", () => {
  for (const host of ["127.0.0.1:4040", "localhost:4040", "LocalHost:4040", "[::1]:4040"]) {
    assert.ok(isAdmitted("GET", "/", { host }), host);
  }
  const others = [
    "",
    "evil.example",
    "evil.example:4040",
    "127.0.0.1",
    "127.0.0.1:80",
    "localhost.:4040",
  ];
  for (const host of [...others, "127.0.0.1:4040, evil.example", "127.0.0.1.evil.example:4040"]) {
    assert.equal(turnAway(asked("GET", "/", { host }), 4040)?.status, 403, host);
  }
  assert.equal(turnAway(asked("GET", "/", {}), 4040)?.status, 403);
  assert.equal(turnAway(asked("GET", "/", { host: "localhost" }), 80), undefined);
});

const host = "localhost:4040";

Deno.test("another page gets nothing, but may have a link to this one", () => {
  for (const path of ["/events", "/exchange", "/main.js"]) {
    assert.ok(isAdmitted("GET", path, { host }));
    assert.ok(isAdmitted("GET", path, { host, "sec-fetch-site": "same-origin" }));
    assert.ok(isAdmitted("GET", path, { host, "sec-fetch-site": "none" }));
    for (const site of ["cross-site", "same-site"]) {
      assert.ok(!isAdmitted("GET", path, { host, "sec-fetch-site": site }));
    }
    assert.ok(!isAdmitted("GET", path, { host, origin: "http://evil.example" }));
    assert.ok(!isAdmitted("GET", path, { host, origin: "null" }));
  }
  assert.ok(isAdmitted("GET", "/", { host, "sec-fetch-site": "cross-site" }));
});

Deno.test("something is done for the page itself alone", () => {
  const own = { host, origin: "http://localhost:4040", "x-sluice": "1" };
  assert.ok(isAdmitted("POST", "/replay", own));
  assert.ok(isAdmitted("POST", "/replay", { ...own, "sec-fetch-site": "same-origin" }));
  const foreign = [
    { host, "x-sluice": "1" },
    { host, origin: "http://localhost:4040" },
    { ...own, origin: "http://127.0.0.1:4040" },
    { ...own, origin: "https://localhost:4040" },
    { ...own, origin: "http://localhost:4041" },
    { ...own, "sec-fetch-site": "cross-site" },
  ];
  for (const fields of foreign) {
    assert.ok(!isAdmitted("POST", "/replay", fields), JSON.stringify(fields));
  }
});
