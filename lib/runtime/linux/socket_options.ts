/**
 * What can be asked of a TCP socket. That a socket refuses is told to nobody: its connection is gone then, and the next
 * read says so.
 *
 * @module
 */
import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SO_LINGER,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from "./layout.ts";
import { setOption, setOptionBytes } from "./libc.ts";

/** The kernel's own between two questions to a silent peer, s, and the longest that it takes. */
const KEEPALIVE_INTERVAL = 75;
const LONGEST_KEEPALIVE = 32_767;

/** `struct linger`: on, 0 s. */
const NO_LINGERING = Int32Array.of(1, 0);

/** Turns Nagle's algorithm off. */
export function setNoDelay(fd: number): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/** Has the kernel ask a peer that was silent for `idle` ms whether it is still there. */
export function setKeepAlive(fd: number, idle: number): void {
  const seconds = Math.min(Math.max(1, Math.round(idle / 1000)), LONGEST_KEEPALIVE);
  setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, Math.min(seconds, KEEPALIVE_INTERVAL));
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/** Makes of a close a reset. */
export function setResetOnClose(fd: number): void {
  setOptionBytes(fd, SOL_SOCKET, SO_LINGER, NO_LINGERING);
}
