/**
 * A client's socket as it is looked at when its row is over.
 *
 * @module
 */

export interface Wire {
  readonly localPort?: number | undefined;
  readonly bytesWritten: number;
  readonly bytesRead: number;
  destroy(): void;
}
