/**
 * What is not shown before somebody asks for it: credentials.
 *
 * @module
 */
import type { Field } from "../http/fields.ts";

/** What stands in place of a credential. */
export const REDACTED = "••••••••";

const FIELDS = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  "x-amz-security-token",
  "x-csrf-token",
]);
/** Names of fields and of parameters of a query that say of themselves what they are. */
const TELLING =
  /(?:token|secret|passw(?:or)?d|api-?key|auth-?key|access-?key|signature|session-?id)$/i;

/** A field as it is shown. Of a scheme, and of the name of a cookie, anybody may know. */
export function redactedField([name, value]: Field): Field {
  const lower = name.toLowerCase().replaceAll("_", "-");
  if (!FIELDS.has(lower) && !TELLING.test(lower)) return [name, value];
  switch (lower) {
    case "authorization":
    case "proxy-authorization":
      return [name, value.replace(/^([A-Za-z]+ )?[^]*$/, `$1${REDACTED}`)];
    case "cookie":
      return [name, value.split(";").map(redactedPair).join(";")];
    case "set-cookie": {
      const [cookie = "", ...attributes] = value.split(";");
      return [name, [redactedPair(cookie), ...attributes].join(";")];
    }
    default:
      return [name, REDACTED];
  }
}

function redactedPair(pair: string): string {
  const equals = pair.indexOf("=");
  return equals < 0 ? REDACTED : `${pair.slice(0, equals + 1)}${REDACTED}`;
}

/** A target as it is shown. */
export function redactedTarget(target: string): string {
  const [, path = "", query] = /^([^?]*)(?:\?([^]*))?$/.exec(target) ?? [];
  if (query === undefined) return target;
  const parameters = query.split("&").map((parameter) => {
    const [name = ""] = parameter.split("=");
    const isTelling = TELLING.test(name.replaceAll("_", "-")) && name !== parameter;
    return isTelling ? `${name}=${REDACTED}` : parameter;
  });
  return `${path}?${parameters.join("&")}`;
}
