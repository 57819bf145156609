import { bunProcess } from "../../lib/runtime/bun_process.ts";
import { denoProcess } from "../../lib/runtime/deno_process.ts";
import type { Environment, Output, Process, Signal } from "../../lib/runtime/process.ts";

/** The system's files, as the runtime that the tests run under reads them. */
export const { files } = "Bun" in globalThis ? bunProcess() : denoProcess();

/** Remembers what was written. */
export class MemoryOutput implements Output {
  text = "";
  #waiting: Array<{ pattern: RegExp; resolve: (match: RegExpMatchArray) => void }> = [];

  constructor(readonly isTerminal = false) {}

  write = (text: string): Promise<void> => {
    this.text += text;
    this.#waiting = this.#waiting.filter(({ pattern, resolve }) => {
      const match = this.text.match(pattern);
      if (match !== null) resolve(match);
      return match === null;
    });
    return Promise.resolve();
  };

  /** Resolves when what was written so far matches. */
  until(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve) => {
      this.#waiting.push({ pattern, resolve });
      void this.write("");
    });
  }
}

/** A process whose signals the test sends; its files are real. */
export class MemoryProcess implements Process {
  readonly stdout: MemoryOutput;
  readonly stderr: MemoryOutput;
  readonly files = files;
  readonly #callbacks = new Map<Signal, Set<() => void>>();

  constructor(readonly args: readonly string[], readonly env: Environment = {}, terminal = false) {
    this.stdout = new MemoryOutput(terminal);
    this.stderr = new MemoryOutput(terminal);
  }

  onSignal(signal: Signal, callback: () => void): () => void {
    let callbacks = this.#callbacks.get(signal);
    if (callbacks === undefined) this.#callbacks.set(signal, callbacks = new Set());
    callbacks.add(callback);
    return () => callbacks.delete(callback);
  }

  /** Whether anything hears `signal`; the system would end the process otherwise. */
  hears(signal: Signal): boolean {
    return (this.#callbacks.get(signal)?.size ?? 0) > 0;
  }

  send(signal: Signal): void {
    for (const callback of this.#callbacks.get(signal) ?? []) callback();
  }
}
