import assert from "node:assert/strict";
import fc from "fast-check";
import { Ids, MOST_CLIENTS, MOST_ISSUED, MOST_NAMED } from "../../../lib/following/ids.ts";
import { quic } from "../../../lib/following/quic.ts";
import { handshake, TestSession } from "./test_session.ts";

const HERE = "192.0.2.1";
const ELSEWHERE = "198.51.100.1";

/** The rules, without thought of how long they take. */
class NaiveIds {
  readonly sessions = [HERE, HERE, ELSEWHERE].map((client) => ({
    client,
    issued: [] as string[],
    named: [] as string[],
    last: "",
  }));
  readonly #disputed = new Set<string>();
  readonly #clients = new Map<string, string[]>();

  issue(which: number, id: string): void {
    const session = this.sessions[which]!;
    const { issued, named, last } = session;
    if (issued.includes(id) || named.includes(id) || last === id) return;
    if (this.#issuers(id).length > 0) this.#disputed.add(id);
    for (const other of this.sessions) other.named = other.named.filter((each) => each !== id);
    session.issued = [...issued, id].slice(-MOST_ISSUED);
    this.#tidy();
  }

  name(which: number, id: string): void {
    const session = this.sessions[which]!;
    if (session.last === id) return;
    session.last = id;
    if (this.sessions.some(({ issued, named }) => issued.includes(id) || named.includes(id))) {
      return;
    }
    session.named = [...session.named, id].slice(-MOST_NAMED);
    this.#clients.set(id, [session.client]);
    this.#tidy();
  }

  end(which: number): void {
    Object.assign(this.sessions[which]!, { issued: [], named: [] });
    this.#tidy();
  }

  find(id: string, client: string): number {
    const [issuer] = this.#issuers(id);
    if (issuer !== undefined) return this.#disputed.has(id) ? -1 : this.sessions.indexOf(issuer);
    const owner = this.sessions.findIndex(({ named }) => named.includes(id));
    const clients = this.#clients.get(id) ?? [];
    if (owner < 0 || clients.includes(client)) return owner;
    if (clients.length >= MOST_CLIENTS) return -1;
    clients.push(client);
    return owner;
  }

  #issuers(id: string) {
    return this.sessions.filter(({ issued }) => issued.includes(id));
  }

  #tidy(): void {
    for (const id of this.#disputed) {
      if (this.#issuers(id).length === 0) this.#disputed.delete(id);
    }
  }
}

Deno.test("whatever comes in whichever order, IDs are whose the rules say", () => {
  const which = fc.nat(2);
  const id = fc.nat(13).map((i) => `id ${String.fromCharCode(97 + i)}`);
  const client = fc.nat(11).map((i) => i === 0 ? HERE : `203.0.113.${i}`);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("issue"), which, id }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("name"), which, id }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("find"), id, client }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("end"), which }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const naive = new NaiveIds();
      const ids = new Ids<TestSession>(quic);
      const sessions = naive.sessions.map(({ client }) => new TestSession(client, ids));
      for (const step of steps) {
        if ("client" in step) {
          const found = ids.find(handshake(step.id), step.client);
          const expected = naive.find(step.id, step.client);
          assert.equal(found === undefined ? -1 : sessions.indexOf(found), expected);
        } else if ("id" in step) {
          const action = step.do === "issue" ? "issue" : "name";
          sessions[step.which]![action](step.id);
          naive[action](step.which, step.id);
        } else {
          sessions[step.which]!.trail.end();
          naive.end(step.which);
        }
        const held = new Set(naive.sessions.flatMap(({ issued, named }) => [...issued, ...named]));
        assert.equal(ids.size, held.size);
      }
    }),
    { numRuns: 500 },
  );
});
