/** What a pipe of the Linux plane does beyond the contract. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { takeHeadBuffer } from "../../../../lib/head_buffers.ts";
import type { KernelPipe } from "../../../../lib/runtime/linux/kernel_pipes.ts";
import { ERRNO } from "../../../../lib/runtime/linux/layout.ts";
import type { LinuxConn } from "../../../../lib/runtime/linux/streams.ts";
import type { Conn } from "../../../../lib/runtime/runtime.ts";
import {
  assertReads,
  openDescriptors,
  readBytes,
  streamTest,
} from "../../../support/linux_streams.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** As many as a thread has. */
const KERNEL_PIPES = 64;

for (const [who, end] of [["client", "downstream_reset"], ["server", "upstream_reset"]] as const) {
  const other = who === "client" ? "server" : "client";
  streamTest(`a reset by the ${who} reaches the ${other} as a reset`, async (rig) => {
    const pipe = await rig.piped();
    await pipe[who].write(bytesOf("last words"));
    await assertReads(pipe[other], "last words");
    rig.reset(pipe[who]);
    assert.equal(await pipe.end, end);
    await assert.rejects(async () => await pipe[other].read(new Uint8Array(1)), { code: "reset" });
  });
}

streamTest("a reset is seen of a client that had ended its stream, too", async (rig) => {
  const { client, server, end } = await rig.piped();
  await client.closeWrite();
  assert.equal(await server.read(new Uint8Array(1)), null);
  rig.reset(client);
  assert.equal(await end, "downstream_reset");
  await assert.rejects(server.write(bytesOf("too late")), { code: "reset" });
});

streamTest("a reset is seen of a client that sends more than anybody takes, too", async (rig) => {
  const { client, end } = await rig.piped();
  await rig.flood(client);
  rig.reset(client);
  assert.equal(await end, "downstream_reset");
});

streamTest("a server that refuses an upload is heard", async (rig) => {
  const { client, server, end } = await rig.piped();
  await client.write(new Uint8Array(100_000));
  assert.ok(await server.read(new Uint8Array(10)));
  await server.write(bytesOf("413 too much"));
  // With bytes unread this is a reset.
  server.close();
  await assertReads(client, "413 too much");
  assert.equal(await end, "upstream_reset");
});

streamTest("a head that no socket has room for arrives whole, before all else", async (rig) => {
  const first = Uint8Array.from({ length: 8 << 20 }, (_, i) => i * 31 ^ i >> 8);
  const { client, server, counts, end } = await rig.piped(first.slice());
  await client.write(bytesOf("behind it"));
  await client.closeWrite();
  const received = await readBytes(server);
  assert.ok(Buffer.compare(received.subarray(0, first.length), first) === 0);
  assert.equal(new TextDecoder().decode(received.subarray(first.length)), "behind it");
  await server.closeWrite();
  assert.equal(await end, "ended");
  assert.deepEqual(counts, { up: first.length + 9, down: 0 });
});

streamTest("the head's memory is for the next one as soon as the head is sent", async (rig) => {
  const head = takeHeadBuffer();
  head.fill(0x61);
  const { server } = await rig.piped(head.subarray(0, 4));
  await assertReads(server, "aaaa");
  assert.equal(takeHeadBuffer().buffer, head.buffer);
});

streamTest("memory of another size is not kept for as long as the pipe runs", async (rig) => {
  const head = new Uint8Array(5000);
  const { server } = await rig.piped(head.subarray(0, 4));
  await assertReads(server, "\0\0\0\0");
  assert.equal(head.buffer.byteLength, 0);
});

