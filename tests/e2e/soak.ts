/**
 * sluice under load: slots that always hold a connection, and what disturbs them.
 *
 * @module
 */
import { freePort, type Scope, until } from "../support/children.ts";
import { type Server, startBackend } from "./servers.ts";
import { liveHeap } from "./inspector.ts";
import { type Sluice, startSluice } from "./sluice.ts";
import { type Kind, KINDS, Misrouted, SoakConnection } from "./soak_connection.ts";

/** What sluice has when it has nothing to do. */
export interface Level {
  readonly descriptors: number;
  /** What its objects and buffers take, bytes. */
  readonly heap: number;
  /** What the system has given to the process, bytes. */
  readonly resident: number;
}

/** A connection that ended before its client wanted it to. */
interface Lost {
  readonly id: string;
  readonly address: string;
  readonly error: unknown;
}

const NAMES = ["web", "mortal", "shell", "fixed", "moving_1", "moving_2", "other"] as const;
type Name = typeof NAMES[number];

/** How long the mortal backend is up, and then down, ms. */
const UP = 2000;
const DOWN = 3000;
/** From its start until connections come again: a backend that failed is tried last for a growing while, ms. */
const RECOVERY = 6000;
/** Between reloads, ms. */
const RELOAD_INTERVAL = 1000;

