/**
 * The inspector's page in a real browser.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../lib/runtime/clock.ts";
import { DenoNet } from "../../lib/runtime/deno.ts";
import { HttpTap } from "../../lib/tunnel/http/tap.ts";
import { Inspector } from "../../lib/tunnel/inspector/inspector.ts";
import type { AgentStatus } from "../../lib/tunnel/inspector/parts.ts";
import { KEPT_OF_A_BODY } from "../../lib/tunnel/inspector/store.ts";
import { type Scope, testWithTools } from "../support/children.ts";
import { bytesOf } from "../support/rig.ts";
import { BROWSER, openTab, type Tab } from "./browser.ts";

const LOOPBACK = { address: "127.0.0.1", port: 0 };

/** An inspector, a service behind it, and a browser that looks at it. */
class Looking {
  readonly net = new DenoNet(systemClock);
  readonly faults: unknown[] = [];
  readonly asked: string[] = [];
  status: AgentStatus = {
    edge: "edge.example:7835",
    state: "connected",
    since: 0,
    endpoints: [{
      endpoint: "blog",
      kind: "http",
      address: "http://blog.example/",
      service: "127.0.0.1:3000",
    }],
    visitors: 3,
    bytes: { up: 0, down: 0 },
  };
  readonly inspector: Inspector;
  readonly #service = this.net.listen({ ...LOOPBACK, backlog: 16 });
  tab!: Tab;

  constructor() {
    this.inspector = new Inspector(LOOPBACK, {
      net: this.net,
      clock: systemClock,
      connect: () => this.net.connect(this.#service.address, { timeout: 1000 }),
      status: () => this.status,
      onFault: (error) => this.faults.push(error),
    });
    void this.#serve();
  }

  static test(sentence: string, body: (looking: Looking) => Promise<void>): void {
    testWithTools(sentence, [BROWSER], async (scope: Scope) => {
      const looking = new Looking();
      try {
        looking.tab = await openTab(scope, looking.inspector.url);
        await looking.tab.show(1280, "light");
        await looking.tab.waitFor(
          `document.querySelector("#state")?.dataset.state === "connected"`,
        );
        await body(looking);
        assert.deepEqual(looking.faults, []);
        assert.deepEqual(looking.tab.complaints, []);
      } finally {
        await looking.inspector.close();
        await looking.#service.close();
        looking.net.close();
      }
    });
  }

  /** Answers everything the same way. */
  async #serve(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const conn = await this.#service.accept().catch(() => undefined);
      if (conn === undefined) return;
      const length = await conn.read(buffer) ?? 0;
      this.asked.push(new TextDecoder("latin1").decode(buffer.subarray(0, length)));
      await conn.write(bytesOf("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nagain"));
      conn.close();
    }
  }

  /** An exchange goes by. */
  exchange(request: string, answer: string): void {
    const tap = new HttpTap({
      clock: systemClock,
      endpoint: "blog",
      visitor: { address: "192.0.2.7", port: 4711 },
      keeps: KEPT_OF_A_BODY,
      onExchange: this.inspector.observe,
    });
    tap.up(bytesOf(request));
    if (tap.answer === undefined) tap.down(bytesOf(answer));
    tap.closed();
  }

  get(target: string, status = "200 OK", method = "GET"): void {
    this.exchange(
      `${method} ${target} HTTP/1.1\r\nHost: blog.example\r\n\r\n`,
      `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`,
    );
  }

  /** The targets in the list that are shown. */
  async targets(): Promise<unknown> {
    return await this.tab.evaluate(
      `[...document.querySelectorAll("#rows li:not([hidden]) .target")].map((e) => e.innerText)`,
    );
  }

  async rows(count: number): Promise<void> {
    await this.tab.waitFor(
      `document.querySelectorAll("#rows li:not([hidden])").length === ${count}`,
    );
  }

  /** Chooses the latest exchange and waits until it is shown. */
  async chooseLatest(): Promise<void> {
    await this.tab.click("#rows li");
    await this.tab.waitFor(`document.querySelector("#details h2")`);
  }
}

