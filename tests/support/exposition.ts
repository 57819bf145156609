import assert from "node:assert/strict";

/** A metric of the text format, with its samples by name and labels as they are written. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/y;
const NUMBER = /^(?:[+-]?Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/;

/**
 * Reads Prometheus's text format, version 0.0.4, and refuses what it only tolerates: metrics without help or type,
 * samples out of their group, one twice, a histogram whose buckets do not add up.
 */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith("\n"), "the last line has no end");
  const families = new Map<string, Family & { samples: Map<string, number> }>();
  let current: [name: string, Family & { samples: Map<string, number> }] | undefined;
  let help: [name: string, text: string] | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const [, kind, about = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      assert.match(about, NAME);
      assert.ok(!families.has(about), `${about} twice`);
      help = [about, rest];
    } else if (kind === "TYPE") {
      assert.equal(help?.[0], about, `no help before the type of ${about}`);
      assert.ok(["counter", "gauge", "histogram"].includes(rest), line);
      assert.equal(about.endsWith("_total"), rest === "counter", `${about} is a ${rest}`);
      current = [about, { type: rest, help: help![1], samples: new Map() }];
      families.set(...current);
    } else {
      assert.ok(current, `a sample without a type: ${line}`);
      const [name, family] = current;
      const [series, value] = parseSample(line);
      const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      const own = suffixes.map((suffix) => name + suffix);
      assert.ok(own.includes(series.replace(/\{.*/s, "")), `${series} among the ${name}`);
      assert.ok(!family.samples.has(series), `${series} twice`);
      if (family.type !== "gauge") assert.ok(value >= 0, line);
      family.samples.set(series, value);
    }
  }
  for (const [name, family] of families) {
    if (family.type === "histogram") checkHistogram(name, family);
  }
  return families;
}

/** The value of a sample, by its name and labels as they are written. */
export function valueOf(families: ReadonlyMap<string, Family>, series: string): number {
  const name = series.replace(/\{.*/s, "");
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
  const value = family?.samples.get(series);
  assert.ok(value !== undefined, `no ${series} in ${[...family?.samples.keys() ?? []].join("\n")}`);
  return value;
}

function parseSample(line: string): [series: string, value: number] {
  const name = /^[a-zA-Z0-9_:]+/.exec(line)?.[0] ?? "";
  assert.match(name, NAME, line);
  let at = name.length;
  if (line[at] === "{") {
    const seen = new Set<string>();
    do {
      LABEL.lastIndex = at + 1;
      const label = LABEL.exec(line);
      assert.ok(label, `no label at ${at + 1} of ${line}`);
      assert.ok(!seen.has(label[1]!), line);
      seen.add(label[1]!);
      at = LABEL.lastIndex;
    } while (line[at] === ",");
    assert.equal(line[at++], "}", line);
  }
  const value = line.slice(at + 1);
  assert.equal(line[at], " ", line);
  assert.match(value, NUMBER, line);
  return [line.slice(0, at), Number(value.replace("Inf", "Infinity"))];
}

/** Of each set of labels the buckets rise to a last one without bound, which is the count. */
function checkHistogram(name: string, { samples }: Family): void {
  const buckets = new Map<string, Array<readonly [bound: number, count: number]>>();
  for (const [series, count] of samples) {
    const bound = /^\w+_bucket\{le="([^"]+)",?(.*)\}$/s.exec(series);
    if (bound === null) continue;
    const key = bound[2]! === "" ? "" : `{${bound[2]}}`;
    const of = buckets.get(key) ?? [];
    buckets.set(key, of);
    of.push([Number(bound[1]!.replace("Inf", "Infinity")), count]);
  }
  for (const [labels, of] of buckets) {
    of.forEach(([bound, count], i) => {
      const before = of[i - 1];
      assert.ok(
        before === undefined || before[0] < bound && before[1] <= count,
        `${name}${labels}`,
      );
    });
    assert.equal(of.at(-1)?.[0], Infinity, `${name}${labels} has no last bucket`);
    assert.equal(samples.get(`${name}_count${labels}`), of.at(-1)?.[1], `${name}${labels}`);
    assert.ok(samples.has(`${name}_sum${labels}`), `${name}${labels} has no sum`);
  }
}
