import assert from "node:assert/strict";
import { dnsQuery, dnsServer } from "../../../lib/demo/dns.ts";
import { UDP_OPENINGS } from "../../../lib/demo/udp_openings.ts";
import { udpProbes } from "../../../probes/mod.ts";
import { bytes } from "../../support/bytes.ts";
import { type DatagramSample, datagramSamples } from "../../support/samples.ts";
import { talk } from "./talk.ts";

for (const { protocol, title, says, answer, read, heard, serverName } of UDP_OPENINGS) {
  Deno.test(`"${title}" is ${protocol}, and its client reads what it should`, () => {
    const found = udpProbes[protocol]?.(says.map(bytes), false);
    assert.ok(found?.kind === "match");
    assert.equal(found.facts.serverName, serverName);
    const [first = ""] = says;
    const answered = answer?.(first, 40_000) ?? "";
    assert.equal(read?.(answered) ?? answered, heard);
  });
}

const SAMPLES = new Map(datagramSamples().map((sample) => [sample.name, sample]));

function sample(name: string): DatagramSample {
  const found = SAMPLES.get(name);
  assert.ok(found, name);
  return found;
}

/** What a backend of the demo answers a real client, byte by byte. */
function answerTo(name: string, answer?: (request: string, from: number) => string | undefined) {
  const { protocol, datagrams: [first = new Uint8Array(0)] } = sample(name);
  const own = answer ?? UDP_OPENINGS.find((each) => each.protocol === protocol)?.answer;
  const request = String.fromCharCode(...first);
  return { request, answer: own?.(request, 0x1234) ?? "" };
}

Deno.test("DNS: the address for who asks for one, and nothing for the others", async () => {
  const server = dnsServer("192.0.2.7");
  assert.equal((await talk(dnsQuery("www.a.demo"), server)).heard, "192.0.2.7");

  const forAddress = answerTo("dns_dig", server);
  const questionEnd = forAddress.request.indexOf("\0", 12) + 5;
  const question = forAddress.request.slice(12, questionEnd);
  const counts = "\0\x01\0\x01\0\0\0\0";
  const record = "\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\x02\x07";
  const id = forAddress.request.slice(0, 2);
  assert.equal(forAddress.answer, `${id}\x85\x80${counts}${question}${record}`);

  const forOther = answerTo("dns_dig_aaaa", server);
  const noCounts = "\0\x01\0\0\0\0\0\0";
  const all = `${forOther.request.slice(0, 2)}\x85\x80${noCounts}${forOther.request.slice(12)}`;
  assert.equal(forOther.answer, all);
});

Deno.test("STUN: the address that the backend sees, as RFC 8489 hides it from routers", () => {
  const { request, answer } = answerTo("stun_coturn");
  const address = "\0\x20\0\x08\0\x01\x33\x26\x5e\x12\xa4\x43";
  assert.equal(answer, `\x01\x01\0\x14${request.slice(4)}${address}\x80\x22\0\x04demo`);
});

Deno.test("NTP: the client's version and time, and the time of this machine", () => {
  const { request, answer } = answerTo("ntp_chrony_v3");
  assert.equal(answer.length, 48);
  assert.equal(answer.charCodeAt(0), 3 << 3 | 4);
  assert.equal(answer.slice(24, 32), request.slice(40));
  const view = new DataView(bytes(answer).buffer);
  const seconds = view.getUint32(40) - 2_208_988_800;
  assert.ok(Math.abs(seconds - Date.now() / 1000) < 60);
});

Deno.test("SIP: what belongs to the request is repeated", () => {
  const { request, answer } = answerTo("sip_sipsak");
  for (const name of ["Via", "From", "To", "Call-ID", "CSeq"]) {
    const [line = "none"] = request.match(new RegExp(`^${name}:.*\r\n`, "m")) ?? [];
    assert.ok(answer.includes(line), name);
  }
  assert.match(answer, /^SIP\/2\.0 200 OK\r\n(?:[^\r]+\r\n)+\r\n$/);
});

Deno.test("TFTP: one short block, and no answer to its receipt", () => {
  assert.equal(answerTo("tftp_hpa_get").answer, "\0\x03\0\x01hello from tftp\n");
  const { answer } = UDP_OPENINGS.find(({ protocol }) => protocol === "tftp") ?? {};
  assert.equal(answer?.("\0\x04\0\x01", 1), undefined);
});

Deno.test("DTLS: a request for the hello again, with a cookie", () => {
  const { request, answer } = answerTo("dtls_openssl");
  assert.equal(answer.slice(5, 11), request.slice(5, 11));
  assert.equal(answer.length, 13 + 12 + 2 + 1 + 4);
});

Deno.test("what no client of the demo says is answered or not, and no fault", () => {
  const answers = [dnsServer("192.0.2.1"), ...UDP_OPENINGS.map(({ answer }) => answer)];
  for (const noise of ["", "\0", "\x80".repeat(20), "\n".repeat(2000)]) {
    for (const answer of answers) assert.doesNotThrow(() => answer?.(noise, 65_535));
  }
});
