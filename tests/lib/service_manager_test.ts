import assert from "node:assert/strict";
import { tellServiceManager } from "../../lib/service_manager.ts";

const env = { NOTIFY_SOCKET: "/run/notify" };

/** A log that remembers its warnings. */
function warnings() {
  const lines: string[] = [];
  return { lines, warning: (message: string) => void lines.push(message) };
}

Deno.test("without a service manager nobody is told", async () => {
  const sendLocal = () => assert.fail("was told");
  for (const unset of [{}, { NOTIFY_SOCKET: "" }]) {
    await tellServiceManager({ env: unset, sendLocal }, "READY=1", warnings());
  }
});

Deno.test("a service manager is told at the socket that it named", async () => {
  const told: string[][] = [];
  const sendLocal = (...what: string[]) => Promise.resolve(void told.push(what));
  const log = warnings();
  await tellServiceManager({ env, sendLocal }, "READY=1", log);
  await tellServiceManager({ env, sendLocal }, "STOPPING=1", log);
  assert.deepEqual(told, [["/run/notify", "READY=1"], ["/run/notify", "STOPPING=1"]]);
  assert.deepEqual(log.lines, []);
});

Deno.test("that it cannot be told is a warning, for it may wait in vain", async () => {
  const log = warnings();
  await tellServiceManager({ env }, "READY=1", log);
  const sendLocal = () => Promise.reject(new Error("Connection refused (os error 111)"));
  await tellServiceManager({ env, sendLocal }, "STOPPING=1", log);
  assert.deepEqual(log.lines, [
    "cannot tell the service manager READY=1: this runtime has no way to",
    "cannot tell the service manager STOPPING=1: Connection refused",
  ]);
});
