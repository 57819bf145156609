/**
 * Whether this machine lays things out as `layout.ts` says, found out by trying: in a millisecond or so, at the start
 * of the thread, without a network.
 *
 * @module
 */
import {
  AF_UNIX,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  ERRNO,
  LAYOUTS,
  MSG_NOSIGNAL,
  O_CLOEXEC,
  O_NONBLOCK,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from "./layout.ts";
import { close, pipe, recv, send, shutdown, socketPair, splice } from "./libc.ts";
import { Poller } from "./poller.ts";

const WORDS = new TextEncoder().encode("through the kernel and back");

/** @throws {Error} Saying what is not as it should be. */
export function selfTest(): void {
  if (!Object.hasOwn(LAYOUTS, Deno.build.arch)) {
    throw new Error(`the layouts of ${Deno.build.arch} are not known`);
  }
  const opened: number[] = [];
  const own = (what: string, result: number, fds: Int32Array): readonly [number, number] => {
    expect(what, result, 0);
    opened.push(...fds);
    return [fds[0]!, fds[1]!];
  };
  const fds = new Int32Array(2);
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  try {
    expect("error numbers", close(-1), -ERRNO.EBADF);
    const one = own("sockets", socketPair(fds, AF_UNIX, type), fds);
    const other = own("sockets", socketPair(fds, AF_UNIX, type), fds);
    const through = own("pipes", pipe(fds, O_NONBLOCK | O_CLOEXEC), fds);
    testEvents(one, other);
    testBytes(one, other, through);
  } finally {
    for (const fd of opened) close(fd);
  }
}

type Pair = readonly [near: number, far: number];

/** Two descriptors in one batch, each with events of its own: sizes, offsets and flags have to be right for that. */
function testEvents(one: Pair, other: Pair): void {
  const poller = new Poller();
  try {
    const events = new Map<number, number>();
    for (const [fd] of [one, other]) {
      const watched = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;
      poller.add(fd, watched, { onEvents: (which) => void events.set(fd, which) });
    }
    send(one[1], WORDS, 1, MSG_NOSIGNAL);
    shutdown(other[1], SHUT_WR);
    expect("the number of events", poller.turn(0), 2);
    expect("events of bytes", events.get(one[0]), EPOLLIN | EPOLLOUT);
    expect("events of an end", events.get(other[0]), EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    expect("events without a change", poller.turn(0), 0);
  } finally {
    poller.end();
  }
}

/** Bytes there by a pipe of the kernel; where nothing is left; the end. */
function testBytes(one: Pair, other: Pair, [readEnd, writeEnd]: Pair): void {
  const into = new Uint8Array(WORDS.length);
  expect("receiving", recv(one[0], into, into.length, 0), 1);
  expect("receiving nothing", recv(one[0], into, into.length, 0), -ERRNO.EAGAIN);
  expect("receiving the end", recv(other[0], into, into.length, 0), 0);
  expect("sending", send(one[1], WORDS, WORDS.length, MSG_NOSIGNAL), WORDS.length);
  expect("splicing in", splice(one[0], writeEnd, 1 << 20), WORDS.length);
  expect("splicing out", splice(readEnd, other[0], WORDS.length), WORDS.length);
  expect("receiving what was spliced", recv(other[1], into, into.length, 0), WORDS.length);
  if (into.some((byte, at) => byte !== WORDS[at])) throw new Error("bytes arrive altered");
}

function expect(what: string, is: number | undefined, shouldBe: number): void {
  if (is !== shouldBe) throw new Error(`${what}: ${is}, where it should be ${shouldBe}`);
}
