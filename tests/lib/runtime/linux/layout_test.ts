import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIp } from "../../../../lib/addr.ts";
import {
  AF_INET,
  AF_INET6,
  decodeAddress,
  encodeAddress,
  EPOLLET,
  EPOLLRDHUP,
  ERRNO,
  LAYOUTS,
  O_CLOEXEC,
  O_NONBLOCK,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
} from "../../../../lib/runtime/linux/layout.ts";

const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// <sys/epoll.h>: __EPOLL_PACKED is __attribute__ ((__packed__)) on x86-64 and empty elsewhere.
Deno.test("an epoll event is packed on x86-64 and aligned on arm64", () => {
  assert.deepEqual(LAYOUTS.x86_64.epollEvent, { size: 12, data: 4 });
  assert.deepEqual(LAYOUTS.aarch64.epollEvent, { size: 16, data: 8 });
  // They are read in words of 32 bits.
  for (const { epollEvent: { size, data } } of Object.values(LAYOUTS)) {
    assert.ok(size % 4 === 0 && data % 4 === 0 && data + 8 <= size);
  }
});

// <asm-generic/errno-base.h>, <asm-generic/errno.h>, <asm-generic/fcntl.h>, <linux/eventpoll.h>
Deno.test("numbers are those of the kernel's headers", () => {
  const { EAGAIN, ECONNRESET, EINPROGRESS, EMFILE, EPIPE } = ERRNO;
  assert.deepEqual([EAGAIN, ECONNRESET, EINPROGRESS, EMFILE, EPIPE], [11, 104, 115, 24, 32]);
  assert.deepEqual([O_NONBLOCK, O_CLOEXEC], [0x800, 0x80000]);
  assert.deepEqual([SOCK_NONBLOCK, SOCK_CLOEXEC], [O_NONBLOCK, O_CLOEXEC]);
  assert.deepEqual([EPOLLRDHUP, EPOLLET], [1 << 13, 2 ** 31]);
});

Deno.test("addresses are laid out as sockaddr_in and sockaddr_in6", () => {
  const v4 = encodeAddress({ address: "192.0.2.1", port: 443 });
  assert.equal(hex(v4), "020001bb" + "c0000201" + "00".repeat(8));
  const v6 = encodeAddress({ address: "2001:db8::1", port: 443 });
  assert.equal(hex(v6), "0a0001bb" + "00000000" + "20010db8" + "00".repeat(11) + "01" + "00000000");
});

Deno.test("an IPv6 socket takes IPv4 addresses as mapped ones, and shows them as IPv4", () => {
  const mapped = encodeAddress({ address: "192.0.2.1", port: 80 }, AF_INET6);
  const expected = "0a000050" + "00000000" + "00".repeat(10) + "ffff" + "c0000201" + "00000000";
  assert.equal(hex(mapped), expected);
  assert.deepEqual(decodeAddress(mapped), { address: "192.0.2.1", port: 80 });
});

Deno.test("what is no address for a socket is said so", () => {
  assert.throws(() => encodeAddress({ address: "localhost", port: 1 }), TypeError);
  assert.throws(() => encodeAddress({ address: "::1", port: 1 }, AF_INET), TypeError);
});

Deno.test("every address comes back as it was", () => {
  const text = fc.oneof(fc.ipV4(), fc.ipV6().filter((each) => parseIp(each) !== undefined));
  fc.assert(fc.property(text, fc.nat(65_535), (address, port) => {
    const back = decodeAddress(encodeAddress({ address, port }));
    assert.deepEqual(parseIp(back.address), parseIp(address));
    assert.equal(back.port, port);
  }));
});

Deno.test("more IPv4 addresses than are remembered come back as they were", () => {
  for (let i = 0; i < 10_000; i++) {
    const address = `10.${i >> 8}.${i & 255}.255`;
    assert.equal(decodeAddress(encodeAddress({ address, port: 1 })).address, address);
  }
});
