import fc from "fast-check";
import assert from "node:assert/strict";
import {
  agentProof,
  createToken,
  decoyStored,
  edgeProof,
  formatToken,
  fromBase64url,
  isAgentId,
  isAgentProof,
  isEdgeProof,
  keyOf,
  type Login,
  NO_CERTIFICATE,
  parseToken,
  SECRET_LENGTH,
  storedOf,
  toBase64url,
  transcriptOf,
} from "../../../lib/tunnel/auth.ts";

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);
const LOGIN: Login = {
  certificate: new Uint8Array(32).fill(1),
  agentNonce: new Uint8Array(32).fill(2),
  edgeNonce: new Uint8Array(32).fill(3),
  instance: new Uint8Array(16).fill(4),
  id: "alice",
};

// Worked out with Python's hashlib and hmac.
const STORED = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd";
const TRANSCRIPT = "663fb57e33f60f63073463b60d69e2b1c2b35986c1ce9de540af890ce8f0e0d7";
const EDGE_PROOF = "3ddaa4aab634f68f84be9754f72c3e35bcc81b0f86542117babb4a9190672fdf";
const AGENT_PROOF = "0b18c12e967dfc0fe8508b6e6f267a324df492b64b98e1940e216a76cb679208";
const KEY = "e736d926d7f8b02b";
const TEXT = "alice.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

const stored = storedOf(SECRET);
const transcript = transcriptOf(LOGIN);
const hex = (bytes: Uint8Array) => bytes.toHex();

Deno.test("a login comes to what another implementation makes of it", () => {
  assert.equal(hex(stored), STORED);
  assert.equal(hex(transcript), TRANSCRIPT);
  assert.equal(hex(edgeProof(stored, transcript)), EDGE_PROOF);
  assert.equal(hex(agentProof(SECRET, transcript)), AGENT_PROOF);
  assert.equal(hex(keyOf(stored)), KEY);
  assert.ok(isEdgeProof(stored, transcript, Uint8Array.fromHex(EDGE_PROOF)));
  assert.ok(isAgentProof(stored, transcript, Uint8Array.fromHex(AGENT_PROOF)));
});

const OTHER: Readonly<Record<string, Partial<Login>>> = {
  "to another certificate": { certificate: NO_CERTIFICATE },
  "that has a nonce of the agent's of its own": { agentNonce: new Uint8Array(32).fill(9) },
  "that has a nonce of the edge's of its own": { edgeNonce: new Uint8Array(32).fill(9) },
  "of another process": { instance: new Uint8Array(16).fill(9) },
  "of another agent": { id: "alicf" },
};
for (const [what, change] of Object.entries(OTHER)) {
  Deno.test(`a proof is worth nothing in a login ${what}`, () => {
    const other = transcriptOf({ ...LOGIN, ...change });
    assert.ok(!isEdgeProof(stored, other, edgeProof(stored, transcript)));
    assert.ok(!isAgentProof(stored, other, agentProof(SECRET, transcript)));
  });
}

Deno.test("neither proof does for the other", () => {
  assert.ok(!isAgentProof(stored, transcript, edgeProof(stored, transcript)));
  assert.ok(!isEdgeProof(stored, transcript, agentProof(SECRET, transcript)));
});

Deno.test("who has stolen what the edge keeps cannot log in with it", () => {
  assert.ok(!isAgentProof(stored, transcript, agentProof(stored, transcript)));
});

Deno.test("a proof with any bit changed, or of another length, is wrong", () => {
  const right = agentProof(SECRET, transcript);
  for (let bit = 0; bit < SECRET_LENGTH * 8; bit++) {
    const wrong = Uint8Array.from(right);
    wrong[bit >> 3]! ^= 1 << (bit & 7);
    assert.ok(!isAgentProof(stored, transcript, wrong));
    assert.ok(!isEdgeProof(stored, transcript, wrong));
  }
  for (const length of [0, 31]) {
    assert.ok(!isAgentProof(stored, transcript, right.subarray(0, length)));
    assert.ok(!isEdgeProof(stored, transcript, right.subarray(0, length)));
  }
});

Deno.test("an unknown agent is taken for one whose secret nobody has, always the same", () => {
  const own = new Uint8Array(32).fill(7);
  const decoy = decoyStored("mallory", own);
  assert.equal(decoy.length, stored.length);
  assert.deepEqual(decoyStored("mallory", own), decoy);
  assert.notDeepEqual(decoyStored("malory", own), decoy);
  assert.notDeepEqual(decoyStored("mallory", new Uint8Array(32)), decoy);
  assert.ok(!isAgentProof(decoy, transcript, agentProof(SECRET, transcript)));
});

Deno.test("a token's text says all of it", () => {
  assert.equal(formatToken({ id: "alice", secret: SECRET }), TEXT);
  assert.deepEqual(parseToken(`  ${TEXT}\n`), { id: "alice", secret: SECRET });
  const dotted = createToken("my.laptop-2");
  assert.deepEqual(parseToken(formatToken(dotted)), dotted);
  assert.notDeepEqual(createToken("a").secret, createToken("a").secret);
});

for (
  const [what, text] of Object.entries({
    "without an id": TEXT.slice(5),
    "without a secret": "alice.",
    "whose secret is too short": TEXT.slice(0, -1),
    "whose secret is too long": `${TEXT}A`,
    "whose secret is spelt in another way": TEXT.slice(0, -1) + "9",
    "with padding": `${TEXT}=`,
    "in another alphabet": TEXT.replace("AAEC", "AA+/"),
    "whose id has a space": TEXT.replace("alice", "al ice"),
    "of two lines": `${TEXT}\n${TEXT}`,
    "that is empty": "",
  })
) {
  Deno.test(`a token ${what} is none`, () => assert.equal(parseToken(text), undefined));
}

Deno.test("an id is of few characters, and not long", () => {
  for (const id of ["a", "A-1_b.c", "9", "a".repeat(63)]) assert.ok(isAgentId(id), id);
  for (const id of ["", ".a", "-a", "a b", "ä", "a".repeat(64), "a\n", "a/b"]) {
    assert.ok(!isAgentId(id), id);
  }
});

Deno.test("base64url is read as it is written, and no other spelling is", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    assert.deepEqual(fromBase64url(toBase64url(bytes)), bytes);
  }));
  fc.assert(fc.property(fc.string({ maxLength: 12 }), (text) => {
    const bytes = fromBase64url(text);
    if (bytes !== undefined) assert.equal(toBase64url(bytes), text);
  }));
});
