/**
 * Copying between two connections, both ways at once. This is the hot path of the portable Nets: per chunk it
 * makes no object and awaits nothing but the read and the write.
 *
 * @module
 */
import type { ByteCounts, PipeEnd } from "./runtime/runtime.ts";
import type { Timeout } from "./timeouts.ts";

/** What a pipe needs of a connection: Deno's own have it, so none stands between. */
export interface Stream {
  /** As `Conn.read`, without a deadline. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of `bytes` and returns how many. */
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
}

/**
 * Buffer sizes in bytes. A read that fills the buffer gets the next larger one; eight in a row that would have fit
 * the smallest go back to it: an idle connection costs little, a bulk one makes few system calls.
 */
const BUFFER_SIZES = [4096, 32_768, 262_144] as const;
const SMALL_READS_TO_SHRINK = 8;

export interface StreamPipeOptions {
  /** Delivered upstream before anything else. */
  readonly first: Uint8Array;
  readonly counts: ByteCounts;
  /** Restarted by every chunk; the pipe cancels it. */
  readonly idle: Timeout | undefined;
  /** Whether an error of a stream came from its peer; any other one comes of closing it on this side. */
  readonly isReset: (error: unknown) => boolean;
}

/**
 * Copies until both directions have ended, one side has failed, or `idle` passes. Ends the writing sides, closes
 * nothing else, never throws. When it resolves before both copies have ended, the caller's close ends them.
 */
export function pipe(
  downstream: Stream,
  upstream: Stream,
  { first, counts, idle, isReset }: StreamPipeOptions,
): Promise<PipeEnd> {
  return new Promise((resolve) => {
    let live = 2;
    let broken: PipeEnd | undefined;
    const finish = (end: PipeEnd) => {
      idle?.cancel();
      resolve(end);
    };
    const settle = (end: CopyEnd, source: PipeEnd, sink: PipeEnd) => {
      if (end.kind !== "ended" && !isReset(end.error)) return finish("closed");
      if (end.kind === "read_failed") return finish(source);
      // Who stops listening may still be speaking: a server that refuses an upload answers it. So go on reading.
      if (end.kind === "write_failed") broken ??= sink;
      if (--live === 0) finish(broken ?? "ended");
    };
    if (idle !== undefined) idle.onPassed = () => finish("idle_timeout");
    copy(downstream, upstream, counts, "up", idle, first)
      .then((end) => settle(end, "downstream_reset", "upstream_reset"));
    copy(upstream, downstream, counts, "down", idle, NOTHING)
      .then((end) => settle(end, "upstream_reset", "downstream_reset"));
  });
}

const NOTHING = new Uint8Array(0);

type CopyEnd =
  | { readonly kind: "ended" }
  | { readonly kind: "read_failed" | "write_failed"; readonly error: unknown };

async function copy(
  from: Stream,
  to: Stream,
  counts: ByteCounts,
  direction: keyof ByteCounts,
  idle: Timeout | undefined,
  first: Uint8Array,
): Promise<CopyEnd> {
  let size = 0;
  let buffer = new Uint8Array(BUFFER_SIZES[size]!);
  let smallReads = 0;
  let doing: "read_failed" | "write_failed" = "write_failed";
  try {
    for (let at = 0; at < first.length;) at += await to.write(first.subarray(at));
    counts[direction] += first.length;
    for (;;) {
      doing = "read_failed";
      const length = await from.read(buffer);
      doing = "write_failed";
      if (length === null) break;
      idle?.restart();
      let written = await to.write(length === buffer.length ? buffer : buffer.subarray(0, length));
      while (written < length) written += await to.write(buffer.subarray(written, length));
      idle?.restart();
      counts[direction] += length;
      if (length === buffer.length) {
        smallReads = 0;
        if (size < BUFFER_SIZES.length - 1) buffer = new Uint8Array(BUFFER_SIZES[++size]!);
      } else if (size > 0 && length <= BUFFER_SIZES[0] && ++smallReads >= SMALL_READS_TO_SHRINK) {
        smallReads = 0;
        size = 0;
        buffer = new Uint8Array(BUFFER_SIZES[size]!);
      }
    }
    await to.closeWrite();
    return { kind: "ended" };
  } catch (error) {
    return { kind: doing, error };
  }
}
