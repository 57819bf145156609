// One exchange: everything that is known about it.

import { bodyView } from "./bodies.js";
import { duration, element, moment, outcome, size, visible } from "./format.js";

const pane = document.getElementById("details");

/** Shows the exchange that is chosen, and does things with it. */
export class Details {
  #id;
  #reveals = false;
  #shown = 0;
  #callbacks;

  /** @param callbacks `onClose`, and `onReplay` with the id of the new exchange. */
  constructor(callbacks) {
    this.#callbacks = callbacks;
  }

  /** Shows one, or none. */
  async show(id) {
    if (id !== this.#id) this.#reveals = false;
    this.#id = id;
    pane.hidden = id === undefined;
    document.body.classList.toggle("shows-details", id !== undefined);
    // Where it lies over the list, keys are for it.
    if (id !== undefined && document.getElementById("rows").offsetParent === null) pane.focus();
    if (id !== undefined) await this.refresh();
  }

  /** Asks anew for the one that is shown. */
  async refresh() {
    const turn = ++this.#shown;
    const answer = await ask(`exchange?id=${this.#id}${this.#reveals ? "&reveal" : ""}`);
    const content = answer.error === undefined
      ? await this.#content(answer)
      : [this.#bar(), alertOf(answer.error)];
    // Somebody may have chosen another one meanwhile.
    if (turn !== this.#shown || pane.hidden) return;
    const { scrollTop } = pane;
    const focused = pane.contains(document.activeElement)
      ? document.activeElement.dataset.key
      : undefined;
    pane.replaceChildren(...content);
    pane.scrollTop = scrollTop;
    if (focused !== undefined) pane.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  /** Sends the request that is shown once more. */
  async replay() {
    const asked = this.#id;
    if (asked === undefined) return;
    const { id, error } = await ask(`replay?id=${asked}`, {
      method: "POST",
      headers: { "X-Sluice": "1" },
    });
    // Who looks at something else by now is left to it.
    if (this.#id !== asked) return;
    if (error === undefined) this.#callbacks.onReplay(id);
    else pane.querySelector(".actions")?.after(alertOf(error));
  }

  async #content(exchange) {
    const { request, response } = exchange;
    const title = `${exchange.method} ${request.target}`;
    return [
      this.#bar(exchange),
      element("h2", {}, visible(title)),
      facts(exchange),
      ...section("Request headers", request.fields),
      element("h3", {}, "Request body"),
      ...await bodyView(request.body, request.fields),
      ...response === undefined ? [] : [
        ...section("Response headers", response.fields),
        element("h3", {}, "Response body"),
        ...await bodyView(response.body, response.fields),
      ],
    ];
  }

  #bar(exchange) {
    const button = (key, text, onclick, more = {}) =>
      element("button", { type: "button", onclick, "data-key": key, ...more }, text);
    const buttons = [button("close", "← Close", () => this.#callbacks.onClose())];
    if (exchange !== undefined) {
      const { obstacle } = exchange;
      const title = obstacle === undefined
        ? "Send this request to the service again (r)"
        : `Not to be sent again: ${obstacle}`;
      buttons.push(
        button("replay", "Replay", () => this.replay(), {
          disabled: obstacle !== undefined,
          title,
        }),
      );
      if (exchange.isRedacted || this.#reveals) {
        const text = this.#reveals ? "Hide credentials" : "Reveal credentials";
        buttons.push(button("reveal", text, () => this.#toggle()));
      }
    }
    return element("div", { className: "actions" }, ...buttons);
  }

  #toggle() {
    this.#reveals = !this.#reveals;
    this.refresh();
  }
}

function facts(exchange) {
  const { text, of } = outcome(exchange);
  const { response, interim, waited } = exchange;
  const status = element("span", { className: `status class-${of}` }, visible(text));
  const rows = {
    Status: [status, response && of !== "none" ? ` ${visible(response.reason)}` : ""],
    Endpoint: [visible(exchange.endpoint)],
    Visitor: [
      exchange.replayOf === undefined ? exchange.visitor : `replay of request ${exchange.replayOf}`,
    ],
    Time: [moment(exchange.startedAt)],
    Duration: [
      waited === undefined
        ? duration(exchange.duration)
        : `${duration(exchange.duration)}, until the answer began ${duration(waited)}`,
    ],
    Size: [`${size(exchange.request.body.length)} up, ${size(exchange.size)} down`],
    ...exchange.upgradedTo !== undefined && { Protocol: [visible(exchange.upgradedTo)] },
    ...interim.length > 0 && { Before: [interim.join(", ")] },
  };
  return table(Object.entries(rows));
}

function section(title, fields) {
  return [
    element("h3", {}, title),
    fields.length === 0
      ? element("p", { className: "quiet" }, "None.")
      : table(fields.map(([name, value]) => [visible(name), [visible(value)]])),
  ];
}

function table(rows) {
  return element(
    "dl",
    { className: "fields" },
    ...rows.flatMap(([name, values]) => [element("dt", {}, name), element("dd", {}, ...values)]),
  );
}

function alertOf(text) {
  pane.querySelector(".alert")?.remove();
  return element("p", { className: "alert", role: "alert" }, text);
}

/** Asks the inspector for something. */
async function ask(path, options) {
  try {
    const answer = await fetch(path, options);
    const isJson = answer.headers.get("content-type") === "application/json";
    return isJson ? await answer.json() : { error: (await answer.text()).trim() };
  } catch {
    return { error: "The agent does not answer." };
  }
}
