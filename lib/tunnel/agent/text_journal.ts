/**
 * What an agent tells its user, for people.
 *
 * @module
 */
import { printable } from "../../log_text.ts";
import type { Exchange } from "../http/exchange.ts";
import { exchangeLine, formatDuration, formatSize } from "../http/line.ts";
import type { Rejection } from "../messages.ts";
import type { VisitEndReason } from "../visit_end.ts";
import type { Journal, Served, VisitRecord } from "./journal.ts";

export interface TextOptions {
  /** Where the edge is, as the user wrote it. */
  readonly edge: () => string;
  /** Where the inspector's page is, if there is one. */
  readonly inspector: () => string | undefined;
  /** Whether visitors and requests are passed over. */
  readonly quiet: boolean;
  /** How wide the terminal is, if it is one. */
  readonly columns: () => number | undefined;
  readonly hasColour: boolean;
  /** Takes a line of what is served, and of visitors; with its end. */
  readonly writeOut: (line: string) => void;
  /** Takes a line of what the user should know besides. */
  readonly writeError: (line: string) => void;
}

/** What to do about an endpoint that cannot be had. */
const ADVICE: Readonly<Record<Rejection, string>> = {
  name_taken: "choose another name, or leave it out and the edge gives one",
  name_not_allowed: "choose a name that is allowed, or have `names` extended at the edge",
  name_invalid: 'a name has letters, digits and "-", 63 at most',
  no_free_name: "choose a name yourself",
  port_taken: "choose another port, or leave it out and the edge gives one",
  port_not_allowed: "choose a port that is allowed, or leave it out and the edge gives one",
  no_free_port: "have `tcp_ports` of the edge, or `ports` of this agent there, extended",
  limit: "give other endpoints up, or have the agent's limits at the edge raised",
  not_served: "have the edge configured for this kind",
  malformed: "the edge does not understand it: is one of the two sluices older?",
};

/** Why a visit ended; nothing of one that both sides ended. */
const REASONS: Readonly<Record<VisitEndReason, string>> = {
  ended: "",
  unreachable: "the service does not answer",
  accept_timeout: "the service does not answer",
  conn_reset: "the service broke off",
  channel_reset: "the visitor broke off",
  malformed: "the edge broke the protocol",
  idle_timeout: "nobody said anything any more",
  closed: "the agent has ended",
};

export class TextJournal implements Journal {
  readonly #options: TextOptions;
  /** The last complaint about the edge, so that it is made once. */
  #complaint: string | undefined;
  /** How wide the widest label is, where there are several endpoints. */
  #labelWidth = 0;

  constructor(options: TextOptions) {
    this.#options = options;
  }

  serving(endpoints: readonly Served[]): void {
    this.#complaint = undefined;
    const labels = endpoints.map(({ label }) => printable(label).length);
    this.#labelWidth = endpoints.length > 1 ? Math.max(...labels) : 0;
    const inspector = this.#options.inspector();
    const addresses = endpoints.map(({ address }) => printable(address));
    const width = Math.max(...addresses.map(({ length }) => length));
    const lines = [
      "",
      ...endpoints.map(({ service }, i) => {
        const address = addresses[i]!;
        return `  ${this.#bold(address)}${" ".repeat(width - address.length)}  →  ${service}`;
      }),
      "",
      `  edge       ${this.#options.edge()}`,
      ...inspector === undefined ? [] : [`  inspector  ${inspector}`],
      "",
    ];
    this.#options.writeOut(lines.map((line) => `${line}\n`).join(""));
  }

  back(): void {
    this.#complaint = undefined;
    this.#tell("32", "the edge is there again, and every address is as it was");
  }

  away(why: string, pause: number): void {
    if (why === this.#complaint) return;
    this.#complaint = why;
    this.#tell("33", `the edge is away: ${why}; it is tried again in ${formatDuration(pause)}`);
  }

  rejected(label: string, code: Rejection, message: string): void {
    this.#tell("31", `${label} is not exposed: ${message}; ${ADVICE[code]}`);
  }

  serviceFailed(label: string, why: string): void {
    this.#tell("31", `${label}: the service cannot be reached: ${why}`);
  }

  serviceAnswers(label: string): void {
    this.#tell("32", `${label}: the service answers again`);
  }

  visited({ label, kind, visitor, up, down, duration, reason }: VisitRecord): void {
    if (this.#options.quiet) return;
    const cells = [
      kind.padEnd(4),
      printable(visitor).padEnd(21),
      `↑ ${formatSize(up)}`.padEnd(10),
      `↓ ${formatSize(down)}`.padEnd(10),
      formatDuration(duration).padStart(8),
      REASONS[reason],
    ];
    this.#line(label, cells.join("  ").trimEnd());
  }

  answered(exchange: Exchange): void {
    if (this.#options.quiet) return;
    const all = this.#options.columns();
    const columns = all === undefined
      ? undefined
      : all - (this.#labelWidth && this.#labelWidth + 2);
    const { hasColour } = this.#options;
    const style = { hasColour, ...columns !== undefined && { columns } };
    this.#line(exchange.place.endpoint, exchangeLine(exchange, style));
  }

  note(text: string): void {
    this.#tell("", text);
  }

  warn(text: string): void {
    this.#tell("33", text);
  }

  #line(label: string, text: string): void {
    const first = this.#labelWidth === 0 ? "" : `${printable(label).padEnd(this.#labelWidth)}  `;
    this.#options.writeOut(`${first}${text}\n`);
  }

  #tell(colour: string, text: string): void {
    const plain = printable(text);
    const shown = this.#options.hasColour && colour !== ""
      ? `\x1b[${colour}m${plain}\x1b[0m`
      : plain;
    this.#options.writeError(`${shown}\n`);
  }

  #bold(text: string): string {
    return this.#options.hasColour ? `\x1b[1m${text}\x1b[22m` : text;
  }
}
