/**
 * The log of the demo's proxy, kept for those who wait for a line of it.
 *
 * @module
 */
import type { ConnectionRecord } from "../access_log.ts";
import type { Log } from "../log.ts";

type Transport = ConnectionRecord["transport"];

export class Journal implements Log {
  /** Who waits for the record of a connection, by the client's port of a transport. */
  readonly #waiting = new Map<string, (record: ConnectionRecord) => void>();
  #waitsForLine: ((text: string) => void) | undefined;
  #onRecord: ((record: ConnectionRecord) => void) | undefined;
  readonly #onLine: (text: string) => void;

  /** @param onLine Gets the proxy's own lines for which nobody waits. */
  constructor(onLine: (text: string) => void) {
    this.#onLine = onLine;
  }

  /** The record of the connection that a client has from this port of its own; to be asked for before it ends. */
  recordOf(transport: Transport, port: number): Promise<ConnectionRecord> {
    return new Promise((resolve) => this.#waiting.set(`${transport} ${port}`, resolve));
  }

  /** The next of the proxy's own lines. */
  nextLine(): Promise<string> {
    return new Promise((resolve) => this.#waitsForLine = resolve);
  }

  /** Gives `onRecord` the records for which nobody waits. */
  follow(onRecord: (record: ConnectionRecord) => void): void {
    this.#onRecord = onRecord;
  }

  access(record: ConnectionRecord): void {
    const key = `${record.transport} ${record.client.port}`;
    const resolve = this.#waiting.get(key) ?? this.#onRecord;
    this.#waiting.delete(key);
    resolve?.(record);
  }

  debug(): void {}

  info(message: string): void {
    const resolve = this.#waitsForLine ?? this.#onLine;
    this.#waitsForLine = undefined;
    resolve(message);
  }

  warning(message: string): void {
    this.info(message);
  }

  error(message: string): void {
    this.info(message);
  }
}
