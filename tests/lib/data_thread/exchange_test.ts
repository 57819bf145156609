import assert from "node:assert/strict";
import { type Answers, Exchange, type Saying } from "../../../lib/data_thread/exchange.ts";
import { NetError } from "../../../lib/runtime/runtime.ts";

type Sums = { readonly sum: { readonly about: readonly number[]; readonly answer: number } };
type Names = { readonly name: { readonly about: undefined; readonly answer: string } };

const NAMED: Answers<Names> = { name: () => "left" };

/** Two sides that hear each other at once. */
function setUp(sum: Answers<Sums>["sum"]) {
  const said: Saying[] = [];
  const left = new Exchange<Sums, Names>((saying) => {
    said.push(saying);
    right.hear(structuredClone(saying));
  }, NAMED);
  const right: Exchange<Names, Sums> = new Exchange<Names, Sums>((saying) => {
    said.push(saying);
    left.hear(structuredClone(saying));
  }, { sum });
  return { left, right, said };
}

const total = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

Deno.test("each side asks the other", async () => {
  const { left, right } = setUp(total);
  assert.equal(await left.ask("sum", [1, 2, 3]), 6);
  assert.equal(await right.ask("name", undefined), "left");
});

Deno.test("answers come in any order, each to its question", async () => {
  const answers: Array<(answer: number) => void> = [];
  const { left } = setUp(() => new Promise((resolve) => answers.push(resolve)));
  const asked = [left.ask("sum", [1]), left.ask("sum", [2])];
  answers[1]?.(20);
  answers[0]?.(10);
  assert.deepEqual(await Promise.all(asked), [10, 20]);
});

Deno.test("an answer that is there at once is said before anything else", () => {
  const { left, said } = setUp(total);
  void left.ask("sum", [1]);
  assert.deepEqual(said.map(({ kind }) => kind), ["question", "answer"]);
});

Deno.test("what an answer throws is thrown to who asks, with its code and as the error that it is", async () => {
  const errors = [
    new NetError("in_use", "somebody is there"),
    Object.assign(new Error("no such name"), { code: "ENOTFOUND" }),
    new Error("plain"),
  ];
  for (const error of errors) {
    const throwing = [() => Promise.reject(error), () => {
      throw error;
    }];
    for (const sum of throwing) {
      await assert.rejects(setUp(sum).left.ask("sum", []), (thrown) => {
        assert.ok(thrown instanceof Error);
        assert.equal(thrown instanceof NetError, error instanceof NetError);
        assert.equal(thrown.message, error.message);
        assert.equal(Reflect.get(thrown, "code"), Reflect.get(error, "code"));
        return true;
      });
    }
  }
});

Deno.test("once the other side is gone, what was asked and what will be asked fails", async () => {
  const { left } = setUp(() => new Promise(() => {}));
  const asked = left.ask("sum", []);
  left.end(new Error("it is gone"));
  await assert.rejects(asked, /it is gone/);
  await assert.rejects(left.ask("sum", []), /it is gone/);
});

Deno.test("an answer that nobody waits for is passed over", () => {
  setUp(total).left.hear({ kind: "answer", id: 7, answer: 1 });
});
