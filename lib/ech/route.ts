/**
 * A route with Encrypted ClientHello: sluice is the client-facing server in split mode (RFC 9849 §3.1), the private
 * names are backend servers. Such a backend has to speak ECH itself: the hello that it gets has the extension in its
 * `inner` form, and only its ServerHello can tell the client that the inner hello was taken (§7.2).
 *
 * @module
 */
import type { EchConfig, Route } from "../config/config.ts";
import type { EchOpener, Opened } from "./opener.ts";

/** The ECH of a route, as its connections need it. */
export class EchRoute {
  /** Where the private names lead, by name. */
  readonly privateRoutes: ReadonlyMap<string, Route>;
  readonly #config: EchConfig;
  #opener: Promise<EchOpener> | undefined;

  /** @param route One that forwards: what it says of lists and PROXY headers holds for its private names too. */
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
   * Opens the ClientHello that `head` begins with.
   * The first call loads what that takes: most configurations never need it.
   */
  async open(head: Uint8Array): Promise<Opened> {
    this.#opener ??= import("./opener.ts").then(({ EchOpener }) => new EchOpener(this.#config));
    return (await this.#opener).open(head);
  }
}
