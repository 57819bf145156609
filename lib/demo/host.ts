/**
 * Where the backends of the demo are, and how they say who they are.
 *
 * @module
 */

export const HOST = "127.0.0.1";

/** What the backend `name` answers where its protocol leaves that to it. */
export function greeting(name: string): string {
  return `hello from ${name}\n`;
}
