import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keptCertificate, loadCertificate } from "../../../lib/tunnel/certificate.ts";
import { authority, certificate, pinOf } from "../../support/certificates.ts";

const DOMAIN = "tunnel.example.com";
const NOW = Date.UTC(2026, 10, 29);

function test(sentence: string, body: (directory: string) => Promise<void>): void {
  Deno.test(sentence, async () => {
    const directory = await mkdtemp(join(tmpdir(), "sluice-certificate-"));
    try {
      await body(directory);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

test("a certificate is made once, for the domain, and its file is nobody else's to read", async (directory) => {
  const made = await keptCertificate(join(directory, "a", "b"), DOMAIN, NOW);
  const path = join(directory, "a", "b", "edge.pem");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const { subjectAltName, validTo } = new X509Certificate(made.certificate);
  assert.equal(subjectAltName, `DNS:${DOMAIN}`);
  assert.ok(Date.parse(validTo) > NOW + 20 * 365 * 86_400_000);
  assert.deepEqual(pinOf({ cert: made.certificate, key: "" }), made.pin);
  const again = await keptCertificate(join(directory, "a", "b"), "another.example.com", NOW);
  assert.deepEqual(again, made);
});

test("of several who make one at once all have the same", async (directory) => {
  const all = await Promise.all(
    Array.from({ length: 5 }, () => keptCertificate(directory, DOMAIN, NOW)),
  );
  for (const each of all) assert.deepEqual(each, all[0]);
  assert.deepEqual(await readdir(directory), ["edge.pem"]);
});

test("a file that is there and no certificate is left as it is", async (directory) => {
  const path = join(directory, "edge.pem");
  await writeFile(path, "my notes");
  await assert.rejects(keptCertificate(directory, DOMAIN, NOW), {
    message: `${path}: there is no certificate in PEM that can be read`,
  });
  assert.equal(await readFile(path, "utf8"), "my notes");
});

test("a directory that cannot be made is named", async (directory) => {
  await writeFile(join(directory, "file"), "");
  await assert.rejects(keptCertificate(join(directory, "file", "below"), DOMAIN, NOW), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /file\/below\/edge\.pem: .*director/);
    return true;
  });
});

test("the operator's own files are read, whatever else is in them", async (directory) => {
  const ca = await authority("Test Authority");
  const own = await certificate(ca);
  const files = {
    certificate: join(directory, "chain.pem"),
    privateKey: join(directory, "key.pem"),
  };
  await writeFile(files.certificate, `edge.test\n${own.cert}\n${ca.cert}\n`);
  await writeFile(files.privateKey, `# the key\n${own.key}\n`);
  const loaded = await loadCertificate(files);
  assert.deepEqual(loaded.pin, pinOf(own));
  assert.equal(loaded.certificate.match(/BEGIN CERTIFICATE/g)?.length, 2);
  // Both in one file are as good.
  await writeFile(files.certificate, `${own.key}\n${own.cert}\n`);
  const one = { certificate: files.certificate, privateKey: files.certificate };
  assert.deepEqual((await loadCertificate(one)).pin, pinOf(own));
});

test("what is wrong with the operator's files is said, with the name of the file", async (directory) => {
  const [one, other] = [await certificate(), await certificate()];
  const at = (name: string) => join(directory, name);
  for (
    const [name, text] of [["one.crt", one.cert], ["one.key", one.key], ["other.key", other.key]]
  ) {
    await writeFile(at(name!), text!);
  }
  await writeFile(at("broken.crt"), one.cert.replace(/\n[^\n]{20}/, "\n"));
  const files = (certificate: string, privateKey: string) =>
    loadCertificate({ certificate: at(certificate), privateKey: at(privateKey) });
  await assert.rejects(files("one.crt", "other.key"), /other\.key is not that of .*one\.crt/);
  await assert.rejects(files("one.key", "one.key"), /one\.key: there is no certificate in PEM/);
  await assert.rejects(files("one.crt", "one.crt"), /one\.crt: there is no private key in PEM/);
  await assert.rejects(files("broken.crt", "one.key"), /broken\.crt: there is no certificate/);
  await assert.rejects(files("none.crt", "one.key"), /cannot read .*none\.crt: no such file/);
  await chmod(at("one.key"), 0o600);
  assert.deepEqual((await files("one.crt", "one.key")).pin, pinOf(one));
});
