/**
 * The calls of the C library that a data thread makes; beside `event_fd.ts` nothing else is foreign. Each returns what
 * the kernel says, or below zero the negative error number. None of them waits (but `epollWait`), none keeps a pointer,
 * and none is given a length that its buffer does not have: a fault in foreign code has no way to come about.
 *
 * To load this file opens the library: it throws where that is not allowed or there is none of that name.
 *
 * @module
 */
import { LAYOUTS, type Machine, SOCKADDR_IN6, SPLICE_F_MOVE, SPLICE_F_NONBLOCK } from "./layout.ts";

const I32 = "i32";
const U32 = "u32";
const BUFFER = "buffer";
const POINTER = "pointer";

// Lengths are size_t, and results ssize_t, in C. As 32 bits they are called without going through BigInt, and no length
// here is near 2 GB.
const { symbols: c } = Deno.dlopen("libc.so.6", {
  __errno_location: { parameters: [], result: POINTER },
  accept4: { parameters: [I32, BUFFER, BUFFER, I32], result: I32 },
  bind: { parameters: [I32, BUFFER, U32], result: I32 },
  close: { parameters: [I32], result: I32 },
  connect: { parameters: [I32, BUFFER, U32], result: I32 },
  epoll_create1: { parameters: [I32], result: I32 },
  epoll_ctl: { parameters: [I32, I32, I32, BUFFER], result: I32 },
  epoll_wait: { parameters: [I32, BUFFER, I32, I32], result: I32 },
  fcntl: { parameters: [I32, I32, I32], result: I32 },
  getsockname: { parameters: [I32, BUFFER, BUFFER], result: I32 },
  getsockopt: { parameters: [I32, I32, I32, BUFFER, BUFFER], result: I32 },
  listen: { parameters: [I32, I32], result: I32 },
  pipe2: { parameters: [BUFFER, I32], result: I32 },
  recv: { parameters: [I32, BUFFER, U32, I32], result: I32 },
  recvmmsg: { parameters: [I32, BUFFER, U32, I32, POINTER], result: I32 },
  send: { parameters: [I32, BUFFER, U32, I32], result: I32 },
  sendmmsg: { parameters: [I32, BUFFER, U32, I32], result: I32 },
  setsockopt: { parameters: [I32, I32, I32, BUFFER, U32], result: I32 },
  shutdown: { parameters: [I32, I32], result: I32 },
  socket: { parameters: [I32, I32, I32], result: I32 },
  socketpair: { parameters: [I32, I32, I32, BUFFER], result: I32 },
  splice: { parameters: [I32, POINTER, I32, POINTER, U32, U32], result: I32 },
  strerror: { parameters: [I32], result: POINTER },
});

/**
 * Where this thread has its errno: for as long as the thread lives, and this module is loaded once in each.
 *
 * It is the runtime's errno, too. V8 collects garbage and installs compiled code where a function begins, and waits for
 * locks while it does (EAGAIN) or looks for files (ENOENT). So each function here reads errno itself, right after its
 * call: with a function between them, a connect that was under way was seen to have failed with ENOENT.
 */
const errno = new Int32Array(
  Deno.UnsafePointerView.getArrayBuffer(pointer(c.__errno_location()), 4),
);

/** How this machine lays out what differs. */
export const layout = LAYOUTS[Deno.build.arch as Machine];

function pointer(value: Deno.PointerValue): Deno.PointerObject {
  if (value === null) throw new TypeError("the C library gave no pointer");
  return value;
}

/** Ends in a fault of sluice what would otherwise be one of the process. */
function check(length: number, bytes: ArrayBufferView): void {
  if (!(length >= 0 && length <= bytes.byteLength)) {
    throw new RangeError(`${length} bytes of a buffer that has ${bytes.byteLength}`);
  }
}

/** The system's words for an error number. */
export function errorText(number: number): string {
  return Deno.UnsafePointerView.getCString(pointer(c.strerror(number)));
}

export function socket(family: number, type: number, protocol: number): number {
  const result = c.socket(family, type, protocol);
  return result < 0 ? -errno[0]! : result;
}

/** Two sockets that are connected to each other, into `into`. */
export function socketPair(into: Int32Array<ArrayBuffer>, family: number, type: number): number {
  check(8, into);
  const result = c.socketpair(family, type, 0, into);
  return result < 0 ? -errno[0]! : result;
}

export function close(fd: number): number {
  const result = c.close(fd);
  return result < 0 ? -errno[0]! : result;
}

/** @param address As `encodeAddress` writes it. */
export function bind(fd: number, address: Uint8Array<ArrayBuffer>): number {
  const result = c.bind(fd, address, address.byteLength);
  return result < 0 ? -errno[0]! : result;
}

export function listen(fd: number, backlog: number): number {
  const result = c.listen(fd, backlog);
  return result < 0 ? -errno[0]! : result;
}

const lengthOf = new Uint32Array(1);

/** @param from Takes the client's address, for `decodeAddress`. */
export function accept(fd: number, from: Uint8Array<ArrayBuffer>, flags: number): number {
  check(SOCKADDR_IN6.size, from);
  lengthOf[0] = SOCKADDR_IN6.size;
  const result = c.accept4(fd, from, lengthOf, flags);
  return result < 0 ? -errno[0]! : result;
}

