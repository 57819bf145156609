import assert from "node:assert/strict";
import { ssh } from "../../probes/ssh.ts";
import { bytes } from "../support/bytes.ts";

const match = (software: string) => ({
  kind: "match",
  facts: { protocol: "ssh", details: { software } },
});

Deno.test("the example of RFC 4253 §4.2 is SSH, with its software", () => {
  assert.deepEqual(ssh(bytes("SSH-2.0-billsSSH_3.6.3q3\r\n"), false), match("billsSSH_3.6.3q3"));
});

Deno.test("comments, a bare LF and version 1.99 are SSH too", () => {
  assert.deepEqual(ssh(bytes("SSH-2.0-A_1 for you\r\n"), false), match("A_1"));
  assert.deepEqual(ssh(bytes("SSH-2.0-A_1\n"), false), match("A_1"));
  assert.deepEqual(ssh(bytes("SSH-1.99-A_1\r\n"), false), match("A_1"));
});

Deno.test("the first byte that is not of SSH- says no", () => {
  for (const head of ["X", "SX", "SSX", "SSHX", "ssh-2.0-a\r\n"]) {
    assert.deepEqual(ssh(bytes(head), false), { kind: "no" }, head);
  }
});

Deno.test("a line without a version or a software name is not SSH", () => {
  for (const head of ["SSH-\n", "SSH-2.0\r\n", "SSH-2.0-\r\n", "SSH-x-a\r\n"]) {
    assert.deepEqual(ssh(bytes(head), false), { kind: "no" }, JSON.stringify(head));
  }
});

Deno.test("a line of 255 bytes is SSH, a longer one is not", () => {
  const line = (length: number) => bytes("SSH-2.0-".padEnd(length - 2, "a") + "\r\n");
  assert.equal(ssh(line(255), false).kind, "match");
  assert.equal(ssh(line(256), false).kind, "no");
  assert.equal(ssh(line(255).subarray(0, 254), false).kind, "need");
  assert.equal(ssh(line(400).subarray(0, 255), false).kind, "no");
});
