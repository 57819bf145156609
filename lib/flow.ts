/**
 * A client's datagrams, and the replies to them.
 *
 * @module
 */
import type { ConnectionRecord, EndReason } from "./access_log.ts";
import { FlowBackend } from "./flow_backend.ts";
import { type LiveFlow, Place, type Traffic } from "./flow_table.ts";
import type { NetError, Peer, ReplyReceiver, ReplySocket, Sending } from "./runtime/runtime.ts";
import type { Session } from "./sessions.ts";
import type { Course, Origin, SessionTarget, UdpListener, UdpParts } from "./udp_parts.ts";

/** Datagrams of a client that are kept for the next backend, until the first reply. */
const MOST_UNHEARD = 4;

/** One client socket at one address of sluice. Owns the socket to its backend. */
export class Flow implements LiveFlow, ReplyReceiver {
  readonly at: ReplySocket;
  readonly peer: Peer;
  readonly place: Place;
  unproven: Place | undefined;
  readonly #id: number;
  readonly #origin: Origin;
  readonly #course: Course;
  readonly #listener: UdpListener;
  readonly #parts: UdpParts;
  readonly #backend: FlowBackend;
  readonly #routed: number;
  #session: Session<SessionTarget> | undefined;
  /** Copies of what the client sent, for the next backend, as long as none has replied. */
  #unheard: Uint8Array[] | undefined = [];
  #ended = false;
  #up = 0;
  #down = 0;
  #datagramsUp = 0;
  #datagramsDown = 0;

  constructor(origin: Origin, course: Course, listener: UdpListener, parts: UdpParts) {
    this.at = origin.at;
    this.peer = origin.peer;
    this.place = new Place(this, course.route.idleLifetime);
    this.#id = parts.nextId();
    this.#origin = origin;
    this.#course = course;
    this.#listener = listener;
    this.#parts = parts;
    this.#routed = parts.clock.now();
    const { backend, route, pool, client } = course;
    this.#backend = new FlowBackend(backend, route, pool, client, parts);
    this.#session = course.session;
    // Whoever goes on with a session has been answered, and knows what the answer was.
    if (course.session === undefined) this.unproven = new Place(this, 0);
    this.#session?.join();
  }

  get traffic(): Traffic {
    return {
      up: this.#up,
      down: this.#down,
      datagramsUp: this.#datagramsUp,
      datagramsDown: this.#datagramsDown,
    };
  }

  /**
   * Begins with what the client has sent.
   * @param first The client's datagrams so far; the flow's own from now on.
   */
  start(first: readonly Uint8Array[]): void {
    const { flows, total } = this.#parts;
    const { load } = this.#listener;
    flows.add(this);
    total.own = flows.size;
    load.active.own++;
    load.add(this.#origin.clientKey);
    if (!this.#backend.connect(this)) return this.end("connect_failed");
    this.#session ??= this.#openSession(first);
    for (const datagram of first) {
      if (this.#isKeeping) this.#unheard!.push(datagram);
      void this.#send(datagram);
    }
  }

  /** Takes a datagram of the client. */
  request(datagram: Uint8Array): Sending {
    const { flows } = this.#parts;
    const { hasAnswered } = this.#backend;
    if (this.place.heard !== flows.now) flows.refresh(this);
    if (hasAnswered && this.unproven !== undefined) flows.prove(this);
    // In the middle of a session that can be told from its beginning, not every datagram wants a reply.
    const isOpening = this.#session?.learnRequest(datagram);
    if (this.#isKeeping) this.#unheard!.push(datagram.slice());
    const asks = !hasAnswered || isOpening !== false;
    if (asks && this.#backend.changesWhenAsked(isOpening ?? false, this)) {
      this.#unheard ??= [datagram.slice()];
      this.#startAgain();
      return undefined;
    }
    return this.#send(datagram);
  }

  /** Takes a reply of the backend. */
  received(datagram: Uint8Array): Sending {
    const { flows } = this.#parts;
    if (this.place.heard !== flows.now) flows.refresh(this);
    this.#unheard = undefined;
    this.#backend.answered();
    this.#session?.learnReply(datagram);
    if (this.at.isFull) return this.#drop();
    this.#down += datagram.length;
    this.#datagramsDown++;
    return this.at.send(datagram, this.peer);
  }

  /** Goes on to the next backend, or ends, where it is the backend that failed and not one datagram. */
  failed(error: NetError): void {
    if (this.#ended) return;
    if (error.code !== "refused" && error.code !== "unreachable") {
      this.#parts.drops.add("not_sent", this.#origin.client);
    } else if (this.#backend.passOver(error, this)) {
      this.#startAgain();
    } else {
      this.end("connect_failed");
    }
  }

  /** Closes what it holds and leaves its record. */
  end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = true;
    const { flows, total, log } = this.#parts;
    const { load } = this.#listener;
    // Where the client has not answered, it may be made up, or had all that it wanted.
    const isWorthRemembering = this.unproven === undefined && reason !== "connect_failed";
    this.#backend.close();
    flows.remove(this);
    total.own = flows.size;
    load.remove(this.#origin.clientKey);
    load.active.own--;
    this.#session?.leave(isWorthRemembering ? this.#origin.socketKey : undefined);
    log.access(this.#record(reason));
  }

  #send(datagram: Uint8Array): Sending {
    const { socket } = this.#backend;
    if (socket === undefined || socket.isFull) return this.#drop();
    this.#up += datagram.length;
    this.#datagramsUp++;
    return socket.send(datagram);
  }

  #drop(): undefined {
    this.#parts.drops.add("queue_full", this.#origin.client);
  }

  /** Whether the next backend would be sent what the client sends now: a stream that is never answered is not copied. */
  get #isKeeping(): boolean {
    return this.#unheard !== undefined && this.#unheard.length < MOST_UNHEARD;
  }

  /** Begins anew with another backend. */
  #startAgain(): void {
    const unheard = this.#unheard ?? [];
    this.#session?.forget();
    this.#session?.leave();
    this.#session = this.#openSession(unheard);
    for (const datagram of unheard) void this.#send(datagram);
  }

  #openSession(first: readonly Uint8Array[]): Session<SessionTarget> | undefined {
    const { route, facts } = this.#course;
    const target = { route: route.name, backend: this.#backend.backend };
    return this.#listener.sessions?.open(facts?.protocol, this.#origin.clientKey, first, target);
  }

  #record(reason: EndReason): ConnectionRecord {
    const { client, since } = this.#origin;
    const { facts, route } = this.#course;
    const { detail, backend } = this.#backend;
    const { clock } = this.#parts;
    const duration = clock.now() - since;
    return {
      time: clock.date() - duration,
      id: this.#id,
      transport: "udp",
      listener: this.#listener.config.name,
      client,
      ...facts && { protocol: facts.protocol },
      ...facts?.serverName !== undefined && { serverName: facts.serverName },
      ...facts?.alpns && { alpns: facts.alpns },
      ...facts?.dnsName !== undefined && { dnsName: facts.dnsName },
      route: route.name,
      backend,
      ...this.traffic,
      duration,
      timeToRoute: this.#routed - since,
      reason,
      ...detail !== undefined && { detail },
    };
  }
}
