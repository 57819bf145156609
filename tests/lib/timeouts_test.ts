import assert from "node:assert/strict";
import fc from "fast-check";
import { Timeouts } from "../../lib/timeouts.ts";
import { ManualClock } from "../support/clock.ts";

Deno.test("a timeout comes once, at its time and not before", () => {
  const clock = new ManualClock();
  let calls = 0;
  const timeout = new Timeouts(clock).start(100, () => calls++);
  clock.advance(99);
  assert.deepEqual([calls, timeout.passed], [0, false]);
  clock.advance(1);
  assert.deepEqual([calls, timeout.passed], [1, true]);
  clock.advance(1000);
  assert.equal(calls, 1);
});

Deno.test("a cancelled timeout never comes", () => {
  const clock = new ManualClock();
  let calls = 0;
  const timeout = new Timeouts(clock).start(100, () => calls++);
  timeout.cancel();
  timeout.cancel();
  clock.advance(1000);
  assert.equal(calls, 0);
});

Deno.test("after a time in which nothing could run, what has arrived goes before timeouts", () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const came: string[] = [];
  const answered = timeouts.start(1000, () => came.push("answered"));
  timeouts.start(1000, () => came.push("silent"));
  clock.stall(3000);
  assert.equal(came.length, 0, "no connection was read since");
  answered.cancel();
  clock.advance(500);
  assert.deepEqual(came, ["silent"]);
  timeouts.start(1000, () => came.push("later"));
  clock.advance(1000);
  assert.deepEqual(came, ["silent", "later"], "at its time again");
});

Deno.test("a process that is never on time has timeouts nevertheless", () => {
  const clock = new ManualClock();
  let calls = 0;
  new Timeouts(clock).start(1000, () => calls++);
  for (let stalls = 0; stalls < 20; stalls++) clock.stall(3000);
  assert.equal(calls, 1);
});

Deno.test("any number of timeouts of one length share one timer", () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  for (let i = 0; i < 1000; i++) timeouts.start(50);
  assert.equal(clock.pending, 1);
  timeouts.close();
  assert.equal(clock.pending, 0);
});

Deno.test("a timeout may be started or cancelled while another one comes", () => {
  const clock = new ManualClock();
  const timeouts = new Timeouts(clock);
  const came: string[] = [];
  timeouts.start(10, () => {
    came.push("first");
    second.cancel();
    timeouts.start(10, () => came.push("new"));
  });
  const second = timeouts.start(10, () => came.push("second"));
  timeouts.start(10, () => came.push("third"));
  clock.advance(10);
  assert.deepEqual(came, ["first", "third"]);
  clock.advance(10);
  assert.deepEqual(came, ["first", "third", "new"]);
});

Deno.test("timeouts do what a list of due times does", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("start" as const), ms: fc.constantFrom(5, 20) }),
    fc.record({ do: fc.constant("cancel" as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant("advance" as const), ms: fc.nat(15) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const clock = new ManualClock();
    const timeouts = new Timeouts(clock);
    const model: Array<{ due: number | undefined }> = [];
    const started: Array<ReturnType<Timeouts["start"]>> = [];
    for (const step of steps) {
      switch (step.do) {
        case "start":
          started.push(timeouts.start(step.ms));
          model.push({ due: clock.now() + step.ms });
          break;
        case "cancel": {
          started[step.which]?.cancel();
          const entry = model[step.which];
          if (entry) entry.due = undefined;
          break;
        }
        case "advance":
          clock.advance(step.ms);
          for (const [i, entry] of model.entries()) {
            if (entry.due === undefined || entry.due > clock.now()) continue;
            entry.due = undefined;
            assert.ok(started[i]?.passed);
          }
      }
      for (const [i, { due }] of model.entries()) {
        if (due !== undefined) assert.ok(!started[i]?.passed);
      }
    }
    timeouts.close();
    assert.equal(clock.pending, 0);
  }));
});
