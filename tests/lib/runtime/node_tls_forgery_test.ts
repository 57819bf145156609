/**
 * A server in the middle that shows the right certificate and has not its key. No library makes one, but `openssl` can be
 * talked into it: a private key in DER (RFC 5915) says what its public key is, and nobody checks that.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawn, spawnSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeTls } from "../../../lib/runtime/node_tls.ts";
import { NetError, type Trust } from "../../../lib/runtime/runtime.ts";
import { systemClock } from "../../../lib/runtime/clock.ts";
import { certificate, pinOf } from "../../support/certificates.ts";

const ALPN = "sluice-test/1";
/** An uncompressed point of P-256: the last bytes of the key's DER. */
const POINT_LENGTH = 65;

/** The key of `theirs`, which says that it is that of `own`. */
function forged(own: string, theirs: string): string {
  const [right, wrong] = [own, theirs].map((pem) =>
    createPrivateKey(pem).export({ type: "sec1", format: "der" }) as Buffer
  );
  const der = Buffer.concat([
    wrong!.subarray(0, -POINT_LENGTH),
    right!.subarray(-POINT_LENGTH),
  ]);
  return `-----BEGIN EC PRIVATE KEY-----\n${
    der.toString("base64")
  }\n-----END EC PRIVATE KEY-----\n`;
}

Deno.test({
  name: "node:tls: a server that shows the right certificate without having its key is refused",
  ignore: spawnSync("openssl", ["version"]).status !== 0,
  fn: async () => {
    const [own, theirs] = [await certificate(), await certificate()];
    const directory = await mkdtemp(join(tmpdir(), "sluice-forgery-"));
    await writeFile(join(directory, "cert.pem"), own.cert);
    await writeFile(join(directory, "key.pem"), forged(own.key, theirs.key));
    const args = ["s_server", "-accept", "127.0.0.1:0", "-tls1_3", "-alpn", ALPN];
    const server = spawn("openssl", [...args, "-cert", "cert.pem", "-key", "key.pem"], {
      cwd: directory,
      stdio: ["pipe", "pipe", "ignore"],
    });
    const tls = new NodeTls(systemClock);
    try {
      // Its first words are where it accepts.
      let port = 0;
      for await (const text of server.stdout) {
        port = Number(/ACCEPT 127\.0\.0\.1:(\d+)/.exec(String(text))?.[1] ?? 0);
        if (port > 0) break;
      }
      const trusts: readonly Trust[] = [
        { kind: "pin", sha256: pinOf(own) },
        { kind: "authorities", pem: own.cert },
      ];
      for (const trust of trusts) {
        const connecting = tls.connect({ address: "127.0.0.1", port }, {
          alpn: ALPN,
          trust,
          serverName: "edge.test",
          timeout: 5000,
        });
        await assert.rejects(connecting, (error) => {
          assert.ok(error instanceof NetError);
          assert.ok(!["refused", "timeout"].includes(error.code), error.message);
          return true;
        });
      }
    } finally {
      const ended = once(server, "close");
      server.kill();
      await ended;
      tls.close();
      await rm(directory, { recursive: true });
    }
  },
});
