/**
 * sluice under load: slots that always hold a connection, and what disturbs them.
 *
 * @module
 */
import { freePort, type Scope, until } from "../support/children.ts";
import { type Server, startBackend } from "./servers.ts";
import { type Inspected, startInspected } from "./inspector.ts";
import type { AccessLine, Sluice } from "./sluice.ts";
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

/** Within which time the slots begin, ms. */
const RAMP = 2000;
/** How long the mortal backend is up at least, and then down, ms. */
const UP = 2000;
const DOWN = 2000;
/** Between reloads, ms. */
const RELOAD_INTERVAL = 1000;

export class Soak {
  readonly lost: Lost[] = [];
  readonly misrouted: string[] = [];
  /** Connections that were made. */
  opened = 0;
  reloads = 0;
  kills = 0;
  /** Connections that the mortal backend has now. */
  #onMortal = 0;
  #isOver = false;
  readonly #scope: Scope;
  readonly #port: number;
  readonly #sluice: Sluice;
  readonly #liveHeap: Inspected["liveHeap"];
  readonly #backends: Record<Name, Server>;
  /** Where connections of a kind may arrive now. */
  readonly #allowed: Record<Kind, readonly Name[]> = {
    web: ["web", "mortal"],
    shell: ["shell"],
    fixed: ["fixed"],
    moving: ["moving_1"],
    other: ["other"],
  };
  /** Of the connections to `moving` that have not arrived yet. */
  readonly #moving = new Set<Set<Name>>();

  private constructor(
    scope: Scope,
    port: number,
    { sluice, liveHeap }: Inspected,
    backends: Record<Name, Server>,
  ) {
    this.#scope = scope;
    this.#port = port;
    this.#sluice = sluice;
    this.#liveHeap = liveHeap;
    this.#backends = backends;
  }

  static async start(scope: Scope): Promise<Soak> {
    const started = await Promise.all(
      NAMES.map(async (name) => [name, await startBackend(scope, "echo", name)] as const),
    );
    const backends = Object.fromEntries(started) as Record<Name, Server>;
    const port = freePort();
    const inspected = await startInspected(scope, configFor(port, backends, "moving_1"));
    return new Soak(scope, port, inspected, backends);
  }

  /**
   * Holds `slots` connections at any time, and disturbs them.
   * @param duration At least so long, ms.
   * @returns What is left of it.
   */
  async bear(slots: number, duration: number): Promise<Level> {
    const end = performance.now() + duration;
    this.#isOver = false;
    const holding = Promise.all(Array.from({ length: slots }, (_, slot) => this.#hold(slot)));
    try {
      const killed = this.#killUntil(end);
      await Promise.all([killed, this.#reloadUntil(killed)]);
    } finally {
      this.#isOver = true;
      await holding;
    }
    return await this.#settled();
  }

  /** Every other slot keeps one connection from beginning to end, the others make new ones. */
  async #hold(slot: number): Promise<void> {
    const kinds = Object.keys(KINDS) as Kind[];
    const kind = kinds[slot % kinds.length] ?? "other";
    const keeps = slot % (2 * kinds.length) < kinds.length;
    await pause(RAMP * Math.random());
    for (let number = 0; !this.#isOver; number++) {
      const life = keeps ? Infinity : 1000 + 4000 * Math.random();
      await this.#live(kind, `${kind}-${slot}-${number}`, performance.now() + life);
    }
  }

  async #live(kind: Kind, id: string, end: number): Promise<void> {
    // Where it may arrive at any moment until it has: on a busy machine there may be several reloads between.
    const allowed = new Set<Name>(this.#allowed[kind]);
    if (kind === "moving") this.#moving.add(allowed);
    const connection = await SoakConnection.connect(this.#port, id);
    this.opened++;
    let isMortal = false;
    try {
      const name = await connection.open(kind) as Name;
      this.#moving.delete(allowed);
      if (!allowed.has(name)) throw new Misrouted(`${id} reached ${name}`);
      isMortal = name === "mortal";
      if (isMortal) this.#onMortal++;
      for (let number = 0; !this.#isOver && performance.now() < end; number++) {
        await connection.exchange(number);
        await pause(500 + 1000 * Math.random());
      }
    } catch (error) {
      if (error instanceof Misrouted) this.misrouted.push(error.message);
      else this.lost.push({ id, address: connection.address, error });
    } finally {
      this.#moving.delete(allowed);
      if (isMortal) this.#onMortal--;
      connection.close();
    }
  }

  /** Moves a route every second; at last it is where it was. */
  async #reloadUntil(end: Promise<void>): Promise<void> {
    let hasEnded = false;
    const stop = () => hasEnded = true;
    end.then(stop, stop);
    let target: Name = "moving_1";
    while (!hasEnded || target !== "moving_1") {
      const next = performance.now() + RELOAD_INTERVAL;
      target = target === "moving_1" ? "moving_2" : "moving_1";
      this.#allowed.moving = ["moving_1", "moving_2"];
      for (const allowed of this.#moving) allowed.add(target);
      await Deno.writeTextFile(this.#sluice.file, configFor(this.#port, this.#backends, target));
      await this.#sluice.says(/"reloaded /);
      this.#allowed.moving = [target];
      this.reloads++;
      await pause(next - performance.now());
    }
  }

  /** Kills a backend that has connections, and starts it again until it has some again; more than once if there is time. */
  async #killUntil(end: number): Promise<void> {
    const hasConnections = () => this.#onMortal > 0;
    do {
      await until("the mortal backend has connections", hasConnections);
      await pause(UP);
      await this.#backends.mortal.child.end();
      this.kills++;
      await until("its connections are lost", () => !hasConnections());
      await pause(DOWN);
      const { port } = this.#backends.mortal;
      this.#backends.mortal = await startBackend(this.#scope, "echo", "mortal", port);
      await until("it has connections again", hasConnections);
    } while (performance.now() < end);
  }

  /** What is left once everything of every connection is over, and the garbage collected. */
  async #settled(): Promise<Level> {
    const { stdout } = this.#sluice.child;
    await until("every connection is in the access log", () => stdout.all.length === this.opened);
    const { descriptors } = this.#sluice;
    const heap = await this.#liveHeap(() => this.#live("other", "wake", 0));
    return { descriptors, heap, resident: this.#sluice.memory.now };
  }

  /** Lost connections that were not on the backend that was killed, each with what the access log says of it. */
  get lostWithoutCause(): readonly {
    readonly lost: Lost;
    readonly lines: readonly AccessLine[];
  }[] {
    const mortal = `127.0.0.1:${this.#backends.mortal.port}`;
    const byClient = Map.groupBy(this.#sluice.accessLines, ({ client }) => client);
    return this.lost.map((lost) => ({ lost, lines: byClient.get(lost.address) ?? [] }))
      .filter(({ lines }) => !lines.some(({ backend }) => backend === mortal));
  }

  /** Ends that neither a client nor the kill explains. */
  get unexpectedReasons(): readonly string[] {
    const expected = ["ended", "backend_reset", "client_reset"];
    return this.#sluice.accessLines.map(({ reason }) => reason)
      .filter((reason) => !expected.includes(reason));
  }

  /** What sluice complained about, but that it cannot reach who was killed. */
  get complaints(): readonly string[] {
    // Who is killed resets what its kernel had accepted, and refuses what comes later.
    const expected = `cannot reach 127.0.0.1:${this.#backends.mortal.port}: Connection re`;
    return this.#sluice.child.stderr.all
      .filter((line) => /"level":"(warning|error)"/.test(line) && !line.includes(expected));
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
    # On a busy machine everybody is slow, this test itself too: that is not what is to be found.
    probe_timeout = "30s"
    connect_timeout = "30s"
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
