/**
 * The certificate that an edge shows: the operator's own, or one that is made once and kept.
 *
 * @module
 */
import { createHash, createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemReason } from "../system_error.ts";

/** A certificate with its key, both checked to belong together. */
export interface EdgeCertificate {
  /** PEM; those who vouch for it may follow. */
  readonly certificate: string;
  /** PEM */
  readonly privateKey: string;
  /** The SHA-256 of the certificate in DER. */
  readonly pin: Uint8Array;
}

/** The file of a certificate of sluice's own: key and certificate, which so are never of different times. */
const FILE = "edge.pem";
/** How long it is valid. Who knows it by its pin does not ask. */
const YEARS = 30;

/**
 * Reads the operator's own files; what they say later is read by the next call.
 * @throws {Error} If that is not possible, or they do not belong together; the message names the file.
 */
export async function loadCertificate(
  files: { readonly certificate: string; readonly privateKey: string },
): Promise<EdgeCertificate> {
  const [certificate, privateKey] = await Promise.all([
    read(files.certificate),
    read(files.privateKey),
  ]);
  return checked(certificate, privateKey, files);
}

/**
 * Reads the certificate that is kept in `directory`, or makes one for `domain`, and the directory, if there is none yet.
 * @param now ms since 1970.
 * @throws {Error} If that is not possible; the message names the file.
 */
export async function keptCertificate(
  directory: string,
  domain: string,
  now: number,
): Promise<EdgeCertificate> {
  const path = join(directory, FILE);
  let kept = await readIfThere(path);
  if (kept === undefined) {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await create(path, await make(domain, now));
    } catch (error) {
      throw new Error(`cannot keep a certificate in ${path}: ${systemReason(error)}`, {
        cause: error,
      });
    }
    // It may be the one of another process that was faster.
    kept = await read(path);
  }
  return checked(kept, kept, { certificate: path, privateKey: path });
}

/** Writes `text` so that the file is there whole or not at all, and never takes the place of one that is there. */
async function create(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { flag: "wx", mode: 0o600 });
    await link(draft, path);
  } catch (error) {
    if (!isError(error, "EEXIST")) throw error;
  } finally {
    await unlink(draft).catch(() => {});
  }
}

async function make(domain: string, now: number): Promise<string> {
  // Needed once in the life of an edge.
  const { generate } = await import("selfsigned");
  const notAfterDate = new Date(now);
  notAfterDate.setFullYear(notAfterDate.getFullYear() + YEARS);
  const made = await generate([{ name: "commonName", value: domain }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(now),
    notAfterDate,
    extensions: [{ name: "subjectAltName", altNames: [{ type: DNS_NAME, value: domain }] }],
  });
  return `${made.private.trim()}\n${made.cert.trim()}\n`;
}

/** RFC 5280 §4.2.1.6 */
const DNS_NAME = 2;

function checked(
  certificates: string,
  keys: string,
  files: { readonly certificate: string; readonly privateKey: string },
): EdgeCertificate {
  const certificate = blocks(certificates, "CERTIFICATE").join("\n");
  const [privateKey = ""] = blocks(keys, "(?:[A-Z]+ )?PRIVATE KEY");
  const parsed = attempt(() => new X509Certificate(certificate), files.certificate, "certificate");
  const key = attempt(() => createPrivateKey(privateKey), files.privateKey, "private key");
  if (!parsed.checkPrivateKey(key)) {
    throw new Error(`the key in ${files.privateKey} is not that of ${files.certificate}`);
  }
  const pin = new Uint8Array(createHash("sha256").update(parsed.raw).digest());
  return { certificate, privateKey, pin };
}

/** The parts of a PEM text (RFC 7468) that have such a label, in their order: files may hold several kinds. */
function blocks(pem: string, label: string): readonly string[] {
  return pem.match(new RegExp(`-----BEGIN (${label})-----[^-]+-----END \\1-----`, "g")) ?? [];
}

function attempt<T>(parse: () => T, path: string, what: string): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${path}: there is no ${what} in PEM that can be read`, { cause: error });
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new Error(`cannot read ${path}: ${systemReason(error)}`, { cause: error });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isError(error, "ENOENT")) return undefined;
    throw new Error(`cannot read ${path}: ${systemReason(error)}`, { cause: error });
  }
}

function isError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
