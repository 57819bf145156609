/**
 * A site behind an agent in a real browser, and the agent's inspector beside it.
 */
import assert from "node:assert/strict";
import { freePort, testWithTools } from "../support/children.ts";
import { BROWSER, openTab } from "./browser.ts";
import { DOMAIN, Edge, endpoint, startAgent } from "./tunnel.ts";

testWithTools(
  "a browser shows a site, its WebSocket speaks, and the inspector shows what was asked and asks it again",
  [BROWSER],
  async (scope) => {
    let asked = 0;
    const page = `<title>the blog</title><p id="said"></p><script>
      const socket = new WebSocket("/chat");
      socket.onopen = () => socket.send("hello");
      socket.onmessage = ({ data }) => document.getElementById("said").textContent = data;
    </script>`;
    const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      if (request.headers.get("upgrade") === "websocket") {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.onmessage = ({ data }) => socket.send(`you said ${data}`);
        return response;
      }
      asked++;
      return new Response(page, { headers: { "content-type": "text/html" } });
    });
    scope.atEnd(() => void site.shutdown());
    const edge = await Edge.start(scope);
    const inspect = freePort();
    await startAgent(scope, edge, endpoint("http", site.addr.port, "blog"), { inspect });

    const tab = await openTab(scope, `http://blog.${DOMAIN}:${edge.port}/`, DOMAIN);
    await tab.waitFor(`document.getElementById("said")?.textContent === "you said hello"`);
    assert.equal(await tab.evaluate("document.title"), "the blog");

    await tab.open(`http://127.0.0.1:${inspect}/`);
    await tab.show(1280, "light");
    await tab.waitFor(`document.querySelector("#state")?.dataset.state === "connected"`);
    const rows = `[...document.querySelectorAll("#rows li")].map((row) => row.innerText)`;
    const isThere = (pattern: RegExp) =>
      tab.waitFor(`${rows}.some((text) => ${pattern}.test(text))`);
    await isThere(/GET\s+\/\s+200/);
    await isThere(/GET\s+\/chat\s+101/);
    assert.match(await tab.text("#endpoints"), new RegExp(`blog\\.${DOMAIN}`));

    const before = asked;
    await tab.evaluate(`document.querySelector("#rows li:last-child").click()`);
    await tab.waitFor(`document.querySelector("#details h2")?.innerText === "GET /"`);
    await tab.press("r");
    await tab.waitFor(`document.querySelector("#details").innerText.includes("replay of request")`);
    await tab.waitFor(
      `document.querySelector("#details").innerText.includes("<title>the blog</title>")`,
    );
    assert.equal(asked, before + 1);
    assert.deepEqual(tab.complaints, []);
  },
);
