/**
 * Eventfds: descriptors that can be read once something was written to them, which is how one thread wakes another.
 *
 * Apart from `libc.ts`, because the main thread makes no other calls, and each one takes time to prepare. To load this
 * file opens the library, too.
 *
 * @module
 */
import { NetError } from "../runtime.ts";
import { O_CLOEXEC, O_NONBLOCK } from "./layout.ts";

const { symbols: c } = Deno.dlopen("libc.so.6", {
  close: { parameters: ["i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
});

/** @throws {NetError} `exhausted` */
export function openEvent(): number {
  const fd = c.eventfd(0, O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw new NetError("exhausted", "no descriptor is left to wake a thread with");
  return fd;
}

export function closeEvent(fd: number): void {
  c.close(fd);
}

const count = new BigUint64Array(1);

/** Adds one to its count, which makes it readable. Any thread may. */
export function signalEvent(fd: number): void {
  count[0] = 1n;
  c.write(fd, count, 8);
}

/** Sets its count to zero. */
export function clearEvent(fd: number): void {
  c.read(fd, count, 8);
}
