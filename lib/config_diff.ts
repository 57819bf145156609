/**
 * What a reload changes, in words.
 *
 * @module
 */
import type { Config, ListenerConfig, Route } from "./config/config.ts";

/** Changes beyond these are counted. */
const MOST_CHANGES = 8;

/** Says what is different in `after`, from listeners down to keys, on one line. */
export function describeChanges(before: Config, after: Config): string {
  const { listeners: old, ...oldRest } = before;
  const { listeners, ...rest } = after;
  const changes = [
    ...compare(old, listeners, "listener", listenerChanges),
    ...changedKeys(oldRest, rest),
  ];
  if (changes.length === 0) return "nothing to do differently";
  const more = changes.length - MOST_CHANGES;
  return changes.slice(0, MOST_CHANGES).join(", ") + (more > 0 ? ` and ${more} more changes` : "");
}

/** Things with names: which ones came, which went, and what is different in the others. */
function compare<Named extends { readonly name: string }>(
  before: readonly Named[],
  after: readonly Named[],
  noun: string,
  changes: (before: Named, after: Named) => readonly string[],
): readonly string[] {
  const was = new Map(before.map((each) => [each.name, each]));
  const is = new Map(after.map((each) => [each.name, each]));
  const kept = (names: readonly Named[]) =>
    names.map(({ name }) => name).filter((name) => was.has(name) && is.has(name));
  return [
    ...before.filter(({ name }) => !is.has(name)).map(({ name }) => `${noun} ${name} removed`),
    ...after.flatMap((each) => {
      const old = was.get(each.name);
      return old === undefined ? [`${noun} ${each.name} added`] : changes(old, each);
    }),
    ...same(kept(before), kept(after)) ? [] : [`order of ${noun}s changed`],
  ];
}

function listenerChanges(before: ListenerConfig, after: ListenerConfig): readonly string[] {
  const { routes: oldRoutes, ...oldKeys } = before;
  const { routes, ...keys } = after;
  const changes = [
    ...compare(oldRoutes, routes, "route", routeChanges),
    ...changedKeys(oldKeys, keys),
  ];
  return changes.map((change) => `${after.name}: ${change}`);
}

function routeChanges(before: Route, after: Route): readonly string[] {
  return same(before, after) ? [] : [`route ${after.name} changed`];
}

function changedKeys(before: object, after: object): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => !same(old.get(key), now.get(key)))
    .map((key) => `${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} changed`);
}

function same(a: unknown, b: unknown): boolean {
  return fingerprint(a) === fingerprint(b);
}

/** A value as text; equal values have equal texts, since a configuration is made with its keys in one order. */
function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => part instanceof RegExp ? String(part) : part);
}
