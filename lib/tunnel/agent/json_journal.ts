/**
 * What an agent tells its user, for programs: an object a line.
 *
 * @module
 */
import { json } from "../../log_text.ts";
import type { Exchange } from "../http/exchange.ts";
import { exchangeJson } from "../http/line.ts";
import type { Rejection } from "../messages.ts";
import type { Journal, Served, VisitRecord } from "./journal.ts";

export interface JsonOptions {
  /** ms since 1970 */
  readonly date: () => number;
  /** Where the edge is, as the user wrote it. */
  readonly edge: () => string;
  /** Where the inspector's page is, if there is one. */
  readonly inspector: () => string | undefined;
  /** Whether visitors and requests are passed over. */
  readonly quiet: boolean;
  /** As of a `TextJournal`. */
  readonly writeOut: (line: string) => void;
  readonly writeError: (line: string) => void;
}

export class JsonJournal implements Journal {
  readonly #options: JsonOptions;

  constructor(options: JsonOptions) {
    this.#options = options;
  }

  serving(endpoints: readonly Served[]): void {
    const { edge, inspector, writeOut } = this.#options;
    const page = inspector();
    const common = { edge: edge(), ...page !== undefined && { inspector: page } };
    for (const served of endpoints) writeOut(this.#object("serving", { ...served, ...common }));
  }

  back(): void {
    this.#tell("back", {});
  }

  away(why: string, pause: number): void {
    this.#tell("away", { why, retry_ms: Math.round(pause) });
  }

  rejected(label: string, code: Rejection, message: string): void {
    this.#tell("rejected", { label, code, message });
  }

  serviceFailed(label: string, why: string): void {
    this.#tell("service_failed", { label, why });
  }

  serviceAnswers(label: string): void {
    this.#tell("service_answers", { label });
  }

  visited({ label, kind, visitor, up, down, duration, reason }: VisitRecord): void {
    if (this.#options.quiet) return;
    const duration_ms = Math.round(duration * 100) / 100;
    const said = { label, kind, visitor, bytes_up: up, bytes_down: down, duration_ms, reason };
    this.#options.writeOut(this.#object("visit", said));
  }

  answered(exchange: Exchange): void {
    if (this.#options.quiet) return;
    // `exchangeJson` has a time of its own: that at which the request came.
    this.#options.writeOut(`{"event":"request",${exchangeJson(exchange).slice(1)}\n`);
  }

  note(message: string): void {
    this.#tell("note", { message });
  }

  warn(message: string): void {
    this.#tell("warning", { message });
  }

  #tell(event: string, said: Readonly<Record<string, unknown>>): void {
    this.#options.writeError(this.#object(event, said));
  }

  #object(event: string, said: Readonly<Record<string, unknown>>): string {
    return `${json({ event, time: new Date(this.#options.date()).toISOString(), ...said })}\n`;
  }
}
