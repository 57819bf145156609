/**
 * The tunnel's private side: keeps a control channel to the edge, whatever happens to it, and serves visitors.
 *
 * ```
 * dial → log in → Control: endpoints, heartbeats, tickets → DataChannels: join → visit → Visits: service, relay
 *   ↑                 │ lost, or sent away for a while
 *   └── BackOff ──────┘
 * ```
 *
 * @module
 */
import type { SocketAddress } from "../../addr.ts";
import { type Clock, NetError } from "../../runtime/runtime.ts";
import type { Timeouts } from "../../timeouts.ts";
import { INSTANCE_LENGTH, unguessable } from "../auth.ts";
import type { Channel } from "../channel.ts";
import { ProtocolError } from "../frames.ts";
import type { Farewell, MessageOf } from "../messages.ts";
import type { Tap } from "../tap.ts";
import { BackOff } from "./back_off.ts";
import { type AgentConfig, isSameEdge } from "./config.ts";
import { Control } from "./control.ts";
import { DataChannels } from "./data_channels.ts";
import { dialAddress, dialEdge, type DialParts, type EdgeChannel } from "./dial_edge.ts";
import { type Exposed, Exposure } from "./exposure.ts";
import type { Journal } from "./journal.ts";
import { logIn } from "./login.ts";
import { Visits } from "./visits.ts";

/** For a login, ms. */
const LOGIN_TIMEOUT = 5_000;
/** How long visitors may stay after a goodbye, ms. */
const LEAVE_TIMEOUT = 10_000;
/** The kernel asks a silent edge so soon, ms, once the control channel has ended under its visitors. */
const KEEPALIVE = 15_000;

export interface AgentParts extends DialParts {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly journal: Journal;
  /** What the edge's log says of this agent. */
  readonly software: string;
  /**
   * What looks into a visit to an endpoint of http.
   * @param domain Under which the edge's names are.
   */
  readonly tapOf: (exposed: Exposed, visitor: SocketAddress, domain: string) => Tap;
}

/** How an agent ends: it was told to, or the edge does not want it. */
export type AgentEnd =
  | { readonly kind: "left" }
  | { readonly kind: "refused"; readonly why: string };

export interface AgentState {
  readonly state: "connecting" | "connected" | "waiting" | "stopped";
  /** ms since 1970 */
  readonly since: number;
  /** Why it is not connected. */
  readonly problem?: string;
}

/** What the edge says to those that it never wants again. */
const FINAL: readonly Farewell[] = ["unauthorized", "revoked", "version"];

/** Why there is no control channel any more, or yet. */
interface Ended {
  readonly why: string;
  /** Whether to try again makes no sense. */
  readonly isFinal?: boolean;
  /** Whether the edge was silent, so that nothing of it is to be waited for. */
  readonly isSilent?: boolean;
}

/** Runs one configuration at a time. */
export class Agent {
  readonly exposure = new Exposure();
  readonly visits: Visits;
  readonly #parts: AgentParts;
  readonly #instance = unguessable(INSTANCE_LENGTH);
  readonly #backOff: BackOff;
  #config: AgentConfig;
  #state: AgentState;
  #domain = "";
  #control: Control | undefined;
  /** A channel that has not logged in yet. */
  #entering: Channel | undefined;
  /** Ends the pause between two attempts. */
  #hurry: (() => void) | undefined;
  /** Whether it has been let in once: from then on the edge is the right one. */
  #wasIn = false;
  /** Whether there is another edge, or another token, than those that are in use. */
  #isElsewhere = false;
  #isLeaving = false;

