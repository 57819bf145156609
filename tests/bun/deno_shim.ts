/**
 * `Deno.test` under `bun test`, for suites that were written for it: the tests of this folder load it first. Nothing else
 * of Deno is here.
 *
 * @module
 */

interface Definition {
  readonly name: string;
  readonly ignore?: boolean;
  readonly fn: Body;
}
type Body = () => void | Promise<void>;

/** That of `bun test`. */
declare const test: {
  (name: string, body: Body, patience: number): void;
  skip(name: string, body: Body): void;
};

/** How long a test may take, ms. */
const PATIENCE = 60_000;

function register(definition: string | Definition, body?: Body): void {
  const { name, ignore, fn } = typeof definition === "string"
    ? { name: definition, ignore: false, fn: body! }
    : definition;
  if (ignore) test.skip(name, fn);
  else test(name, fn, PATIENCE);
}

Object.assign(globalThis, { Deno: { test: register } });
