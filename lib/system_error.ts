/**
 * Why the system refused, in words for people.
 *
 * @module
 */

/** What the system says, without its code, the name of the call and the path, which the caller names better. */
export function systemReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = "code" in error ? REASONS[String(error.code)] : undefined;
  return known ?? error.message.replace(/^E[A-Z]+: |, [a-z]+( '.*)?$| \(os error \d+\).*$/g, "");
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EAI_AGAIN: "no answer from the name servers",
  EISDIR: "it is a directory",
  ELOOP: "its symbolic links lead nowhere",
  ENOENT: "no such file or directory",
  // Deno says the same of both.
  ENOTFOUND: "no such name, or no answer from the name servers",
  ENOTDIR: "a part of the path is no directory",
  EROFS: "the file system is read-only",
};
