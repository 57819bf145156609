/**
 * Questions and answers between two threads, over a way that carries messages in their order.
 *
 * @module
 */
import { NetError, type NetErrorCode } from "../runtime/runtime.ts";

/** What one side asks: by the name of a question what it is about, and what the answer is. */
export type Questions = Readonly<
  Record<string, { readonly about: unknown; readonly answer: unknown }>
>;

/** A question, or what became of one. */
export type Saying =
  | {
    readonly kind: "question";
    readonly id: number;
    readonly question: string;
    readonly about: unknown;
  }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly error: PlainError };

/** Who answers; what is thrown is the other side's failure. */
export type Answers<Answered extends Questions> = {
  readonly [Question in keyof Answered]: (
    about: Answered[Question]["about"],
  ) => Answered[Question]["answer"] | Promise<Answered[Question]["answer"]>;
};

/** One side: it asks what is `Asked`, and is asked what is `Answered`. */
export class Exchange<Asked extends Questions, Answered extends Questions> {
  readonly #say: (saying: Saying) => void;
  readonly #answers: Answers<Answered>;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #ended: Error | undefined;

  /** @param say Sends to the other side's {@linkcode hear}. */
  constructor(say: (saying: Saying) => void, answers: Answers<Answered>) {
    this.#say = say;
    this.#answers = answers;
  }

  /**
   * Asks the other side.
   * @throws {Error} What its answer has thrown; or why there will be none.
   */
  async ask<Question extends keyof Asked & string>(
    question: Question,
    about: Asked[Question]["about"],
  ): Promise<Asked[Question]["answer"]> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#open.set(id, answer);
    this.#say({ kind: "question", id, question, about });
    return await answer.promise;
  }

  /** Takes what the other side says. */
  hear(saying: Saying): void {
    if (saying.kind === "question") return this.#answer(saying.id, saying.question, saying.about);
    const open = this.#open.get(saying.id);
    this.#open.delete(saying.id);
    if (saying.kind === "answer") open?.resolve(saying.answer);
    else open?.reject(decodeError(saying.error));
  }

  /** The other side is gone: nothing is answered any more. */
  end(why: Error): void {
    this.#ended = why;
    for (const { reject } of this.#open.values()) reject(why);
    this.#open.clear();
  }

  /** An answer that is there at once is sent at once: nothing comes between the two. */
  #answer(id: number, question: string, about: unknown): void {
    const reply = (answer: unknown) => this.#say({ kind: "answer", id, answer });
    const fail = (error: unknown) => this.#say({ kind: "failure", id, error: encodeError(error) });
    try {
      const answer = this.#answers[question]!(about);
      if (answer instanceof Promise) answer.then(reply).catch(fail);
      else reply(answer);
    } catch (error) {
      fail(error);
    }
  }
}

/** What is kept of an error. */
interface PlainError {
  readonly message: string;
  readonly code?: string;
  readonly isNetError: boolean;
}

function encodeError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { message: String(error), isNetError: false };
  const { message } = error;
  const code = "code" in error && { code: String(error.code) };
  return { message, ...code, isNetError: error instanceof NetError };
}

function decodeError({ message, code, isNetError }: PlainError): Error {
  if (isNetError) return new NetError(code as NetErrorCode, message);
  return Object.assign(new Error(message), code !== undefined && { code });
}
