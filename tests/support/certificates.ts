import { createHash, X509Certificate } from "node:crypto";
import { generate } from "selfsigned";

/** A certificate and its key, in PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

const DAY = 86_400_000;

/** An authority, valid for a month around now. */
export function authority(name: string): Promise<TestCertificate> {
  return make(name, [-15, 15], undefined, [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
  ]);
}

/**
 * A certificate for `edge.test` and 127.0.0.1.
 * @param issuer Who vouches for it; nobody but itself if there is none.
 * @param days When it begins and ends, from now.
 */
export function certificate(
  issuer?: TestCertificate,
  days: readonly [number, number] = [-1, 10],
): Promise<TestCertificate> {
  return make("edge.test", days, issuer, [
    { name: "subjectAltName", altNames: [{ type: 2, value: "edge.test" }, { type: 7, ip: LOCAL }] },
  ]);
}

const LOCAL = "127.0.0.1";

async function make(
  name: string,
  [from, to]: readonly [number, number],
  issuer: TestCertificate | undefined,
  extensions: NonNullable<Parameters<typeof generate>[1]>["extensions"],
): Promise<TestCertificate> {
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(Date.now() + from * DAY),
    notAfterDate: new Date(Date.now() + to * DAY),
    ...issuer === undefined ? {} : { ca: issuer },
    ...extensions === undefined ? {} : { extensions },
  });
  return { cert: made.cert, key: made.private };
}

/** The SHA-256 of it in DER. */
export function pinOf({ cert }: TestCertificate): Uint8Array {
  return new Uint8Array(createHash("sha256").update(new X509Certificate(cert).raw).digest());
}
