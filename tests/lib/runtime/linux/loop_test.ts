import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { EPOLLIN } from "../../../../lib/runtime/linux/layout.ts";
import { linuxTest } from "../../../support/linux_net.ts";

linuxTest(
  "timers come in their order, each once, and not before their time",
  async ({ Loop, LoopClock, Poller }) => {
    const poller = new Poller();
    const clock = new LoopClock();
    const loop = new Loop(poller, clock);
    const called: string[] = [];
    const start = performance.now();
    clock.setTimer(() => called.push("third"), 12);
    clock.setTimer(() => called.push("first"), 4);
    clock.setTimer(() => called.push("never"), 5).cancel();
    clock.setTimer(() => called.push("second"), 4);
    const last = Promise.withResolvers<number>();
    clock.setTimer(() => {
      // Who is set while timers are called waits for its own turn.
      clock.setTimer(() => {
        last.resolve(performance.now());
        loop.stop();
      }, 0);
      assert.deepEqual(called, ["first", "second", "third"]);
    }, 20);
    const running = loop.run();
    assert.ok(await last.promise - start >= 20);
    await running;
    assert.equal(clock.untilNext, Infinity);
    poller.end();
  },
);

linuxTest("a clock stands still within a turn", ({ LoopClock }) => {
  const clock = new LoopClock();
  const now = clock.now();
  while (performance.now() < now + 2);
  assert.equal(clock.now(), now);
  clock.refresh();
  assert.ok(clock.now() >= now + 2);
});

linuxTest(
  "after a long wait it is not the time before it for whom the wait ends",
  async ({ libc, Loop, LoopClock, Poller }) => {
    const poller = new Poller();
    const clock = new LoopClock();
    const loop = new Loop(poller, clock);
    const fd = libc.openEvent();
    libc.signalEvent(fd);
    const turn = poller.turn.bind(poller);
    let before = Infinity;
    // As if the turn waited for so long until somebody signalled it.
    poller.turn = (timeout) => {
      before = performance.now() + 20;
      while (performance.now() < before);
      return turn(timeout);
    };
    const seen = Promise.withResolvers<number>();
    const onEvents = () => {
      libc.clearEvent(fd);
      loop.stop();
      seen.resolve(clock.now());
    };
    poller.add(fd, EPOLLIN, { onEvents });
    await loop.run();
    assert.ok(await seen.promise >= before);
    poller.close(fd);
    poller.end();
  },
);

linuxTest(
  "before it blocks, everybody goes on whose promise was resolved in the dispatch",
  async ({ libc, Loop, LoopClock, Poller }) => {
    const poller = new Poller();
    const loop = new Loop(poller, new LoopClock());
    const fd = libc.openEvent();
    const woken = Promise.withResolvers<void>();
    const onEvents = () => {
      libc.clearEvent(fd);
      poller.needsYield = true;
      woken.resolve();
    };
    poller.add(fd, EPOLLIN, { onEvents });
    libc.signalEvent(fd);
    const running = loop.run();
    await woken.promise;
    // If the loop blocked in the middle of this, nothing would ever end it.
    for (let hop = 0; hop < 1000; hop++) await Promise.resolve();
    loop.stop();
    await running;
    poller.close(fd);
    poller.end();
  },
);

linuxTest(
  "while the runtime is awaited it has its turns, though no event comes",
  async ({ Loop, LoopClock, Poller }) => {
    const poller = new Poller();
    const loop = new Loop(poller, new LoopClock());
    const { port1, port2 } = new MessageChannel();
    const message = new Promise<unknown>((resolve) => {
      port2.onmessage = ({ data }) => resolve(data);
    });
    const attended = loop.attend(message).then((data) => {
      loop.stop();
      return data;
    });
    const running = loop.run();
    port1.postMessage("hello");
    assert.equal(await attended, "hello");
    await running;
    port1.close();
    port2.close();
    poller.end();
  },
);

linuxTest(
  "what is awaited of the runtime may fail, and no turn is short for it any more",
  async ({ Loop, LoopClock, Poller }) => {
    const poller = new Poller();
    const clock = new LoopClock();
    const loop = new Loop(poller, clock);
    await assert.rejects(
      loop.attend(Promise.reject(new Error("no such module"))),
      /no such module/,
    );
    let turns = 0;
    const turn = poller.turn.bind(poller);
    poller.turn = (timeout) => {
      turns++;
      return turn(timeout);
    };
    clock.setTimer(() => loop.stop(), 50);
    await loop.run();
    assert.ok(turns < 10, `${turns} turns`);
    poller.end();
  },
);

linuxTest(
  "it goes round the runtime from time to time, though there are always events",
  async ({ libc, Loop, LoopClock, Poller }) => {
    const poller = new Poller();
    const loop = new Loop(poller, new LoopClock());
    const fd = libc.openEvent();
    let events = 0;
    // Level-triggered, and nobody takes the event: it comes in every turn.
    poller.add(fd, EPOLLIN, { onEvents: () => void events++ });
    libc.signalEvent(fd);
    const running = loop.run();
    while (events < 1000) await setImmediate();
    loop.stop();
    await running;
    poller.close(fd);
    poller.end();
  },
);

linuxTest("the plane passes its own test here", ({ selfTest }) => {
  selfTest();
});
