/** The access log of a data thread, as a test reads it. */
import type { AccessBatch } from "../../lib/log.ts";

/** What a line in JSON says, as far as tests look. */
export interface AccessLine {
  readonly id: number;
  readonly client: string;
  readonly bytes_up: number;
  readonly bytes_down: number;
  readonly reason: string;
  readonly server_name?: string;
}

/** The lines of a batch in JSON. */
export function accessLines({ lines, count }: Pick<AccessBatch, "lines" | "count">): AccessLine[] {
  const all = lines.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  if (all.length !== count) throw new Error(`${count} lines are ${all.length}`);
  return all;
}
