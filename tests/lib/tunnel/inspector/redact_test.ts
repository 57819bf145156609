import assert from "node:assert/strict";
import {
  REDACTED,
  redactedField,
  redactedTarget,
} from "../../../../lib/tunnel/inspector/redact.ts";

Deno.test("credentials are hidden, and nothing else", () => {
  const fields: ReadonlyArray<readonly [name: string, value: string, shown: string]> = [
    ["Authorization", "Bearer abc.def", `Bearer ${REDACTED}`],
    ["authorization", "abc", REDACTED],
    ["Proxy-Authorization", "Basic YTpi", `Basic ${REDACTED}`],
    ["Authorization", "Digest username=a, response=b", `Digest ${REDACTED}`],
    ["Cookie", "a=1; b=2=3; c", `a=${REDACTED}; b=${REDACTED};${REDACTED}`],
    ["Set-Cookie", "sid=1; Path=/; Secure", `sid=${REDACTED}; Path=/; Secure`],
    ["X-Api-Key", "abc", REDACTED],
    ["X_API_KEY", "abc", REDACTED],
    ["X-Auth-Token", "abc", REDACTED],
    ["X-CSRF-Token", "abc", REDACTED],
    ["X-Hub-Signature", "abc", REDACTED],
    ["X-Client-Secret", "abc", REDACTED],
    ["Accept", "a/b", "a/b"],
    ["Tokens-Left", "3", "3"],
    ["Cookies", "3", "3"],
  ];
  for (const [name, value, shown] of fields) {
    assert.deepEqual(redactedField([name, value]), [name, shown]);
  }
});

Deno.test("so they are in a query", () => {
  const targets: Readonly<Record<string, string>> = {
    "/a": "/a",
    "/token=1": "/token=1",
    "/a?b=c&access_token=d&e": `/a?b=c&access_token=${REDACTED}&e`,
    "/a?password=x?y=z": `/a?password=${REDACTED}`,
    "/a?api_key=": `/a?api_key=${REDACTED}`,
    "/a?token": "/a?token",
    "/a?page=2&tokens=3": "/a?page=2&tokens=3",
  };
  for (const [target, shown] of Object.entries(targets)) {
    assert.equal(redactedTarget(target), shown);
  }
});
