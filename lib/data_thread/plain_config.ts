/**
 * A configuration as it crosses from thread to thread. Structured clone carries all of it but its sets of addresses,
 * which go as the networks that they were made of.
 *
 * @module
 */
import { AddressSet } from "../acl.ts";
import { parseCidr } from "../addr.ts";
import type { Config } from "../config/config.ts";

/** A {@linkcode Config} of nothing but plain data. */
export type PlainConfig = Plain<Config>;

type Plain<Value> = Value extends AddressSet ? PlainSet
  : Value extends RegExp | Uint8Array ? Value
  : Value extends object ? { readonly [Key in keyof Value]: Plain<Value[Key]> }
  : Value;

interface PlainSet {
  readonly networksOfSet: readonly string[];
}

/** For a message. */
export function encodeConfig(config: Config): PlainConfig {
  const encoded = convert(
    config,
    (value) => value instanceof AddressSet ? { networksOfSet: value.networks } : undefined,
  );
  return encoded as PlainConfig;
}

/** What {@linkcode encodeConfig} was given; objects that were one are equal ones here. */
export function decodeConfig(plain: PlainConfig): Config {
  const decoded = convert(
    plain,
    (value) => isSet(value) ? new AddressSet(value.networksOfSet.map(parsed)) : undefined,
  );
  return decoded as Config;
}

function isSet(value: object): value is PlainSet {
  return "networksOfSet" in value;
}

function parsed(network: string) {
  const cidr = parseCidr(network);
  if (cidr === undefined) throw new TypeError(`${network} is no network`);
  return cidr;
}

/** A copy in which `replace` has put other objects in the place of some. */
function convert(value: unknown, replace: (object: object) => object | undefined): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof RegExp || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => convert(item, replace));
  return replace(value) ??
    Object.fromEntries(Object.entries(value).map(([key, part]) => [key, convert(part, replace)]));
}