export class Soak {
  readonly lost: Lost[] = [];
  readonly misrouted: string[] = [];
  /** Connections that were made. */
  opened = 0;
  reloads = 0;
  kills = 0;
  /** Connections that the mortal backend has got since it was last started. */
  revived = 0;
  readonly #scope: Scope;
  readonly #port: number;
  readonly #sluice: Sluice;
  readonly #inspector: string;
  readonly #backends: Record<Name, Server>;
  /** Where connections of a kind may arrive now. */
  readonly #allowed: Record<Kind, readonly Name[]> = {
    web: ["web", "mortal"],
    shell: ["shell"],
    fixed: ["fixed"],
    moving: ["moving_1"],
    other: ["other"],
  };

  private constructor(
    scope: Scope,
    port: number,
    sluice: Sluice,
    inspector: string,
    backends: Record<Name, Server>,
  ) {
    this.#scope = scope;
    this.#port = port;
    this.#sluice = sluice;
    this.#inspector = inspector;
    this.#backends = backends;
  }

  static async start(scope: Scope): Promise<Soak> {
    const started = await Promise.all(
      NAMES.map(async (name) => [name, await startBackend(scope, "echo", name)] as const),
    );
    const backends = Object.fromEntries(started) as Record<Name, Server>;
    const port = freePort();
    const sluice = await startSluice(scope, configFor(port, backends, "moving_1"), {
      deno: [`--inspect=127.0.0.1:${freePort()}`],
    });
    const [inspector = ""] = /ws:\S+/.exec(await sluice.child.stderr.next(/ws:/)) ?? [];
    return new Soak(scope, port, sluice, inspector, backends);
  }

  /**
   * Holds `slots` connections at any time, and disturbs them.
   * @param duration ms
   * @returns What is left of it.
   */
  async bear(slots: number, duration: number): Promise<Level> {
    const end = performance.now() + duration;
    await Promise.all([
      ...Array.from({ length: slots }, (_, slot) => this.#hold(slot, end)),
      this.#reloadUntil(end - RELOAD_INTERVAL),
      this.#killUntil(end),
    ]);
    return await this.#settled();
  }

  /** Every other slot keeps one connection from beginning to end, the others make new ones. */
  async #hold(slot: number, end: number): Promise<void> {
    const kinds = Object.keys(KINDS) as Kind[];
    const kind = kinds[slot % kinds.length] ?? "other";
    const keeps = slot % (2 * kinds.length) < kinds.length;
    await pause(1000 * Math.random());
    for (let number = 0; performance.now() < end; number++) {
      const life = keeps ? Infinity : 1000 + 4000 * Math.random();
      await this.#live(kind, `${kind}-${slot}-${number}`, Math.min(end, performance.now() + life));
    }
  }

  async #live(kind: Kind, id: string, end: number): Promise<void> {
    const allowed = new Set(this.#allowed[kind]);
    const connection = await SoakConnection.connect(this.#port, id);
    this.opened++;
    try {
      const name = await connection.open(kind) as Name;
      for (const each of this.#allowed[kind]) allowed.add(each);
      if (!allowed.has(name)) throw new Misrouted(`${id} reached ${name}`);
      if (name === "mortal") this.revived++;
      for (let number = 0; performance.now() < end; number++) {
        await connection.exchange(number);
        await pause(500 + 1000 * Math.random());
      }
    } catch (error) {
      if (error instanceof Misrouted) this.misrouted.push(error.message);
      else this.lost.push({ id, address: connection.address, error });
    } finally {
      connection.close();
    }
  }

  /** Moves a route every second until `end`; at last it is where it was. */
  async #reloadUntil(end: number): Promise<void> {
    let target: Name = "moving_1";
    while (performance.now() < end || target !== "moving_1") {
      const next = performance.now() + RELOAD_INTERVAL;
      target = target === "moving_1" ? "moving_2" : "moving_1";
      this.#allowed.moving = ["moving_1", "moving_2"];
      await Deno.writeTextFile(this.#sluice.file, configFor(this.#port, this.#backends, target));
      await this.#sluice.says(/"reloaded /);
      this.#allowed.moving = [target];
      this.reloads++;
      await pause(next - performance.now());
    }
  }

  /** Kills a backend and starts it again, as often as there is time for it to recover before `end`. */
  async #killUntil(end: number): Promise<void> {
    for (;;) {
      await pause(UP);
      if (performance.now() + DOWN + RECOVERY > end) return;
      await this.#backends.mortal.child.end();
      this.kills++;
      await pause(DOWN);
      this.revived = 0;
      const { port } = this.#backends.mortal;
      this.#backends.mortal = await startBackend(this.#scope, "echo", "mortal", port);
    }
  }

  /** What is left once everything of every connection is over, and the garbage collected. */
  async #settled(): Promise<Level> {
    const { stdout } = this.#sluice.child;
    await until("every connection is in the access log", () => stdout.all.length === this.opened);
    const { descriptors } = this.#sluice;
    const heap = await liveHeap(this.#inspector);
    return { descriptors, heap, resident: this.#sluice.memory.now };
  }

  /** Lost connections that were not on the backend that was killed. */
  get lostWithoutCause(): readonly Lost[] {
    const mortal = `127.0.0.1:${this.#backends.mortal.port}`;
    const excused = new Set(
      this.#sluice.accessLines.filter(({ backend }) => backend === mortal).map(({ client }) =>
        client
      ),
    );
    return this.lost.filter(({ address }) => !excused.has(address));
  }

  /** Ends that neither a client nor the kill explains. */
  get unexpectedReasons(): readonly string[] {
    const expected = ["ended", "backend_reset", "client_reset"];
    return this.#sluice.accessLines.map(({ reason }) => reason)
      .filter((reason) => !expected.includes(reason));
  }

  /** What sluice complained about. */
  get complaints(): readonly string[] {
    return this.#sluice.child.stderr.all.filter((line) => /"level":"(warning|error)"/.test(line));
  }
}

/** Where a listener is that comes and goes. */
const more = freePort();

/** Every reload also adds or removes a listener and changes how a pool is balanced. */
function configFor(
  port: number,
  backends: Readonly<Record<Name, Server>>,
  moving: "moving_1" | "moving_2",
): string {
  const target = (...names: Name[]) =>
    `target = [${names.map((name) => `"127.0.0.1:${backends[name].port}"`).join()}]`;
  const first = moving === "moving_1";
  const listener = `
    [listeners.more]
    listen_port = ${more}
    tcp_${target("other")}`;
  return `
    listen_address_v4 = "127.0.0.1"
    listen_port = ${port}
    tcp_max_connections = 4096
    # On a busy machine this test itself may be slow to say the first word.
    probe_timeout = "30s"
    tcp_${target("other")}
    [protocols.web]
    protocol = "http"
    load_balance = "${first ? "round_robin" : "least_connections"}"
    ${target("web", "mortal")}
    [protocols.shell]
    protocol = "ssh"
    ${target("shell")}
    [protocols.fixed]
    protocol = "tls"
    server_names = ["fixed.example"]
    ${target("fixed")}
    [protocols.moving]
    protocol = "tls"
    server_names = ["moving.example"]
    ${target(moving)}
    ${first ? "" : listener}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
