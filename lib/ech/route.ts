/**
 * A route with Encrypted ClientHello: sluice is the client-facing server in split mode (RFC 9849 §3.1), the private
 * names are backend servers. Such a backend has to speak ECH itself: the hello that it gets has the extension in its
 * `inner` form, and only its ServerHello can tell the client that the inner hello was taken (§7.2).
 *
 * @module
 */
import type { Facts } from "../../probes/probe.ts";
import type { EchConfig, Route } from "../config/config.ts";
import { type Refused, refused } from "./alert.ts";
import type { EchContext, EchOpener, Opened } from "./opener.ts";

/** What becomes of a client that came to such a route. */
export type EchDecision =
  /** It hid a private name: `head` goes to the backend of `route`. */
  | {
    readonly kind: "private";
    readonly route: Route;
    /** What the opened hello says. */
    readonly facts: Facts;
    readonly head: Uint8Array;
    /** For a second hello. */
    readonly context: EchContext;
  }
  /** It hid nothing from this server: the hello goes as it is where the route leads. */
  | { readonly kind: "public" }
  | Refused;

/** The ECH of a route, as its connections need it. */
export class EchRoute {
  /** Where the private names lead, by name. */
  readonly privateRoutes: ReadonlyMap<string, Route>;
  readonly #config: EchConfig;
  #opener: Promise<EchOpener> | undefined;

  /** @param route What it says of lists and PROXY headers holds for its private names too. */
  constructor(route: Route, config: EchConfig) {
    this.#config = config;
    const sendProxy = route.action.kind === "forward" ? route.action.sendProxy : "none";
    this.privateRoutes = new Map(
      config.privateServerNames.map((at) => {
        const pool = { targets: [{ ...at, weight: 1 }], algorithm: "none" } as const;
        return [at.host, { ...route, action: { kind: "forward", pool, sendProxy } }];
      }),
    );
  }

  /**
   * Decides on the ClientHello that `head` begins with.
   * The first call loads what opening it takes: most configurations never need that.
   */
  async decide(head: Uint8Array): Promise<EchDecision> {
    this.#opener ??= import("./opener.ts").then(({ EchOpener }) => new EchOpener(this.#config));
    return this.decideOpened((await this.#opener).open(head));
  }

  /** Decides on what was found in a ClientHello. */
  decideOpened(opened: Opened): EchDecision {
    switch (opened.kind) {
      case "outer":
        return { kind: "public" };
      case "refused":
        return opened;
      case "inner": {
        const { serverName, alpns, head, context } = opened;
        const route = serverName === undefined ? undefined : this.privateRoutes.get(serverName);
        if (serverName === undefined || route === undefined) {
          const name = serverName ?? "a hello without a name";
          return refused("unrecognized_name", `${name} is not among the private_server_names`);
        }
        const facts = { protocol: "tls", serverName, ...alpns && { alpns } };
        return { kind: "private", route, facts, head, context };
      }
      default:
        return opened satisfies never;
    }
  }
}
