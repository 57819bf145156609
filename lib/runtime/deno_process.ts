/**
 * The process as Deno shows it.
 *
 * @module
 */
import type { Files, Output, Process, Signal } from "./process.ts";

/** This process. */
export function denoProcess(): Process {
  return {
    args: Deno.args,
    env: Deno.env.toObject(),
    stdout: output(Deno.stdout),
    stderr: output(Deno.stderr),
    files,
    onSignal(signal: Signal, callback: () => void) {
      Deno.addSignalListener(signal, callback);
      return () => Deno.removeSignalListener(signal, callback);
    },
    sendLocal,
  };
}

const files: Files = {
  async stat(path) {
    const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
    return { size, version: [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ") };
  },
  readText: (path) => Deno.readTextFile(path),
};

async function sendLocal(to: string, text: string): Promise<void> {
  // Deno sends from sockets that have a name only; this one is in no directory, so it needs no place to be written to.
  const path = `\0sluice-${crypto.randomUUID()}`;
  const socket = Deno.listenDatagram({ transport: "unixpacket", path });
  try {
    const receiver = { transport: "unixpacket", path: to.replace(/^@/, "\0") } as const;
    await socket.send(new TextEncoder().encode(text), receiver);
  } finally {
    socket.close();
  }
}

/** Deno's own `write`, because those of `node:process` and `node:fs` stop every connection when the reader is slow. */
function output(
  stream: { isTerminal(): boolean; write(bytes: Uint8Array): Promise<number> },
): Output {
  const encoder = new TextEncoder();
  const isTerminal = stream.isTerminal();
  return {
    isTerminal,
    get columns() {
      try {
        return isTerminal ? Deno.consoleSize().columns : undefined;
      } catch {
        // It has been closed.
        return undefined;
      }
    },
    async write(text) {
      let bytes = encoder.encode(text);
      while (bytes.length > 0) bytes = bytes.subarray(await stream.write(bytes));
    },
  };
}
