/**
 * Those who look at the page: what each has not been told yet, in server-sent events (the HTML standard, §9.2).
 *
 * @module
 */
import { NetError } from "../../runtime/runtime.ts";
import type { Timeouts } from "../../timeouts.ts";
import type { Stream } from "../../web/http.ts";
import type { Exchange } from "../http/exchange.ts";
import { MOST_EXCHANGES, type Store } from "./store.ts";
import { summaryOf } from "./view.ts";

/** What everybody is told of the agent, and what its visitors move. */
export interface News {
  readonly status: object;
  /** Bytes in each of the last seconds. */
  readonly samples: readonly Sample[];
  /** Seconds since the start: whether the last sample is a new one. */
  readonly seconds: number;
}

export interface Sample {
  readonly up: number;
  readonly down: number;
}

/** How long changes are collected before they are told, ms. */
const PAUSE = 100;

/**
 * Whoever is slow is told less often, and then of what holds by then. So what waits for him is at most the list's length
 * of changes; beyond that he is told everything anew.
 */
export class Viewers {
  readonly #store: Store;
  readonly #timeouts: Timeouts;
  readonly #news: () => News;
  readonly #viewers = new Set<Viewer>();
  #closed = false;

  constructor(store: Store, timeouts: Timeouts, news: () => News) {
    this.#store = store;
    this.#timeouts = timeouts;
    this.#news = news;
  }

  get size(): number {
    return this.#viewers.size;
  }

  /** Something about an exchange is new, or it is gone. */
  exchangeChanged(id: number): void {
    for (const viewer of this.#viewers) viewer.changed(id);
  }

  statusChanged(): void {
    for (const viewer of this.#viewers) viewer.statusChanged();
  }

  close(): void {
    this.#closed = true;
    this.statusChanged();
  }

  /** Tells one who has come until he leaves. */
  readonly stream: Stream = async (to) => {
    const viewer = new Viewer();
    this.#viewers.add(viewer);
    const encoder = new TextEncoder();
    try {
      for (;;) {
        await to.write(encoder.encode(this.#text(viewer)));
        if (this.#closed) return;
        await new Promise<void>((resolve) => this.#timeouts.start(PAUSE, resolve));
        await viewer.news;
      }
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
    } finally {
      this.#viewers.delete(viewer);
    }
  };

  #text(viewer: Viewer): string {
    const { ids, isNew } = viewer.take();
    const { status, samples, seconds } = this.#news();
    if (isNew) {
      const exchanges = Array.from(this.#store.all(), summaryOf);
      return event("all", { status, seconds, samples, exchanges });
    }
    const known = ids.map((id) => this.#store.get(id)).filter((one): one is Exchange =>
      one !== undefined
    );
    const gone = ids.filter((id) => this.#store.get(id) === undefined);
    return event("news", {
      status,
      seconds,
      sample: samples.at(-1),
      exchanges: known.map(summaryOf),
      gone,
    });
  }
}

class Viewer {
  readonly #ids = new Set<number>();
  #isNew = true;
  #told = Promise.withResolvers<void>();

  /** Resolves when there is something to tell. */
  get news(): Promise<void> {
    return this.#told.promise;
  }

  changed(id: number): void {
    this.#ids.add(id);
    if (this.#ids.size > MOST_EXCHANGES) this.#isNew = true;
    if (this.#isNew) this.#ids.clear();
    this.statusChanged();
  }

  statusChanged(): void {
    this.#told.resolve();
  }

  take(): { readonly ids: readonly number[]; readonly isNew: boolean } {
    const taken = { ids: [...this.#ids], isNew: this.#isNew };
    this.#ids.clear();
    this.#isNew = false;
    this.#told = Promise.withResolvers();
    return taken;
  }
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
