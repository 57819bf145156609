/**
 * What the schema is made of. Each shape says in its own words what it expected, so that no message is the library's.
 *
 * @module
 */
import * as v from "valibot";
import { isTable, type RawTable } from "./document.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { didYouMean } from "./suggest.ts";
import { describe, notOneOf } from "./values.ts";

/** The longest time that makes sense, ms: a year. */
const LONGEST_DURATION = 8766 * 3_600_000;

/** What is said of a required key. */
export const MISSING = "is missing";

/** A key that may be left out, with what editors show about it. */
export function key<const Shape extends v.GenericSchema>(
  shape: Shape,
  description: string,
  preset?: unknown,
) {
  return v.exactOptional(
    v.pipe(shape, v.metadata({ description, ...preset !== undefined && { default: preset } })),
  );
}

/** A key that a table cannot be without. */
export function requiredKey<const Shape extends v.GenericSchema>(
  shape: Shape,
  description: string,
) {
  return v.pipe(shape, v.metadata({ description }));
}

const anyTable = v.custom<RawTable>(isTable, expected("a table"));

/**
 * A table with these keys and no others.
 * @param elsewhere What to say of a key that belongs to another table.
 */
export function table<const Entries extends v.ObjectEntries>(
  entries: Entries,
  elsewhere: (name: string) => string | undefined = () => undefined,
) {
  return v.pipe(
    anyTable,
    v.looseObject(entries, MISSING),
    v.rawCheck(({ dataset, addIssue }) => {
      const input = dataset.value as RawTable;
      for (const name of Object.keys(input)) {
        if (Object.hasOwn(entries, name)) continue;
        const why = elsewhere(name) ?? `unknown key${didYouMean(name, Object.keys(entries))}`;
        const place = {
          type: "object",
          origin: "key",
          input,
          key: name,
          value: input[name],
        } as const;
        addIssue({ message: why, path: [place] });
      }
    }),
    v.transform((table): v.InferOutput<v.ObjectSchema<Entries, undefined>> => table),
  );
}

/** A table whose keys are names that the operator chose, of the form that `name` takes. */
export function namedTables<const Shape extends v.GenericSchema>(
  shape: Shape,
  name: v.GenericSchema<string, string> = v.string(),
) {
  return v.pipe(
    anyTable,
    v.record(name, shape),
  );
}

export const text = v.string(expected("text in quotes"));

export const yesOrNo = v.boolean(expected("true or false"));

export function wholeNumber(least: number, most: number) {
  const message = expected(`a whole number from ${least} to ${most}`);
  return v.pipe(
    v.number(expected("a number")),
    v.integer(message),
    v.minValue(least, message),
    v.maxValue(most, message),
  );
}

/** A whole number, or a word in its place. */
export function wholeNumberOr<const Word extends string>(word: Word, least: number, most: number) {
  const message = expected(`"${word}" or a whole number from ${least} to ${most}`);
  return v.union([
    v.literal(word),
    v.pipe(v.number(), v.integer(message), v.minValue(least, message), v.maxValue(most, message)),
  ], message);
}

/** A time in ms, written as text with units or as a number of seconds. */
export function duration(least: number) {
  const bounds = `at least ${formatDuration(least)} and at most ${
    formatDuration(LONGEST_DURATION)
  }`;
  const within = (ms: number, written: unknown) => {
    if (ms < least || ms > LONGEST_DURATION) {
      throw new SyntaxError(`expected ${bounds}, got ${describe(written)}`);
    }
    return ms;
  };
  return v.union([
    v.pipe(
      v.number(),
      v.integer(expected("a whole number of seconds")),
      v.minValue(0, expected("a whole number of seconds")),
      reading((seconds: number) => within(seconds * 1000, seconds)),
    ),
    v.pipe(v.string(), reading((written: string) => within(parseDuration(written), written))),
  ], expected('a duration such as "30s" or a number of seconds'));
}

/** One of a closed list of words. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  return v.picklist(
    words,
    ({ input }) =>
      typeof input === "string"
        ? notOneOf(words, input).message
        : expected("text in quotes")({ input }),
  );
}

/** Text that `reader` makes a value of. What it throws as a `SyntaxError` is the message. */
export function read<Value>(reader: (text: string) => Value) {
  return v.pipe(text, reading(reader));
}

function reading<Written, Value>(reader: (written: Written) => Value) {
  return v.rawTransform<Written, Value>(({ dataset, addIssue, NEVER }) => {
    try {
      return reader(dataset.value);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
  });
}

/** A list with at least one item. `hint` says what to do instead of writing an empty one. */
export function list<const Item extends v.GenericSchema>(item: Item, hint: string) {
  return v.pipe(
    v.array(
      item,
      ({ input }) =>
        `${expected("a list")({ input })}${
          typeof input === "string" ? `; write ["${input}"]` : ""
        }`,
    ),
    v.nonEmpty(`expected at least one item: ${hint}`),
  );
}

/** One item, or a list of them. */
export function oneOrMore<const Item extends v.GenericSchema<unknown, string>>(
  item: Item,
  hint: string,
) {
  return v.pipe(
    v.union([item, list(item, hint)], expected("text in quotes or a list")),
    v.transform((given) => [...new Set(typeof given === "string" ? [given] : given)]),
  );
}

/** The message for a value that is of another kind or out of bounds. */
export function expected(what: string): (issue: { readonly input: unknown }) => string {
  return ({ input }) => `expected ${what}, got ${describe(input)}`;
}
