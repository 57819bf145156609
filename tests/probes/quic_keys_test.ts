import { chacha20, chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import assert from "node:assert/strict";
import {
  expandLabel,
  expansion,
  initialKeys,
  openPacket,
  type PacketKeys,
} from "../../probes/quic_keys.ts";
import {
  coalescedPackets,
  packetNumber,
  type ProtectedPacket,
  QUIC_V1,
  QUIC_V2,
  quicHeader,
} from "../../probes/quic_packet.ts";
import { concat } from "../support/bytes.ts";
import { datagramSamples, parseHex } from "../support/samples.ts";
import { DCID, packet, retryPacket } from "../support/quic.ts";

/** A.2: the CRYPTO frame of the client's Initial, the same in both RFCs. */
const CLIENT_CRYPTO = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f0" +
  "6a2b69484c00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006" +
  "001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf455" +
  "9fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302030804080508" +
  "06002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075" +
  "300901100f088394c8f03e51570806048000ffff";

/** A.3: the frames of the server's Initial, the same in both RFCs. */
const SERVER_FRAMES = "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc7982" +
  "5df566dc5430b9a045a1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c83" +
  "4d5311bcf32bb9da1a002b00020304";

/** A.5: the secret of the short header packet, the same in both RFCs. */
const SECRET = "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b";

/** The sections of appendix A that differ. */
const VECTORS = [
  {
    rfc: "rfc9001",
    version: QUIC_V1,
    salt: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", // §5.2
    labels: {
      "quic key": "00100e746c7331332071756963206b657900",
      "quic iv": "000c0d746c733133207175696320697600",
      "quic hp": "00100d746c733133207175696320687000",
    },
    initialSecret: "7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44",
    clientSecret: "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
    client: {
      key: "1f369613dd76d5467730efcbe3b1a22d",
      iv: "fa044b2f42a3fd3b46fb255c",
      hp: "9f50449e04a0e810283a1e9933adedd2",
    },
    serverSecret: "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b",
    server: {
      key: "cf3a5331653c364c88f0f379b6067e37",
      iv: "0ac1493ca1905853b0bba03e",
      hp: "c206b8d9b9f0f37644430b490eeaa314",
    },
    serverPacket: "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f3" +
      "7a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc" +
      "3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4215840" +
      "7dd074ee",
    retry: "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
    short: {
      label: "quic",
      key: "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
      iv: "e0459b3474bdd0e44a41c144",
      hp: "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
      ku: "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9",
      nonce: "e0459b3474bdd0e46d417eb0",
      packet: "4cfe4189655e5cd55c41f69080575d7999c25a5bfb",
    },
  },
  {
    rfc: "rfc9369",
    version: QUIC_V2,
    salt: "0dede3def700a6db819381be6e269dcbf9bd2ed9", // §3.3.1
    labels: {
      "quicv2 key": "001010746c73313320717569637632206b657900",
      "quicv2 iv": "000c0f746c7331332071756963763220697600",
      "quicv2 hp": "00100f746c7331332071756963763220687000",
    },
    initialSecret: "2062e8b3cd8d52092614b8071d0aa1fb7c2e3ac193f78b280e72d8f5751f6aba",
    clientSecret: "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
    client: {
      key: "8b1a0bc121284290a29e0971b5cd045d",
      iv: "91f73e2351d8fa91660e909f",
      hp: "45b95e15235d6f45a6b19cbcb0294ba9",
    },
    serverSecret: "0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1",
    server: {
      key: "82db637861d55e1d011f19ea71d5d2a7",
      iv: "dd13c276499c0249d3310652",
      hp: "edf6d05c83121201b436e16877593c3a",
    },
    serverPacket: "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb76" +
      "1d9b89237bbf87263017915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd1" +
      "6a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed85" +
      "21e2e140",
    retry: "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
    short: {
      label: "quicv2",
      key: "3bfcddd72bcf02541d7fa0dd1f5f9eeea817e09a6963a0e6c7df0f9a1bab90f2",
      iv: "a6b5bc6ab7dafce30ffff5dd",
      hp: "d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2",
      ku: "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88",
      nonce: "a6b5bc6ab7dafce328ff4a29",
      packet: "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba",
    },
  },
] as const;

const SERVER_ID = parseHex("f067a5502a4262b5");

for (const vectors of VECTORS) {
  const { rfc, version } = vectors;

  Deno.test(`${rfc} A.1: the labels, and the secrets and keys of both sides`, () => {
    const labels = {
      "client in": "00200f746c73313320636c69656e7420696e00",
      "server in": "00200f746c7331332073657276657220696e00",
      ...vectors.labels,
    };
    for (const [label, hex] of Object.entries(labels)) {
      const [, length = 0] = parseHex(hex);
      assert.equal(expansion(label, length).toHex(), `${hex}01`);
    }
    const secret = extract(sha256, DCID, parseHex(vectors.salt));
    assert.equal(secret.toHex(), vectors.initialSecret);
    assert.equal(expanded(secret, "client in", 32).toHex(), vectors.clientSecret);
    assert.equal(expanded(secret, "server in", 32).toHex(), vectors.serverSecret);
    assert.deepEqual(inHex(initialKeys(version, DCID, "client")), vectors.client);
    assert.deepEqual(inHex(initialKeys(version, DCID, "server")), vectors.server);
  });

  Deno.test(`${rfc} A.2: the client's Initial is opened, and built again byte for byte`, () => {
    const protectedBytes = clientDatagram(rfc);
    const crypto = parseHex(CLIENT_CRYPTO);
    const frames = concat(crypto, new Uint8Array(1162 - crypto.length));
    const opened = openPacket(only(protectedBytes), initialKeys(version, DCID, "client"), -1);
    assert.deepEqual(opened, { packetNumber: 2, frames });
    assert.deepEqual(packet({ version, number: 2, numberLength: 4, frames }), protectedBytes);
  });

  Deno.test(`${rfc} A.3: the server's Initial is opened, and built again byte for byte`, () => {
    const keys = initialKeys(version, DCID, "server");
    const frames = parseHex(SERVER_FRAMES);
    const protectedBytes = parseHex(vectors.serverPacket);
    assert.deepEqual(openPacket(only(protectedBytes), keys, 0), { packetNumber: 1, frames });
    const dcid = new Uint8Array(0);
    const parts = { version, dcid, scid: SERVER_ID, number: 1, numberLength: 2, frames, keys };
    assert.deepEqual(packet(parts), protectedBytes);
  });

  Deno.test(`${rfc} A.4: the Retry packet is read, and built again byte for byte`, () => {
    const retry = parseHex(vectors.retry);
    assert.deepEqual(quicHeader(retry), {
      form: "long",
      type: "retry",
      version,
      dcid: new Uint8Array(0),
      scid: SERVER_ID,
    });
    const token = new TextEncoder().encode("token");
    assert.deepEqual(retryPacket(version, DCID, SERVER_ID, token, 0x0f), retry);
  });

  Deno.test(`${rfc} A.5: the keys and the packet with a short header`, () => {
    const { label, key, iv, hp, ku, nonce, packet: hex } = vectors.short;
    const derived = (name: string, length: number) =>
      expanded(parseHex(SECRET), `${label} ${name}`, length);
    assert.equal(derived("key", 32).toHex(), key);
    assert.equal(derived("iv", 12).toHex(), iv);
    assert.equal(derived("hp", 32).toHex(), hp);
    assert.equal(derived("ku", 32).toHex(), ku);

    const bytes = parseHex(hex);
    assert.deepEqual(quicHeader(bytes), { form: "short", dcid: new Uint8Array(0) });
    // ChaCha20 header protection (RFC 9001 §5.4.4): the sample is a counter and a nonce.
    const sample = bytes.slice(5, 21);
    const counter = new DataView(sample.buffer).getUint32(0, true);
    const mask = chacha20(parseHex(hp), sample.subarray(4), new Uint8Array(5), undefined, counter);
    const header = bytes.slice(0, 4).map((byte, i) => byte ^ mask[i]! & (i === 0 ? 0x1f : 0xff));
    assert.equal(header.toHex(), "4200bff4");
    assert.equal(packetNumber(654_360_563, 0x00bff4, 3), 654_360_564);
    const frames = chacha20poly1305(parseHex(key), parseHex(nonce), header);
    assert.deepEqual(frames.decrypt(bytes.slice(4)), Uint8Array.of(1));
  });
}

function expanded(secret: Uint8Array, label: string, length: number): Uint8Array {
  return expandLabel(hmac.create(sha256, secret), expansion(label, length));
}

function inHex({ key, iv, hp }: PacketKeys) {
  return { key: key.toHex(), iv: iv.toHex(), hp: hp.toHex() };
}

/** The protected packet of A.2: a whole datagram. */
function clientDatagram(rfc: string): Uint8Array {
  const [datagram] = datagramSamples().find(({ name }) => name === `quic_${rfc}`)?.datagrams ?? [];
  assert.ok(datagram !== undefined);
  return datagram;
}

function only(bytes: Uint8Array): ProtectedPacket {
  const [first, ...others] = coalescedPackets(bytes);
  assert.ok(first !== undefined && others.length === 0);
  return first;
}

Deno.test("a packet opens with a packet number of every length, also beyond 32 bits", () => {
  const keys = initialKeys(QUIC_V1, DCID, "client");
  for (const numberLength of [1, 2, 3, 4]) {
    for (const number of [0, 1, 255, 2 ** 20 + 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5]) {
      const bytes = packet({ number, numberLength, frames: new Uint8Array(30).fill(1) });
      assert.equal(openPacket(only(bytes), keys, number - 1)?.packetNumber, number);
    }
  }
});

Deno.test("a packet with a changed byte does not open, wherever it is", () => {
  const keys = initialKeys(QUIC_V1, DCID, "client");
  const token = Uint8Array.of(1, 2, 3);
  const bytes = packet({ token, frames: new Uint8Array(20).fill(1) });
  assert.ok(openPacket(only(bytes), keys, -1));
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [0x01, 0x80]) {
      const changed = bytes.slice();
      changed[at]! ^= bit;
      const [read] = coalescedPackets(changed);
      const opened = read && openPacket(read, keys, -1);
      assert.equal(opened, undefined, `byte ${at} ^ ${bit}`);
    }
  }
});

Deno.test("a packet with reserved bits does not open", () => {
  const keys = initialKeys(QUIC_V1, DCID, "client");
  for (const reservedBits of [1, 2, 3]) {
    assert.equal(openPacket(only(packet({ reservedBits })), keys, -1), undefined);
  }
});

Deno.test("a packet too short for the sample of header protection does not open", () => {
  const keys = initialKeys(QUIC_V1, DCID, "client");
  const shortest = packet({ numberLength: 1, frames: concat(1, 1, 1) });
  assert.equal(openPacket(only(shortest), keys, -1)?.frames.length, 3);
  const header = concat(0xc0, 0, 0, 0, 1, 8, DCID, 0, 0);
  for (let length = 0; length < 20; length++) {
    const bytes = concat(header, length, new Uint8Array(length));
    assert.equal(openPacket(only(bytes), keys, -1), undefined, `${length} bytes`);
  }
});

Deno.test("the keys of another version are an error of the caller", () => {
  assert.throws(() => initialKeys(0xff00001d, DCID, "client"), RangeError);
});
