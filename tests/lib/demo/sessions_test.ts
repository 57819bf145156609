/** The protocols of the demo in which a client goes on. */
import assert from "node:assert/strict";
import { quicConnection, quicServer } from "../../../lib/demo/quic.ts";
import { wireguardServer, wireguardSession } from "../../../lib/demo/wireguard.ts";
import { followers } from "../../../lib/following/mod.ts";
import { udpProbes } from "../../../probes/mod.ts";
import { QUIC_V2 } from "../../../probes/quic_packet.ts";
import { bytes } from "../../support/bytes.ts";
import { talk } from "./talk.ts";

const PROTOCOLS = {
  wireguard: { make: wireguardServer, session: wireguardSession },
  quic: {
    make: quicServer,
    session: () => quicConnection({ serverName: "a.demo", alpns: ["h3"] }),
  },
};

for (const [protocol, { make, session }] of Object.entries(PROTOCOLS)) {
  Deno.test(`a session of ${protocol} goes on with the server that began it, and with no other`, async () => {
    const [first, second] = [make("first"), make("second")];
    const { opens, goesOn } = session();
    const opened = await talk(opens, first);
    assert.equal(opened.heard, "hello from first\n");
    assert.equal((await talk(goesOn, first)).heard, "hello from first\n");
    await assert.rejects(talk(goesOn, second), /no answer/);
    assert.equal((await talk(session().opens, second)).heard, "hello from second\n");
  });

  Deno.test(`what is sent in a session of ${protocol} can be followed`, async () => {
    const answers: Uint8Array[] = [];
    const server = make("it");
    const heard = (datagram: string, from: number) => {
      const answer = server(datagram, from);
      if (answer !== undefined) answers.push(bytes(answer));
      return answer;
    };
    const { opens, goesOn } = session();
    const [opening] = (await talk(opens, heard)).requests;
    const [data] = (await talk(goesOn, heard)).requests;
    const follower = followers.get(protocol);
    assert.ok(follower && opening && data && answers[0]);
    assert.ok(follower.opens(opening) && !follower.opens(data));
    const issued = follower.issued(answers[0]);
    assert.ok(issued);
    const start = follower.addressed(data) >> 8;
    assert.deepEqual(data.subarray(start, start + issued.length), issued);
  });

  Deno.test(`two sessions of ${protocol} have no ID in common`, async () => {
    const server = make("it");
    const both = [await talk(session().opens, server), await talk(session().opens, server)];
    const [first, second] = both.map(({ requests }) => String(requests[0]));
    assert.notEqual(first, second);
  });

  Deno.test(`a server of ${protocol} takes anything, and forgets when it knows too many`, async () => {
    const server = make("it");
    for (
      const noise of ["", "\x01", "\x80", "\x04\0\0\0", "\xc0\0\0\0\x01\xff", "\0".repeat(2000)]
    ) {
      server(noise, 1);
    }
    const { opens, goesOn } = session();
    await talk(opens, server);
    for (let i = 0; i < 256; i++) await talk(session().opens, server);
    await assert.rejects(talk(goesOn, server), /no answer/);
  });
}

Deno.test("hellos of QUIC are what the probe takes them for", async () => {
  const names = { serverName: "b.demo", alpns: ["h3", "h3-29"] };
  const cases = [
    [{}, 1, "1"],
    [{ postQuantum: true }, 2, "1"],
    [{ version: QUIC_V2 } as const, 1, "2"],
  ] as const;
  for (const [more, count, version] of cases) {
    const { heard, requests } = await talk(
      quicConnection({ ...names, ...more }).opens,
      quicServer("it"),
    );
    assert.equal(heard, "hello from it\n");
    assert.equal(requests.length, count);
    assert.ok(requests.every(({ length }) => length === 1200));
    const found = udpProbes["quic"]?.(requests, true);
    assert.ok(found?.kind === "match");
    const { serverName, alpns, details } = found.facts;
    assert.deepEqual({ serverName, alpns }, names);
    assert.equal(details?.["version"], version);
  }
});
