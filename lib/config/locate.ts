/**
 * From what is wrong with a file to where it stands.
 *
 * @module
 */
import type { Document } from "./document.ts";
import { byPosition, type Finding, formatPath, formatProblem, type Problem } from "./problem.ts";

/**
 * What was found, with the places where it stands, each once and in the order of the file.
 * @param sources By key of the top level, where else than in the file its value comes from.
 */
export async function locate(
  findings: readonly Finding[],
  document: Document,
  file: string,
  sources: ReadonlyMap<string, string> = new Map(),
): Promise<readonly Problem[]> {
  const outside = ({ path }: Finding) => sources.get(String(path[0]));
  const locator = findings.every(outside) ? undefined : await document.positions();
  const problems = new Map<string, Problem>();
  for (const finding of findings) {
    const { path, about, message } = finding;
    const source = outside(finding);
    const position = source === undefined ? locator?.(path, about) : undefined;
    const problem: Problem = {
      source: source ?? file,
      ...position && { position },
      ...path.length > 0 && { key: formatPath(path) },
      message,
    };
    problems.set(formatProblem(problem), problem);
  }
  return [...problems.values()].sort(byPosition);
}