Looking.test("requests come into the list as they are answered, the latest first", async (looking) => {
  const { tab } = looking;
  assert.match(await tab.text("#none"), /No request has come yet/);
  assert.equal(await tab.text("#state"), "Connected to edge.example:7835");
  assert.equal(await tab.text("#endpoints"), "http://blog.example/ → 127.0.0.1:3000");
  looking.get("/one");
  await looking.rows(1);
  looking.get("/two?token=abc", "404 Not Found");
  await looking.rows(2);
  assert.deepEqual(await looking.targets(), ["/two?token=••••••••", "/one"]);
  assert.match(await tab.text("#rows li"), /GET\s+\/two\S+\s+404\s+[\d.]+ ms\s+0 B/);
});

Looking.test("a request is shown with its headers and bodies, and its credentials only when asked for", async (looking) => {
  const { tab } = looking;
  const json = '{"id":12345678901234567890,"list":[1,{}]}';
  looking.exchange(
    "POST /login HTTP/1.1\r\nHost: blog.example\r\nAuthorization: Bearer s3cr3t\r\nContent-Length: 4\r\n\r\n\0\x01\xfe\xff",
    `HTTP/1.1 200 OK\r\nSet-Cookie: sid=s3cr3t; Secure\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
  );
  await looking.rows(1);
  await looking.chooseLatest();
  const shown = await tab.text("#details");
  assert.match(shown, /Authorization\s+Bearer ••••••••/);
  assert.match(shown, /Set-Cookie\s+sid=••••••••; Secure/);
  assert.match(shown, /000000 {2}00 01 fe ff .*\.\.\.\./);
  assert.match(shown, /"id": 12345678901234567890,\s+"list": \[\s+1,\s+\{\}\s+\]/);
  assert.equal(await tab.evaluate(`document.documentElement.innerHTML.includes("s3cr3t")`), false);
  await tab.click(`[data-key="reveal"]`);
  await tab.waitFor(`document.querySelector("#details").innerText.includes("Bearer s3cr3t")`);
  await tab.click(`[data-key="reveal"]`);
  await tab.waitFor(`!document.querySelector("#details").innerText.includes("s3cr3t")`);
});

Looking.test("what a visitor sends is never markup", async (looking) => {
  const { tab } = looking;
  const evil = `<img/src=x/onerror="document.title='evil'">`;
  looking.exchange(
    `GET /${evil} HTTP/1.1\r\nHost: blog.example\r\nX: ${evil}\r\n\r\n`,
    `HTTP/1.1 200 ${evil}\r\nContent-Type: text/html\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`,
  );
  await looking.rows(1);
  await looking.chooseLatest();
  await tab.waitFor(`document.querySelector("#details").innerText.includes("Response body")`);
  assert.equal(await tab.evaluate("document.images.length"), 0);
  assert.equal(await tab.evaluate("document.title"), "sluice inspector");
});

Looking.test("an image is shown as one", async (looking) => {
  const { tab } = looking;
  const gif = atob("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=");
  looking.exchange(
    "GET /dot.gif HTTP/1.1\r\nHost: blog.example\r\n\r\n",
    `HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: ${gif.length}\r\n\r\n${gif}`,
  );
  await looking.rows(1);
  await looking.chooseLatest();
  await tab.waitFor(`document.images[0]?.naturalWidth === 1`);
});

Looking.test("the list is filtered by text, method and status", async (looking) => {
  const { tab } = looking;
  looking.get("/red");
  looking.get("/green", "500 No", "POST");
  looking.get("/blue", "404 No", "POST");
  await looking.rows(3);
  await tab.press("/");
  await tab.type("RE");
  await looking.rows(2);
  assert.equal(await tab.text("#count"), "2 of 3");
  looking.get("/late/red");
  await looking.rows(3);
  const set = (id: string, value: string) =>
    tab.evaluate(`(() => {
      const field = document.getElementById("${id}");
      field.value = "${value}";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    })()`);
  await set("text", "");
  await set("method", "POST");
  assert.deepEqual(await looking.targets(), ["/blue", "/green"]);
  await set("status", "5");
  assert.deepEqual(await looking.targets(), ["/green"]);
  await set("status", "-");
  assert.match(await tab.text("#none"), /No request is like that/);
});

Looking.test("a request is sent to the service again, and its new answer is shown", async (looking) => {
  const { tab } = looking;
  looking.exchange(
    "PUT /thing HTTP/1.1\r\nHost: blog.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
  );
  await looking.rows(1);
  await looking.chooseLatest();
  await tab.click(`[data-key="replay"]`);
  await looking.rows(2);
  await tab.waitFor(`document.querySelector("#details").innerText.includes("201 Created")`);
  assert.match(await tab.text("#details"), /replay of request \d+/);
  assert.match(await tab.text("#rows li"), /replay/);
  assert.deepEqual(looking.asked, [
    "PUT /thing HTTP/1.1\r\nHost: blog.example\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
  ]);
});

Looking.test("everything is done with keys, too", async (looking) => {
  const { tab } = looking;
  for (const target of ["/one", "/two", "/three"]) looking.get(target);
  await looking.rows(3);
  const chosen = (target: string) =>
    tab.waitFor(
      `document.querySelector("#rows [aria-selected=true] .target")?.innerText === "${target}"`,
    );
  await tab.press("Escape");
  await tab.press("ArrowDown");
  await tab.press("ArrowDown");
  await chosen("/two");
  await tab.press("End");
  await chosen("/one");
  await tab.waitFor(`document.querySelector("#details h2")?.innerText === "GET /one"`);
  await tab.press("r");
  await tab.waitFor(`document.querySelector("#details").innerText.includes("replay of request")`);
  assert.equal(looking.asked.length, 1);
  await tab.press("Escape");
  await tab.waitFor(`document.getElementById("details").hidden`);
});

Looking.test("500 requests are kept, and the oldest leave the list", async (looking) => {
  for (let i = 0; i < 520; i++) looking.get(`/${i}`);
  await looking.rows(500);
  const targets = await looking.targets();
  assert.ok(Array.isArray(targets));
  assert.deepEqual([targets[0], targets.at(-1)], ["/519", "/20"]);
  for (let i = 520; i < 530; i++) looking.get(`/${i}`);
  await looking.tab.waitFor(`document.querySelector("#rows li .target")?.innerText === "/529"`);
  assert.equal(await looking.tab.text("#count"), "500");
});

Looking.test("it fits into 360 pixels, light and dark", async (looking) => {
  const { tab } = looking;
  looking.get(`/${"long/".repeat(100)}`);
  await looking.rows(1);
  for (const scheme of ["light", "dark"] as const) {
    await tab.show(360, scheme);
    await tab.press("Escape");
    assert.equal(await tab.evaluate("document.documentElement.scrollWidth"), 360);
    await looking.chooseLatest();
    await tab.waitFor(`document.querySelector("#details h2").offsetWidth > 0`);
    assert.equal(await tab.evaluate("document.activeElement.id"), "details");
    assert.equal(await tab.evaluate("document.documentElement.scrollWidth"), 360);
    const colours = await tab.evaluate(`(({ color, backgroundColor }) => [color, backgroundColor])(
      getComputedStyle(document.getElementById("details")))`);
    assert.deepEqual(
      colours,
      scheme === "light"
        ? ["rgb(27, 36, 48)", "rgb(255, 255, 255)"]
        : ["rgb(227, 232, 238)", "rgb(27, 31, 37)"],
    );
  }
});

Looking.test("a change of the agent's state is seen at once, and so is its end", async (looking) => {
  const { tab, inspector } = looking;
  looking.status = {
    ...looking.status,
    state: "waiting",
    problem: "connection refused",
    visitors: 0,
  };
  inspector.changed();
  await tab.waitFor(`document.querySelector("#state")?.dataset.state === "waiting"`);
  assert.match(await tab.text("#state"), /again: connection refused$/);
  await inspector.close();
  await tab.waitFor(`document.querySelector("#state")?.dataset.state === "gone"`);
  tab.complaints.length = 0;
});