for (const [how, left] of [["with pipes of the kernel", KERNEL_PIPES], ["without", 0]] as const) {
  streamTest(`much at once and little by little arrives whole, ${how}`, async (rig) => {
    const taken: KernelPipe[] = [];
    while (taken.length < KERNEL_PIPES - left) taken.push(rig.pipes.take()!);
    const { client, server, counts, end } = await rig.piped();
    const sizes = [1, 300_000, 7, 64 << 10, 2_000_000, 65_535, 65_537, 3, 1 << 20];
    const sent = sizes.map((length, i) => new Uint8Array(length).fill(i + 1));
    const send = async (conn: Conn) => {
      for (const each of sent) await conn.write(each);
      await conn.closeWrite();
    };
    const [up, down] = await Promise.all([
      readBytes(server),
      readBytes(client),
      send(client),
      send(server),
    ]);
    const whole = Buffer.concat(sent);
    assert.ok(Buffer.compare(up, whole) === 0 && Buffer.compare(down, whole) === 0);
    assert.equal(await end, "ended");
    assert.deepEqual(counts, { up: whole.length, down: whole.length });
    for (const each of taken) rig.pipes.give(each, true);
  });
}

streamTest(
  "bytes in a pipe of the kernel that nobody took never reach somebody else",
  async (rig) => {
    const { client, server, end } = await rig.piped();
    await rig.flood(client);
    rig.reset(server);
    assert.equal(await end, "upstream_reset");
    const next = await rig.piped();
    // Enough for the next one to need such a pipe.
    const zeros = new Uint8Array(1 << 20);
    const receiving = readBytes(next.server);
    await next.client.write(bytesOf("clean"));
    await next.client.write(zeros.fill(1));
    await next.client.closeWrite();
    assert.ok(Buffer.compare(await receiving, Buffer.concat([bytesOf("clean"), zeros])) === 0);
  },
);

streamTest("a stream without end leaves everybody else a turn", (rig) => {
  let copied = 0;
  let again = 0;
  const end = {
    canRead: true,
    canWrite: true,
    isClosed: false,
    join: () => {},
    leave: () => {},
    readAgain: () => void again++,
    receive: (_into: Uint8Array, length: number) => length,
    receiveInto: (_pipe: number, length: number) => length,
    sendFrom: (_pipe: number, length: number) => (copied += length, length),
    send: (_bytes: Uint8Array, length: number) => (copied += length, length),
  };
  void rig.pipe(end as unknown as Conn, { ...end, canRead: false } as unknown as LinuxConn);
  assert.equal(again, 1);
  assert.ok(copied < 4 << 20, `${copied} bytes in one turn`);
});

streamTest(
  "a side that gets no memory for what it is sent is given up, and so is the other",
  async (rig) => {
    const resets: string[] = [];
    const end = (name: string, canRead: boolean) => ({
      canRead,
      canWrite: true,
      isClosed: false,
      join: () => {},
      leave: () => {},
      receive: () => 10,
      send: () => -ERRNO.ENOBUFS,
      resetOnClose: () => void resets.push(name),
    });
    const pipe = [end("client", true), end("backend", false)] as unknown as [Conn, Conn];
    assert.equal(await rig.pipe(...pipe), "upstream_reset");
    assert.deepEqual(resets, ["client", "backend"]);
  },
);

streamTest("a pipe of what is closed already is over", async (rig) => {
  const [, downstream] = await rig.pair();
  const [upstream] = await rig.pair();
  upstream.close();
  assert.equal(await rig.pipe(downstream, upstream), "closed");
});

streamTest("a connection that somebody reads cannot be piped", async (rig) => {
  const [, downstream] = await rig.pair();
  const [upstream] = await rig.pair();
  const reading = assert.rejects(async () => await upstream.read(new Uint8Array(1)), {
    code: "closed",
  });
  await assert.rejects(rig.pipe(downstream, upstream), TypeError);
  upstream.close();
  await reading;
});

streamTest("no descriptor is left behind, however a pipe ends", async (rig) => {
  const before = openDescriptors();
  for (let i = 0; i < 100; i++) {
    const { client, server, downstream, end } = await rig.piped();
    if (i % 5 === 0) {
      await client.closeWrite();
      await server.closeWrite();
    } else if (i % 5 === 1) {
      rig.reset(client);
    } else if (i % 5 === 2) {
      await rig.flood(client);
      rig.reset(server);
    } else if (i % 5 === 3) {
      await rig.flood(server);
      downstream.close();
    }
    client.close();
    server.close();
    await end;
  }
  rig.pipes.close();
  assert.equal(openDescriptors(), before);
});
