import assert from "node:assert/strict";
import { importKey, isSupported, setUpReceiver } from "../../../lib/ech/hpke.ts";
import { bytes } from "../../support/bytes.ts";
import { parseHex } from "../../support/samples.ts";
import { HpkeSender, SUITES } from "./hpke_sender.ts";

const INFO = parseHex("4f6465206f6e2061204772656369616e2055726e");
const PLAINTEXT = parseHex("4265617574792069732074727574682c20747275746820626561757479");

/** RFC 9180 appendix A.1.1 and A.2.1: base setup, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256. */
const VECTORS = [
  {
    section: "A.1.1, AES-128-GCM",
    suite: { kdf: 1, aead: 1 },
    ephemeral: "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
    enc: "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    privateKey: "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    publicKey: "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
    sealed: {
      0: "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
      1: "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84",
      2: "498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180",
      4: "583bd32bc67a5994bb8ceaca813d369bca7b2a42408cddef5e22f880b631215a09fc0012bc69fccaa251c0246d",
      255:
        "7175db9717964058640a3a11fb9007941a5d1757fda1a6935c805c21af32505bf106deefec4a49ac38d71c9e0a",
      256:
        "957f9800542b0b8891badb026d79cc54597cb2d225b54c00c5238c25d05c30e3fbeda97d2e0e1aba483a2df9f2",
    },
  },
  {
    section: "A.2.1, ChaCha20-Poly1305",
    suite: { kdf: 1, aead: 3 },
    ephemeral: "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600",
    enc: "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
    privateKey: "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
    publicKey: "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
    sealed: {
      0: "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
      1: "6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c",
      2: "71146bd6795ccc9c49ce25dda112a48f202ad220559502cef1f34271e0cb4b02b4f10ecac6f48c32f878fae86b",
      4: "63357a2aa291f5a4e5f27db6baa2af8cf77427c7c1a909e0b37214dd47db122bb153495ff0b02e9e54a50dbe16",
      255:
        "18ab939d63ddec9f6ac2b60d61d36a7375d2070c9b683861110757062c52b8880a5f6b3936da9cd6c23ef2a95c",
      256:
        "7a4a13e9ef23978e2c520fd4d2e757514ae160cd0cd05e556ef692370ca53076214c0c40d4c728d6ed9e727a5b",
    },
  },
] as const;

for (const { section, suite, ephemeral, enc, privateKey, publicKey, sealed } of VECTORS) {
  Deno.test(`what RFC 9180 ${section} seals is opened, in its order`, () => {
    const key = importKey(parseHex(privateKey));
    assert.deepEqual(key.publicKey, parseHex(publicKey));
    const receiver = setUpReceiver(suite, parseHex(enc), key, INFO);
    assert.ok(receiver);
    // The vectors name some messages of a sequence; this sender seals those between them.
    const sender = new HpkeSender(suite, key.publicKey, INFO, parseHex(ephemeral));
    assert.deepEqual(sender.enc, parseHex(enc));
    const published = new Map(Object.entries(sealed));
    let compared = 0;
    for (let sequence = 0; sequence <= 256; sequence++) {
      const aad = bytes(`Count-${sequence}`);
      const ciphertext = sender.seal(aad, PLAINTEXT);
      const expected = published.get(String(sequence));
      if (expected !== undefined) {
        compared++;
        assert.deepEqual(Uint8Array.from(ciphertext), parseHex(expected), `message ${sequence}`);
      }
      assert.deepEqual(receiver.open(aad, ciphertext), PLAINTEXT, `message ${sequence}`);
    }
    assert.equal(compared, 6);
  });
}

const PRIVATE_KEY = new Uint8Array(32).fill(0x42);
const EPHEMERAL = new Uint8Array(32).fill(0x17);
const AAD = bytes("aad");

function pair(suite: { kdf: number; aead: number }) {
  const key = importKey(PRIVATE_KEY);
  const sender = new HpkeSender(suite, key.publicKey, INFO, EPHEMERAL);
  const receiver = setUpReceiver(suite, sender.enc, key, INFO);
  assert.ok(receiver);
  return { sender, receiver, key };
}

Deno.test("every AEAD opens what was sealed, and nothing else", () => {
  for (const suite of SUITES) {
    const { sender, receiver } = pair(suite);
    const first = sender.seal(AAD, PLAINTEXT);
    const second = sender.seal(AAD, bytes(""));
    assert.equal(receiver.open(AAD, second), undefined, "out of order");
    assert.equal(receiver.open(bytes("other"), first), undefined, "other associated data");
    for (let at = 0; at < first.length; at++) {
      const changed = Uint8Array.from(first);
      changed[at]! ^= 1;
      assert.equal(receiver.open(AAD, changed), undefined, `byte ${at} changed`);
      assert.equal(receiver.open(AAD, first.slice(0, at)), undefined, `cut to ${at}`);
    }
    assert.deepEqual(receiver.open(AAD, first), PLAINTEXT, "failures do not count");
    assert.equal(receiver.open(AAD, first), undefined, "opened twice");
    assert.deepEqual(receiver.open(AAD, second), bytes(""));
  }
  assert.equal(SUITES.length, 3);
});

Deno.test("what was sealed to another key, for another use or as another suite stays closed", () => {
  const [suite] = SUITES;
  assert.ok(suite);
  const { sender, key } = pair(suite);
  const ciphertext = sender.seal(AAD, PLAINTEXT);
  const other = importKey(new Uint8Array(32).fill(0x43));
  const receivers = {
    "another key": setUpReceiver(suite, sender.enc, other, INFO),
    "another use": setUpReceiver(suite, sender.enc, key, bytes("other")),
    "another suite": setUpReceiver({ kdf: 1, aead: 2 }, sender.enc, key, INFO),
  };
  for (const [what, receiver] of Object.entries(receivers)) {
    assert.ok(receiver, what);
    assert.equal(receiver.open(AAD, ciphertext), undefined, what);
  }
});

Deno.test("an encapsulated key that gives a shared secret of zeros sets nothing up", () => {
  const key = importKey(PRIVATE_KEY);
  const lowOrder = [
    "00".repeat(32),
    "01" + "00".repeat(31),
    // RFC 7748 §6.1 and its references: a point of order 8, and the prime itself.
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ];
  for (const point of lowOrder) {
    assert.equal(setUpReceiver({ kdf: 1, aead: 1 }, parseHex(point), key, INFO), undefined, point);
  }
  assert.equal(lowOrder.length, 4);
});

Deno.test("a suite that is not supported sets nothing up", () => {
  const { sender, key } = pair({ kdf: 1, aead: 1 });
  for (const suite of [{ kdf: 2, aead: 1 }, { kdf: 1, aead: 4 }, { kdf: 1, aead: 0xffff }]) {
    assert.equal(isSupported(suite), false);
    assert.equal(setUpReceiver(suite, sender.enc, key, INFO), undefined);
  }
});

Deno.test("a key of another length is no key", () => {
  for (const length of [0, 31, 33, 65]) {
    assert.throws(() => importKey(new Uint8Array(length)), RangeError);
    const key = importKey(PRIVATE_KEY);
    assert.equal(setUpReceiver({ kdf: 1, aead: 1 }, new Uint8Array(length), key, INFO), undefined);
  }
});
