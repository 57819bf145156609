/**
 * Copying between two connections, both ways at once. This is the hot path of the portable Nets: per chunk it
 * makes no object and awaits nothing but the read and the write.
 *
 * @module
 */
import type { FairShare } from "./fair_share.ts";
import { IdleWatch } from "./idle_watch.ts";
import type { PipeEnd, PipeListener, PipeOptions } from "./runtime/runtime.ts";
import type { Timeouts } from "./timeouts.ts";

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

/** What the pipe needs of its Net. */
export interface PipeParts {
  /** The same one for all pipes. */
  readonly share: FairShare;
  readonly timeouts: Timeouts;
  /** Whether an error of a stream came from its peer; any other one comes of closing it on this side. */
  readonly isReset: (error: unknown) => boolean;
}

/**
 * Copies as `Net.pipe` says. When it is over before both copies have ended, the listener's close ends them.
 */
export function pipe(
  downstream: Stream,
  upstream: Stream,
  { first, counts, idleTimeout }: PipeOptions,
  { share, timeouts, isReset }: PipeParts,
  listener: PipeListener,
): void {
  let live = 2;
  let broken: PipeEnd | undefined;
  let isOver = false;
  const finish = (end: PipeEnd) => {
    if (isOver) return;
    isOver = true;
    idle.cancel();
    listener.onPipeEnd(end);
  };
  const settle = (end: CopyEnd, source: PipeEnd, sink: PipeEnd, to: Stream) => {
    if (end.kind !== "ended" && !isReset(end.error)) return finish("closed");
    if (end.kind === "read_failed") return finish(source);
    // Who stops listening may still be speaking: a server that refuses an upload answers it. So go on reading.
    if (end.kind === "write_failed") broken ??= sink;
    if (--live === 0) return finish(broken ?? "ended");
    // It may be gone already; the other direction will notice.
    to.closeWrite().catch(() => {});
  };
  const idle = new IdleWatch(timeouts, idleTimeout, counts, {
    onIdle: () => finish("idle_timeout"),
  });
  copy(downstream, upstream, counts, "up", first, share)
    .then((end) => settle(end, "downstream_reset", "upstream_reset", upstream));
  copy(upstream, downstream, counts, "down", NOTHING, share)
    .then((end) => settle(end, "upstream_reset", "downstream_reset", downstream));
}

const NOTHING = new Uint8Array(0);

type CopyEnd =
  | { readonly kind: "ended" }
  | { readonly kind: "read_failed" | "write_failed"; readonly error: unknown };

async function copy(
  from: Stream,
  to: Stream,
  counts: PipeOptions["counts"],
  direction: keyof PipeOptions["counts"],
  first: Uint8Array,
  share: FairShare,
): Promise<CopyEnd> {
  let doing: "read_failed" | "write_failed" = "write_failed";
  try {
    for (let at = 0; at < first.length;) at += await to.write(first.subarray(at));
    counts[direction] += first.length;

    let size = 0;
    // The head's buffer is of no more use to anybody, and mostly of the right size.
    let buffer = first.buffer.byteLength === BUFFER_SIZES[0]
      ? new Uint8Array(first.buffer)
      : new Uint8Array(BUFFER_SIZES[0]);
    let smallReads = 0;
    for (;;) {
      doing = "read_failed";
      const length = await from.read(buffer);
      doing = "write_failed";
      if (length === null) break;
      let written = await to.write(length === buffer.length ? buffer : buffer.subarray(0, length));
      while (written < length) written += await to.write(buffer.subarray(written, length));
      counts[direction] += length;
      if (share.isUsedUpBy(length)) await share.turn(length);
      if (length === buffer.length) {
        smallReads = 0;
        if (size < BUFFER_SIZES.length - 1) buffer = new Uint8Array(BUFFER_SIZES[++size]!);
      } else if (size > 0 && length <= BUFFER_SIZES[0] && ++smallReads >= SMALL_READS_TO_SHRINK) {
        smallReads = 0;
        size = 0;
        buffer = new Uint8Array(BUFFER_SIZES[0]);
      }
    }
    return { kind: "ended" };
  } catch (error) {
    return { kind: doing, error };
  }
}
