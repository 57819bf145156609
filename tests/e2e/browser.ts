/**
 * A real browser without a window, Chromium, driven by its DevTools protocol.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as v from "valibot";
import { PATIENCE, within } from "../support/child.ts";
import { type Scope, until } from "../support/children.ts";

/** The program, for `testWithTools`. */
export const BROWSER = "chromium";

/** So that it asks the network for nothing of its own. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];

const messageSchema = v.object({
  id: v.optional(v.number()),
  method: v.optional(v.string()),
  params: v.optional(v.unknown()),
  result: v.optional(v.unknown()),
  error: v.optional(v.object({ message: v.string() })),
});
const evaluatedSchema = v.object({
  result: v.object({ value: v.optional(v.unknown()), description: v.optional(v.string()) }),
  exceptionDetails: v.optional(v.unknown()),
});

/**
 * Starts the browser, and opens one page in it.
 * @param domain Names below it lead to this machine.
 */
export async function openTab(scope: Scope, url: string, domain = "example"): Promise<Tab> {
  const folder = await scope.folder();
  const resolving = `--host-resolver-rules=MAP *.${domain} 127.0.0.1`;
  const child = scope.start(BROWSER, [
    ...FLAGS,
    resolving,
    `--user-data-dir=${folder}`,
    "about:blank",
  ]);
  const line = await child.stderr.next(/DevTools listening on ws:/);
  const socket = new WebSocket(line.slice(line.indexOf("ws:")));
  scope.atEnd(() => socket.close());
  await within(PATIENCE, "DevTools", new Promise((resolve) => socket.onopen = resolve));
  const tab = new Tab(socket);
  await tab.open(url);
  return tab;
}

/** A page that is open. */
export class Tab {
  readonly #socket: WebSocket;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #session: string | undefined;
  /** What it complained of: faults of scripts, and what its policy forbade. */
  readonly complaints: string[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#heard(v.parse(messageSchema, JSON.parse(String(data))));
  }

  #heard({ id, method, params, result, error }: v.InferOutput<typeof messageSchema>): void {
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") {
      this.complaints.push(JSON.stringify(params));
    }
    const call = this.#calls.get(id ?? -1);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error.message));
  }

  async #call(method: string, params: object = {}): Promise<unknown> {
    const id = this.#calls.size + 1;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(id, call);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return await within(PATIENCE, `answer to ${method}`, call.promise);
  }

  /** Opens another page, which is the one that is meant from then on. */
  async open(url: string): Promise<void> {
    this.#session = undefined;
    const { targetId } = v.parse(
      v.object({ targetId: v.string() }),
      await this.#call("Target.createTarget", { url: "about:blank" }),
    );
    const attached = await this.#call("Target.attachToTarget", { targetId, flatten: true });
    this.#session = v.parse(v.object({ sessionId: v.string() }), attached).sessionId;
    for (const domain of ["Page", "Runtime", "Log"]) await this.#call(`${domain}.enable`);
    await this.#call("Page.navigate", { url });
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const answer = v.parse(evaluatedSchema, await this.#call("Runtime.evaluate", options));
    const fault = answer.exceptionDetails === undefined ? undefined : answer.result.description;
    assert.equal(fault, undefined, expression);
    return answer.result.value;
  }

  /** Resolves when an expression in the page is true. */
  async waitFor(expression: string): Promise<void> {
    await until(`in the page: ${expression}`, async () => Boolean(await this.evaluate(expression)));
  }

  /** The text of the first element that `selector` finds. */
  async text(selector: string): Promise<string> {
    return String(
      await this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText`),
    );
  }

  /** Clicks the first element that `selector` finds, as a mouse does. */
  async click(selector: string): Promise<void> {
    const [x, y] = v.parse(
      v.tuple([v.number(), v.number()]),
      await this.evaluate(`(() => {
        const found = document.querySelector(${JSON.stringify(selector)});
        found.scrollIntoView({ block: "nearest" });
        const { x, y, width, height } = found.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
      })()`),
    );
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.#call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  /** Presses a key, such as `ArrowDown` or `r`. */
  async press(key: string): Promise<void> {
    const text = key.length === 1 ? { text: key } : {};
    await this.#call("Input.dispatchKeyEvent", { type: "keyDown", key, ...text });
    await this.#call("Input.dispatchKeyEvent", { type: "keyUp", key });
  }

  async type(text: string): Promise<void> {
    await this.#call("Input.insertText", { text });
  }

  /** Makes the page as wide, and light or dark. */
  async show(width: number, scheme: "light" | "dark"): Promise<void> {
    const size = { width, height: 800, deviceScaleFactor: 1, mobile: false };
    await this.#call("Emulation.setDeviceMetricsOverride", size);
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.#call("Emulation.setEmulatedMedia", { features });
  }

  /** A picture of it, PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = v.parse(
      v.object({ data: v.string() }),
      await this.#call("Page.captureScreenshot"),
    );
    return Uint8Array.fromBase64(data);
  }
}
