// The list of exchanges: filtered, the latest first.

import { duration, element, moment, outcome, size, visible } from "./format.js";

/** Shows exchanges in `#rows`, and tells which one is chosen. */
export class List {
  #all = new Map();
  #items = new Map();
  #chosen;
  #onChoose;
  #rows = document.getElementById("rows");
  #none = document.getElementById("none");
  #count = document.getElementById("count");
  #filters = document.getElementById("filters");
  #shown = 0;

  constructor(onChoose) {
    this.#onChoose = onChoose;
    this.#rows.addEventListener("click", (event) => {
      const item = event.target.closest("li");
      if (item) this.choose(Number(item.dataset.id));
    });
    this.#rows.addEventListener("keydown", (event) => this.#key(event));
    this.#filters.addEventListener("input", () => this.#filterAll());
    this.#filters.addEventListener("submit", (event) => event.preventDefault());
    this.#tellCount();
  }

  get chosen() {
    return this.#chosen;
  }

  get(id) {
    return this.#all.get(id);
  }

  /** Begins anew with these. */
  reset(exchanges) {
    for (const id of [...this.#all.keys()]) this.#drop(id);
    this.update(exchanges, []);
  }

  /** Takes in what is new, and lets go of what is gone. */
  update(exchanges, gone) {
    for (const id of gone) this.#drop(id);
    for (const exchange of exchanges.sort((a, b) => a.id - b.id)) this.#put(exchange);
    this.#tellCount();
  }

  /** Chooses one, or none. */
  choose(id) {
    this.#mark(this.#chosen, false);
    this.#chosen = id;
    this.#mark(id, true);
    this.#onChoose(id);
  }

  #mark(id, isChosen) {
    const item = this.#items.get(id);
    if (item === undefined) {
      if (isChosen) this.#rows.removeAttribute("aria-activedescendant");
      return;
    }
    item.setAttribute("aria-selected", isChosen);
    if (!isChosen) return;
    this.#rows.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  }

  #put(exchange) {
    const { id } = exchange;
    this.#all.set(id, exchange);
    this.#knowMethod(exchange.method);
    const item = this.#items.get(id) ??
      element("li", {
        id: `exchange-${id}`,
        role: "option",
        "data-id": id,
        "aria-selected": "false",
      });
    fill(item, exchange);
    if (!this.#items.has(id)) {
      this.#items.set(id, item);
      const isHidden = !this.#admits(exchange);
      item.hidden = isHidden;
      if (!isHidden) this.#shown++;
      this.#rows.prepend(item);
      if (id === this.#chosen) this.#mark(id, true);
    } else this.#filter(id);
  }

  #drop(id) {
    if (this.#items.get(id)?.hidden === false) this.#shown--;
    this.#items.get(id)?.remove();
    this.#items.delete(id);
    this.#all.delete(id);
  }

  #knowMethod(method) {
    const select = this.#filters.elements.method;
    if ([...select.options].some(({ value }) => value === method) || select.length > 20) return;
    select.append(element("option", { value: method }, visible(method)));
  }

  #filterAll() {
    for (const id of this.#items.keys()) this.#filter(id);
    this.#tellCount();
  }

  #filter(id) {
    const item = this.#items.get(id);
    const isHidden = !this.#admits(this.#all.get(id));
    if (item.hidden !== isHidden) this.#shown += isHidden ? -1 : 1;
    item.hidden = isHidden;
  }

  #admits(exchange) {
    const { text, method, status } = this.#filters.elements;
    const of = outcome(exchange).of;
    if (method.value !== "" && method.value !== exchange.method) return false;
    if (status.value === "-" ? of !== "none" : status.value !== "" && status.value !== of) {
      return false;
    }
    const wanted = text.value.trim().toLowerCase();
    const words = [exchange.method, exchange.target, exchange.status, exchange.endpoint].join(" ");
    return words.toLowerCase().includes(wanted);
  }

  #tellCount() {
    const all = this.#all.size;
    this.#count.textContent = this.#shown === all ? `${all}` : `${this.#shown} of ${all}`;
    this.#none.hidden = this.#shown > 0;
    this.#none.textContent = all === 0 ? "No request has come yet." : "No request is like that.";
  }

  #key(event) {
    const shown = [...this.#rows.children].filter(({ hidden }) => !hidden);
    const at = shown.findIndex(({ dataset }) => Number(dataset.id) === this.#chosen);
    const moves = {
      ArrowDown: at + 1,
      ArrowUp: Math.max(at - 1, 0),
      Home: 0,
      End: shown.length - 1,
    };
    const next = shown[moves[event.key]];
    if (next === undefined) return;
    event.preventDefault();
    this.choose(Number(next.dataset.id));
  }
}

function fill(item, exchange) {
  const { text, of } = outcome(exchange);
  const cell = (className, ...content) => element("span", { className }, ...content);
  const target = cell("target", visible(exchange.target));
  target.title = `${exchange.endpoint}  ${visible(exchange.target)}`;
  if (exchange.replayOf !== undefined) {
    target.prepend(element("span", { className: "badge" }, "replay"));
  }
  item.replaceChildren(
    cell("time quiet", moment(exchange.startedAt)),
    cell("method", visible(exchange.method)),
    target,
    cell(`status class-${of}`, visible(text)),
    cell("duration", duration(exchange.duration)),
    cell("size", size(exchange.size)),
  );
}
