/**
 * Pipes of the kernel, through which bytes go from socket to socket without being copied.
 *
 * @module
 */
import { F_GETPIPE_SZ, F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK } from "./layout.ts";
import { close, fcntl, pipe } from "./libc.ts";

/** What a pipe holds, bytes: as much as anybody may have (`fs.pipe-max-size`). */
export const PIPE_SIZE = 1024 * 1024;
/** Users who have many of them get such as hold next to nothing: then copying is better. */
const LEAST_SIZE = 64 * 1024;
/** Most at once, which bounds the memory of the kernel in them. */
const MOST = 64;
/** Most that are kept for the next one who needs one. */
const MOST_KEPT = 16;

export interface KernelPipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

const ends = new Int32Array(2);

/** The pipes of a thread. */
export class KernelPipes {
  /** Empty ones. */
  readonly #kept: KernelPipe[] = [];
  #lent = 0;

  /** An empty pipe, if one can be had. */
  take(): KernelPipe | undefined {
    if (this.#lent >= MOST) return undefined;
    const taken = this.#kept.pop() ?? open();
    if (taken !== undefined) this.#lent++;
    return taken;
  }

  /** Takes one back. */
  give(back: KernelPipe, isEmpty: boolean): void {
    this.#lent--;
    if (isEmpty && this.#kept.length < MOST_KEPT) this.#kept.push(back);
    else closeBoth(back);
  }

  /** Closes those that nobody has. */
  close(): void {
    for (const kept of this.#kept.splice(0)) closeBoth(kept);
  }
}

function open(): KernelPipe | undefined {
  if (pipe(ends, O_NONBLOCK | O_CLOEXEC) < 0) return undefined;
  const opened = { readEnd: ends[0]!, writeEnd: ends[1]! };
  // Where so large a one is not granted, it stays as large as it is.
  if (fcntl(opened.writeEnd, F_SETPIPE_SZ, PIPE_SIZE) >= 0) return opened;
  if (fcntl(opened.writeEnd, F_GETPIPE_SZ, 0) >= LEAST_SIZE) return opened;
  closeBoth(opened);
  return undefined;
}

function closeBoth({ readEnd, writeEnd }: KernelPipe): void {
  close(readEnd);
  close(writeEnd);
}
