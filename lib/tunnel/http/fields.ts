/**
 * Header fields (RFC 9110 §5).
 *
 * @module
 */

/** A field as it was sent, one character a byte; its value without the white space around it. */
export type Field = readonly [name: string, value: string];

/** The values of all fields of a name, which is given in lower case. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(([each]) => each.length === name.length && each.toLowerCase() === name)
    .map(([, value]) => value);
}

/** The value of the only field of a name; the first one, if there are several. */
export function valueOf(fields: readonly Field[], name: string): string | undefined {
  return valuesOf(fields, name)[0];
}

/** The members of a list (RFC 9110 §5.6.1) that all fields of a name make up together, empty ones left out. */
export function listOf(fields: readonly Field[], name: string): string[] {
  return valuesOf(fields, name).flatMap((value) => value.split(","))
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, "")).filter((member) => member !== "");
}
