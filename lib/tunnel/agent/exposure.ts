/**
 * What the agent exposes, and what the edge has said to it.
 *
 * @module
 */
import { formatHostPort } from "../../addr.ts";
import type { MessageOf, Rejection } from "../messages.ts";
import type { EndpointConfig } from "./config.ts";
import type { Journal, Served } from "./journal.ts";

/** An endpoint, through every connection to the edge. Altered by its {@linkcode Exposure}, and by visits. */
export class Exposed {
  /** What the edge calls it. */
  readonly number: number;
  config: EndpointConfig;
  /** Where visitors find it; absent while they do not. */
  address: string | undefined;
  /** The name or port that it has, or had before the edge was lost. */
  place: string | number | undefined;
  /** Why there is none. */
  rejection: Rejection | undefined;
  /** Why the last visitor did not get through to the service. */
  failure: string | undefined;
  /** Whether the edge has yet to answer. */
  isAsked = false;

  constructor(number: number, config: EndpointConfig) {
    this.number = number;
    this.config = config;
  }

  /** How the edge is asked for it. What the edge chose itself is asked for again. */
  get request(): MessageOf<"open"> {
    const { kind, name, port, allow } = this.config;
    const wanted = name ?? port;
    const place = wanted ?? this.place;
    return {
      type: "open",
      endpoint: this.number,
      kind,
      ...typeof place === "string" && { name: place },
      ...typeof place === "number" && { port: place },
      ...wanted === undefined && place !== undefined && { generated: true },
      ...allow.length > 0 && { allow: [...allow] },
    };
  }
}

export interface ExposureChange {
  readonly added: readonly Exposed[];
  readonly removed: readonly Exposed[];
}

const MOST = 65_535;

/** The endpoints. */
export class Exposure {
  readonly #endpoints = new Map<number, Exposed>();
  #last = 0;
  /** What was told to be served, and whether the edge was lost since. */
  #told = "";
  #wasLost = false;

  get all(): readonly Exposed[] {
    return [...this.#endpoints.values()];
  }

  get(number: number): Exposed | undefined {
    return this.#endpoints.get(number);
  }

  /** Takes a configuration over. What the edge need not know of changes in place. */
  change(configs: readonly EndpointConfig[]): ExposureChange {
    const added: Exposed[] = [];
    const kept = new Set<Exposed>();
    const before = this.all;
    for (const config of configs) {
      const known = before.find((each) => isSame(each.config, config));
      if (known !== undefined) {
        known.config = config;
        kept.add(known);
        continue;
      }
      const exposed = new Exposed(this.#nextNumber(), config);
      this.#endpoints.set(exposed.number, exposed);
      added.push(exposed);
    }
    const removed = before.filter((each) => !kept.has(each));
    for (const { number } of removed) this.#endpoints.delete(number);
    return { added, removed };
  }

  /** Tells what is served, when the edge has answered for all. */
  tell(journal: Pick<Journal, "serving" | "back">): void {
    const all = this.all;
    if (all.some(({ isAsked }) => isAsked)) return;
    const served = all.flatMap(servedOf);
    const told = JSON.stringify(served);
    if (told !== this.#told && served.length > 0) journal.serving(served);
    else if (this.#wasLost) journal.back();
    this.#told = told;
    this.#wasLost = false;
  }

  /** All have to be asked for again. */
  lost(): void {
    this.#wasLost = true;
    for (const exposed of this.#endpoints.values()) {
      exposed.address = undefined;
      exposed.isAsked = false;
    }
  }

  #nextNumber(): number {
    do this.#last = this.#last % MOST + 1; while (this.#endpoints.has(this.#last));
    return this.#last;
  }
}

function servedOf({ address, config: { label, kind, service } }: Exposed): Served[] {
  return address === undefined ? [] : [{ label, kind, address, service: formatHostPort(service) }];
}

/** Whether an endpoint is the same to the edge. */
function isSame(a: EndpointConfig, b: EndpointConfig): boolean {
  return a.label === b.label && a.kind === b.kind && a.name === b.name && a.port === b.port &&
    a.allow.join() === b.allow.join();
}