/** @param address As `encodeAddress` writes it. */
export function connect(fd: number, address: Uint8Array<ArrayBuffer>): number {
  const result = c.connect(fd, address, address.byteLength);
  return result < 0 ? -errno[0]! : result;
}

/** @param into Takes the socket's own address, for `decodeAddress`. */
export function localAddress(fd: number, into: Uint8Array<ArrayBuffer>): number {
  check(SOCKADDR_IN6.size, into);
  lengthOf[0] = SOCKADDR_IN6.size;
  const result = c.getsockname(fd, into, lengthOf);
  return result < 0 ? -errno[0]! : result;
}

const optionValue = new Int32Array(1);

/** Sets an option that is an `int`. */
export function setOption(fd: number, level: number, name: number, value: number): number {
  optionValue[0] = value;
  const result = c.setsockopt(fd, level, name, optionValue, 4);
  return result < 0 ? -errno[0]! : result;
}

/** Sets an option that is a structure. */
export function setOptionBytes(
  fd: number,
  level: number,
  name: number,
  value: Int32Array<ArrayBuffer>,
): number {
  const result = c.setsockopt(fd, level, name, value, value.byteLength);
  return result < 0 ? -errno[0]! : result;
}

/** The value of an option that is an `int` and never below zero. */
export function getOption(fd: number, level: number, name: number): number {
  lengthOf[0] = 4;
  const result = c.getsockopt(fd, level, name, optionValue, lengthOf);
  return result < 0 ? -errno[0]! : optionValue[0]!;
}

export function shutdown(fd: number, how: number): number {
  const result = c.shutdown(fd, how);
  return result < 0 ? -errno[0]! : result;
}

/** Receives up to `length` bytes into the beginning of `into`. */
export function recv(
  fd: number,
  into: Uint8Array<ArrayBuffer>,
  length: number,
  flags: number,
): number {
  check(length, into);
  const result = c.recv(fd, into, length, flags);
  return result < 0 ? -errno[0]! : result;
}

/** Sends the first `length` of `bytes`. */
export function send(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
  flags: number,
): number {
  check(length, bytes);
  const result = c.send(fd, bytes, length, flags);
  return result < 0 ? -errno[0]! : result;
}

/** `struct mmsghdr`, bytes. */
const MESSAGE_SIZE = 64;

/**
 * Receives datagrams as `messages` says (`struct mmsghdr`, so many of them). The caller answers for the pointers in it:
 * what they lead to is as long as it says and lives as long as `messages`.
 */
export function recvMessages(
  fd: number,
  messages: Uint8Array<ArrayBuffer>,
  count: number,
  flags: number,
): number {
  check(count * MESSAGE_SIZE, messages);
  const result = c.recvmmsg(fd, messages, count, flags, null);
  return result < 0 ? -errno[0]! : result;
}

/** Sends datagrams; as {@linkcode recvMessages}. */
export function sendMessages(
  fd: number,
  messages: Uint8Array<ArrayBuffer>,
  count: number,
  flags: number,
): number {
  check(count * MESSAGE_SIZE, messages);
  const result = c.sendmmsg(fd, messages, count, flags);
  return result < 0 ? -errno[0]! : result;
}

/** Where memory is, for structures that point to it: it stays there for as long as `bytes` lives. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

/** Two ends of a pipe, into `into`: the one to read from, the one to write to. */
export function pipe(into: Int32Array<ArrayBuffer>, flags: number): number {
  check(8, into);
  const result = c.pipe2(into, flags);
  return result < 0 ? -errno[0]! : result;
}

/** Moves up to `length` bytes from one descriptor to the other, one of which is a pipe, and waits for neither. */
export function splice(from: number, to: number, length: number): number {
  const result = c.splice(from, null, to, null, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  return result < 0 ? -errno[0]! : result;
}

/** A command whose argument is a number. */
export function fcntl(fd: number, command: number, argument: number): number {
  const result = c.fcntl(fd, command, argument);
  return result < 0 ? -errno[0]! : result;
}

export function epollCreate(flags: number): number {
  const result = c.epoll_create1(flags);
  return result < 0 ? -errno[0]! : result;
}

/** @param event A `struct epoll_event`. */
export function epollControl(
  epoll: number,
  operation: number,
  fd: number,
  event: Uint32Array<ArrayBuffer>,
): number {
  check(layout.epollEvent.size, event);
  const result = c.epoll_ctl(epoll, operation, fd, event);
  return result < 0 ? -errno[0]! : result;
}

/**
 * Waits for events.
 * @param events Takes `most` of `struct epoll_event`.
 * @param timeout ms; -1: until there is one.
 */
export function epollWait(
  epoll: number,
  events: Uint32Array<ArrayBuffer>,
  most: number,
  timeout: number,
): number {
  check(most * layout.epollEvent.size, events);
  const result = c.epoll_wait(epoll, events, most, timeout);
  return result < 0 ? -errno[0]! : result;
}
