/**
 * Where sluice's own lines and the access log go.
 *
 * @module
 */
import type { ConnectionRecord } from "./access_log.ts";

/** What the rest of sluice sees of its log. */
export interface Log {
  /** A connection has ended. */
  access(record: ConnectionRecord): void;
  debug(message: string, properties?: LogProperties): void;
  info(message: string, properties?: LogProperties): void;
  warning(message: string, properties?: LogProperties): void;
  error(message: string, properties?: LogProperties): void;
}

/** What a line says beside its message: `key=value` in text, members of the object in JSON. */
export type LogProperties = Readonly<Record<string, string | number | boolean | undefined>>;
