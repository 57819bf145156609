/**
 * Names of endpoints: which there can be, who may claim which, and those that the edge makes up.
 *
 * @module
 */
import { ADJECTIVES, NOUNS } from "./words.ts";

/** Whether `name` is a label of DNS in lower case. */
export function isName(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
}

/** Whether one of `patterns`, in which `*` stands for any characters, is for `name`. */
export function mayClaim(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => fits(pattern.split("*"), name));
}

/** Whether `name` begins and ends as the pattern does, and has the parts between in their order. No part is tried twice. */
function fits([first = "", ...rest]: readonly string[], name: string): boolean {
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

/** After so many names that are taken, longer ones are tried; after as many of those there is none. */
const MOST_TRIES = 20;

/**
 * A free name: two words, and a number where two words do not do.
 * @param random Numbers in [0, 1).
 */
export function freeName(
  isFree: (name: string) => boolean,
  random: () => number,
): string | undefined {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)]!;
  for (let tries = 0; tries < 2 * MOST_TRIES; tries++) {
    const number = tries < MOST_TRIES ? "" : `-${1000 + Math.floor(random() * 9000)}`;
    const name = `${pick(ADJECTIVES)}-${pick(NOUNS)}${number}`;
    if (isFree(name)) return name;
  }
  return undefined;
}

/** Whether a name is one that {@linkcode freeName} could have given. */
export function isFreeName(name: string): boolean {
  const [, adjective = "", noun = ""] = /^([a-z]+)-([a-z]+)(?:-[1-9]\d{3})?$/.exec(name) ?? [];
  return ADJECTIVES.includes(adjective) && NOUNS.includes(noun);
}

/** The name of an endpoint in the name that a visitor asked for; `undefined` if that is not right below `domain`. */
export function nameBelow(domain: string, asked: string): string | undefined {
  if (!asked.endsWith(`.${domain}`)) return undefined;
  const name = asked.slice(0, -domain.length - 1);
  return isName(name) ? name : undefined;
}
