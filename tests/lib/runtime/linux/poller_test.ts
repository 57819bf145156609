import assert from "node:assert/strict";
import { EPOLLIN, EPOLLOUT, ERRNO } from "../../../../lib/runtime/linux/layout.ts";
import { type LinuxModules, linuxTest } from "../../../support/linux_net.ts";

/** A poller, and descriptors that are readable when the test says so. */
class Rig {
  readonly poller;
  /** What was told, in turn: to whom, and its events. */
  readonly told: Array<readonly [string, number]> = [];
  readonly #libc;

  constructor({ Poller, libc }: LinuxModules) {
    this.poller = new Poller();
    this.#libc = libc;
  }

  descriptor(): number {
    const fd = this.#libc.openEvent();
    assert.ok(fd >= 0);
    return fd;
  }

  handler(name: string, andThen?: () => void) {
    return {
      onEvents: (events: number) => {
        this.told.push([name, events]);
        andThen?.();
      },
    };
  }

  makeReadable(...fds: number[]): void {
    for (const fd of fds) this.#libc.signalEvent(fd);
  }
}

function test(sentence: string, body: (rig: Rig) => void): void {
  linuxTest(sentence, (modules) => {
    const rig = new Rig(modules);
    body(rig);
    assert.equal(rig.poller.watched, 0, "every test closes what it watches");
    rig.poller.end();
  });
}

test("events go to who watches the descriptor, with what it watches for", (rig) => {
  const { poller } = rig;
  const [a, b] = [rig.descriptor(), rig.descriptor()];
  poller.add(a, EPOLLIN, rig.handler("a"));
  poller.add(b, EPOLLIN | EPOLLOUT, rig.handler("b"));
  assert.equal(poller.watched, 2);
  assert.equal(poller.turn(0), 1);
  assert.deepEqual(rig.told.splice(0), [["b", EPOLLOUT]]);
  rig.makeReadable(a);
  assert.equal(poller.turn(Infinity), 2);
  assert.deepEqual(rig.told.toSorted(), [["a", EPOLLIN], ["b", EPOLLOUT]]);
  poller.close(a);
  poller.close(b);
});

test("who is not watched any more hears nothing, though it was ready", (rig) => {
  const { poller } = rig;
  const fd = rig.descriptor();
  poller.add(fd, EPOLLIN, rig.handler("a"));
  rig.makeReadable(fd);
  poller.remove(fd);
  poller.remove(fd);
  assert.equal(poller.turn(0), 0);
  poller.add(fd, EPOLLIN, rig.handler("again"));
  assert.equal(poller.turn(0), 1);
  assert.deepEqual(rig.told, [["again", EPOLLIN]]);
  poller.close(fd);
});

test("an event of a descriptor that was closed in the same batch finds nobody, not its number's next owner", (rig) => {
  const { poller } = rig;
  const fds = [rig.descriptor(), rig.descriptor()];
  let isFirst = true;
  const closeTheOther = (own: number) => () => {
    if (!isFirst) return;
    isFirst = false;
    const other = fds.find((fd) => fd !== own)!;
    poller.close(other);
    // The kernel gives the lowest number that is free.
    const next = rig.descriptor();
    assert.equal(next, other);
    poller.add(next, EPOLLIN, rig.handler("next owner"));
  };
  for (const fd of fds) poller.add(fd, EPOLLIN, rig.handler("owner", closeTheOther(fd)));
  rig.makeReadable(...fds);
  assert.equal(poller.turn(0), 2);
  assert.deepEqual(rig.told, [["owner", EPOLLIN]]);
  for (const fd of fds) poller.close(fd);
});

test("who had to stop is called again in the next turn, which does not wait", (rig) => {
  const { poller } = rig;
  const fd = rig.descriptor();
  let calls = 0;
  poller.add(fd, EPOLLIN, rig.handler("a", () => ++calls < 3 && poller.again(fd, EPOLLIN)));
  poller.again(fd, EPOLLOUT);
  assert.ok(poller.hasWork);
  for (let turn = 1; turn <= 3; turn++) {
    assert.equal(poller.turn(Infinity), 1);
    assert.equal(calls, turn);
  }
  assert.ok(!poller.hasWork);
  assert.deepEqual(rig.told[0], ["a", EPOLLOUT]);
  poller.close(fd);
});

test("who is closed before it is called again is not called", (rig) => {
  const { poller } = rig;
  const fd = rig.descriptor();
  poller.add(fd, EPOLLIN, rig.handler("a"));
  poller.again(fd, EPOLLIN);
  poller.close(fd);
  assert.equal(rig.descriptor(), fd);
  poller.add(fd, EPOLLIN, rig.handler("next owner"));
  poller.turn(0);
  assert.deepEqual(rig.told, []);
  poller.close(fd);
});

test("a descriptor changes hands without an event being lost", (rig) => {
  const { poller } = rig;
  const fd = rig.descriptor();
  poller.add(fd, EPOLLIN, rig.handler("old"));
  rig.makeReadable(fd);
  poller.handOver(fd, rig.handler("new"));
  poller.turn(0);
  assert.deepEqual(rig.told, [["new", EPOLLIN]]);
  poller.close(fd);
});

test("what is left for the end of a batch is done once, before the next wait", (rig) => {
  const { poller } = rig;
  const fd = rig.descriptor();
  const done: string[] = [];
  poller.add(fd, EPOLLIN, rig.handler("a", () => poller.soon(() => done.push("in the batch"))));
  rig.makeReadable(fd);
  poller.turn(0);
  assert.deepEqual(done, ["in the batch"]);
  poller.remove(fd);
  poller.soon(() => done.push("between two turns"));
  assert.equal(poller.turn(Infinity), 0);
  assert.deepEqual(done, ["in the batch", "between two turns"]);
  poller.close(fd);
});

linuxTest("a thousand descriptors are told apart", (modules) => {
  const rig = new Rig(modules);
  const fds = Array.from({ length: 1100 }, () => rig.descriptor());
  for (const fd of fds) rig.poller.add(fd, EPOLLIN, rig.handler(`${fd}`));
  rig.makeReadable(...fds.filter((_, i) => i % 2 === 0));
  for (let i = 0; i < 10; i++) rig.poller.turn(0);
  const told = new Set(rig.told.map(([name]) => Number(name)));
  assert.deepEqual(told, new Set(fds.filter((_, i) => i % 2 === 0)));
  for (const fd of fds) rig.poller.close(fd);
  rig.poller.end();
});

linuxTest("what the kernel refuses to watch is said so", ({ Poller, libc }) => {
  const poller = new Poller();
  const fd = libc.openEvent();
  libc.close(fd);
  assert.throws(() => poller.add(fd, EPOLLIN, { onEvents: () => {} }), { code: "other" });
  assert.equal(libc.close(fd), -ERRNO.EBADF);
  assert.equal(poller.watched, 0);
  poller.end();
});