  constructor(config: AgentConfig, parts: AgentParts) {
    this.#config = config;
    this.#parts = parts;
    this.#state = { state: "connecting", since: parts.clock.date() };
    this.#backOff = new BackOff(parts.random);
    this.exposure.change(config.endpoints);
    this.visits = new Visits({
      ...parts,
      exposure: this.exposure,
      tapOf: (exposed, visitor) => parts.tapOf(exposed, visitor, this.#domain),
    });
  }

  get config(): AgentConfig {
    return this.#config;
  }

  get state(): AgentState {
    return this.#state;
  }

  /** Runs until it is told to leave, or the edge does not want it; never rejects. */
  async run(): Promise<AgentEnd> {
    const { clock, journal } = this.#parts;
    for (;;) {
      this.#become("connecting");
      this.#isElsewhere = false;
      const began = clock.now();
      const { why, isFinal, isSilent } = await this.#serve(this.#config);
      if (this.#isLeaving) break;
      this.exposure.lost();
      if (isFinal || isSilent) this.visits.close();
      else this.visits.watch(KEEPALIVE);
      if (this.#isElsewhere) continue;
      if (isFinal) {
        this.#become("stopped", why);
        return { kind: "refused", why };
      }
      const pause = this.#backOff.next(clock.now() - began);
      this.#become("waiting", why);
      journal.away(why, pause);
      await this.#wait(pause);
      if (this.#isLeaving) break;
    }
    this.#become("stopped");
    return { kind: "left" };
  }

  /** Takes a configuration over. What has not changed is not touched. */
  change(config: AgentConfig): void {
    const before = this.#config;
    this.#config = config;
    const { added, removed } = this.exposure.change(config.endpoints);
    if (!isSameEdge(before, config)) {
      this.#isElsewhere = true;
      this.#entering?.close();
      void this.#control?.leave();
      this.#hurry?.();
      return;
    }
    for (const exposed of removed) {
      if (exposed.address !== undefined) this.#control?.shut(exposed);
    }
    for (const exposed of added) this.#control?.open(exposed);
    if (this.#control !== undefined) this.exposure.tell(this.#parts.journal);
  }

  /** Says goodbye, and lets visitors go on for a while; resolves when all have left, or had to. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.#entering?.close();
    this.#hurry?.();
    await this.#control?.leave();
    const limit = this.#parts.timeouts.start(LEAVE_TIMEOUT, () => this.visits.close());
    await this.visits.none();
    limit.cancel();
  }

  /** Ends at once. */
  close(): void {
    this.#isLeaving = true;
    this.#entering?.close();
    this.#hurry?.();
    this.#control?.close();
    this.visits.close();
  }

  /** One connection to the edge, from its first attempt to its end. */
  async #serve(config: AgentConfig): Promise<Ended> {
    try {
      const edge = await dialEdge(config, this.#parts);
      if (this.#isLeaving || this.#isElsewhere) {
        edge.channel.close();
        return { why: "another edge is wanted" };
      }
      const entered = await this.#enter(edge, config);
      return "why" in entered ? entered : await this.#stay(edge, config, entered);
    } catch (error) {
      if (error instanceof ProtocolError) {
        return { why: `the edge does not speak the protocol: ${error.message}` };
      }
      if (!(error instanceof NetError)) throw error;
      if (error.code !== "untrusted") return { why: error.message };
      // Later it is the way to the edge that is another one for a while, as in many a hotel.
      return { why: `the edge is not to be trusted: ${error.message}`, isFinal: !this.#wasIn };
    }
  }

  async #enter(
    { channel, certificate }: EdgeChannel,
    { token }: AgentConfig,
  ): Promise<Ended | MessageOf<"welcome">> {
    const { software, timeouts } = this.#parts;
    this.#entering = channel;
    const deadline = timeouts.start(LOGIN_TIMEOUT);
    try {
      const parts = { token, instance: this.#instance, certificate, software };
      const result = await logIn(channel, deadline, parts);
      if (result.ok) return result.welcome;
      channel.close();
      const { message, code } = result;
      return { why: message, isFinal: isFinal(code) };
    } catch (error) {
      channel.close();
      throw error;
    } finally {
      this.#entering = undefined;
      deadline.cancel();
    }
  }

  async #stay(
    { channel, at }: EdgeChannel,
    config: AgentConfig,
    welcome: MessageOf<"welcome">,
  ): Promise<Ended> {
    const { clock, timeouts, journal } = this.#parts;
    this.#wasIn = true;
    this.#domain = welcome.domain;
    this.#become("connected");
    const channels = new DataChannels({
      clock,
      timeouts,
      open: async () => (await dialAddress(at, config, this.#parts)).channel,
      serve: this.visits.serve,
    });
    const { exposure } = this;
    this.#control = new Control(channel, welcome, { timeouts, exposure, channels, journal });
    try {
      const { code, ...end } = await this.#control.run();
      return { ...end, isFinal: isFinal(code) };
    } finally {
      this.#control = undefined;
    }
  }

  #become(state: AgentState["state"], problem?: string): void {
    const since = this.#parts.clock.date();
    this.#state = { state, since, ...problem !== undefined && { problem } };
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.setTimer(resolve, ms);
    this.#hurry = resolve;
    await promise;
    timer.cancel();
    this.#hurry = undefined;
  }
}

function isFinal(code: Farewell | undefined): boolean {
  return code !== undefined && FINAL.includes(code);
}
