/**
 * The JSON Schema of the configuration file, for editors. Loaded by the command that prints it, and by nothing else.
 *
 * @module
 */
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import { fileSchema } from "./schema.ts";

/** Makes the schema (draft 7). Values may also name variables, which it does not know where a number is expected. */
export function configJsonSchema(): JsonSchema {
  const schema = toJsonSchema(fileSchema, {
    // What it cannot express, such as "must be host:port", is left out of it.
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema, jsonSchema }) =>
      valibotSchema.type === "loose_object"
        ? { ...jsonSchema, additionalProperties: false }
        : undefined,
  });
  return { ...schema, title: "sluice configuration" };
}
