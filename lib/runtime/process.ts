/**
 * The seam to the process that sluice runs as: what it reads and where it writes, what it was told, which signals reach it.
 *
 * @module
 */

export interface Process {
  /** The arguments, without those of the runtime. */
  readonly args: readonly string[];
  readonly env: Environment;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly files: Files;

  /** Calls `callback` at every `signal`, which then no longer ends the process, until the returned function is called. */
  onSignal(signal: Signal, callback: () => void): () => void;

  /**
   * Sends one datagram to a socket of this machine (AF_UNIX); missing where the runtime has no such sockets.
   * @param to A path, or `@` before a name that is in no directory (Linux).
   * @throws {Error} If nobody listens there, or it is not allowed.
   */
  sendLocal?(to: string, text: string): Promise<void>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The files of the system, which are read by the runtime's own ways: to load `node:fs` takes as long as to start. */
export interface Files {
  /**
   * What the file is now, or what a symbolic link leads to.
   * @throws {Error} With the system's `code`.
   */
  stat(path: string): Promise<FileState>;

  /** @throws {Error} With the system's `code`. */
  readText(path: string): Promise<string>;
}

export interface FileState {
  /** Bytes. */
  readonly size: number;
  /** Another one when the file has been changed, or another is in its place. */
  readonly version: string;
}

/** SIGUSR1 is not among them: the runtime opens its inspector on it. */
export type Signal = "SIGHUP" | "SIGINT" | "SIGTERM";

export interface Output {
  readonly isTerminal: boolean;
  /** How many characters wide the terminal is at this moment, where that is known. */
  readonly columns?: number | undefined;

  /**
   * Writes all of `text` without holding up anything else, however slow the reader is. One write at a time.
   * @throws {Error} If the reader is gone or the disk is full.
   */
  write(text: string): Promise<void>;
}

/** Whether what is written there may be coloured: on a terminal that can, unless its user wants none (no-color.org). */
export function takesColour({ isTerminal }: Output, env: Environment): boolean {
  return isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
